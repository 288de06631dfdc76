"""``make gpu-check``: the command."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from focus.runtime.commands import DONE, FAILED, CommandParser, command_parser, run_command

if TYPE_CHECKING:
    from gpu_check._effort import Effort
    from gpu_check._section import Section, Tell

NAME = "gpu-check"

#: In this order; the sanitizer, which takes longest, gets what time is left.
STEPS = ("kernels", "callers", "times", "end_to_end", "sanitizer")

OUT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"

EXAMPLES = """\
examples:
  make gpu-check
      everything; some minutes
  python benchmarks/gpu_check --quick --out out
      fewer shapes and repetitions
  python benchmarks/gpu_check --only kernels
      whether the kernels are right here; writes no report

exit codes: 0 all that ran is right (whether or not the goals are met), 1 something is wrong, 2 no GPU or wrong usage
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    return run_command(NAME, lambda: _run(_parser().parse_args(argv)))


def _parser() -> CommandParser:
    parser = command_parser(
        NAME,
        "Checks the CUDA kernels on the GPU of this machine, and times them and the way from raw counts to maps,\n"
        "through TensorRT or ONNX Runtime where they are, else through torch as a stand-in.",
        EXAMPLES,
    )
    add = parser.add_argument
    add("--out", type=Path, metavar="DIR", help="where gpu-DEVICE.md and .json go (default: docs/benchmarks)")
    add("--quick", action="store_true", help="fewer shapes and repetitions")
    add("--only", nargs="+", choices=STEPS, metavar="STEP", help=f"of {', '.join(STEPS)}; writes only with --out")
    add("--seed", type=int, metavar="N", help="of the random inputs (default: another one each time)")
    add("--gpu", type=int, default=0, metavar="N", help="which GPU (%(default)s)")
    add("--limit-s", type=float, default=480.0, metavar="S", help="begin no step after this time (%(default)s)")
    return parser


def _run(args: argparse.Namespace) -> int:
    from gpu_check._effort import FULL, QUICK
    from gpu_check._goals import targets
    from gpu_check._gpu import opened_gpu
    from gpu_check._machine import gpu_machine
    from gpu_check._report import result_of, write_report
    from gpu_check._section import FAILED as STEP_FAILED
    from gpu_check._section import WRONG

    started, start = datetime.now(timezone.utc).isoformat(timespec="seconds"), time.monotonic()

    def tell(words: str) -> None:
        print(f"{time.monotonic() - start:5.0f} s  {words}", file=sys.stderr, flush=True)

    with opened_gpu(args.gpu) as gpu:
        machine = gpu_machine(gpu, engines=args.only is None or "end_to_end" in args.only)
    tell(f"{machine['gpu']}, {machine['memory_gb']} GB, driver {machine['driver']}, CUDA {machine['cuda']}")
    for engine, found in machine["engines"].items():
        tell(f"{engine}: {found}")
    seed = int(time.time()) if args.seed is None else args.seed
    effort = QUICK if args.quick else FULL
    sections = _sections(args, effort, seed, lambda: args.limit_s - (time.monotonic() - start), tell)
    figures = {name: value for section in sections for name, value in section.figures.items()}
    goals = targets(figures)
    for section in sections:
        print(f"{section.title}: {section.state}, {section.note}")
        for row in section.rows:
            for fault in row.get("first", []):
                print(f"  {fault}")
    for goal in goals if args.only is None else ():
        words = {True: "met", False: "not met", None: "not measured"}[goal.met]
        value = "" if goal.value is None else f"{goal.value:.3g}, "
        print(f"{goal.says}: {value}wanted {goal.as_json()['wanted']}: {words}")
    if args.only is None or args.out is not None:
        result = result_of(machine, started, seed, args.quick, sections, goals)
        text, data = write_report(result, args.out or OUT)
        print(f"wrote {text} and {data}")
    wrong = [section for section in sections if section.state in (WRONG, STEP_FAILED)]
    for section in wrong:
        print(f"{NAME}: {section.title}: {section.state}: {section.note}", file=sys.stderr)
    return FAILED if wrong else DONE


def _sections(
    args: argparse.Namespace, effort: Effort, seed: int, left_s: Callable[[], float], tell: Tell
) -> list[Section]:
    """Every step that was asked for, whatever became of the one before; only times wait for right kernels."""
    from gpu_check._callers import check_callers
    from gpu_check._end_to_end import end_to_end
    from gpu_check._kernel_times import time_kernels
    from gpu_check._kernels import check_kernels
    from gpu_check._sanitizer import sanitize
    from gpu_check._section import NOT_RUN, WRONG, Section

    steps: dict[str, Callable[[], Section]] = {
        "kernels": lambda: check_kernels(args.gpu, seed, effort.few_shapes, tell),
        "callers": lambda: check_callers(args.gpu, seed, tell),
        "times": lambda: time_kernels(args.gpu, effort, tell),
        "end_to_end": lambda: end_to_end(args.gpu, effort, tell),
        "sanitizer": lambda: sanitize(args.gpu, seed, left_s(), tell),
    }
    found: list[Section] = []
    for name in STEPS if args.only is None else [step for step in STEPS if step in args.only]:
        wrong = any(section.name == "kernels" and section.state == WRONG for section in found)
        if wrong and name in ("times", "end_to_end"):
            section = Section(name, name.replace("_", " "), NOT_RUN, "the kernels are wrong, so nothing is timed")
        elif left_s() <= 0:
            section = Section(name, name.replace("_", " "), NOT_RUN, f"the {args.limit_s:.0f} s of --limit-s are over")
        else:
            section = _attempted(name, steps[name])
        tell(f"{name}: {section.state}, {section.note}")
        found.append(replace(section, note=" ".join(section.note.split())))
    return found


def _attempted(name: str, step: Callable[[], Section]) -> Section:
    """A step, or that it ended early: what the steps after it find is still wanted."""
    from gpu_check._section import FAILED as STEP_FAILED
    from gpu_check._section import Section

    try:
        return step()
    except Exception as error:  # a fault of any library is a finding of this check
        import traceback

        traceback.print_exc(file=sys.stderr)
        return Section(name, name.replace("_", " "), STEP_FAILED, f"{type(error).__name__}: {error}"[:500])
