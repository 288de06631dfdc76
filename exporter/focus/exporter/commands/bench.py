"""``focus-bench``: peers and ours in one run, on the same cubes."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus.exporter.commands._torch import require_torch
from focus.runtime._processor import usable_cores
from focus.runtime.commands import DONE, FAILED, CommandParser, command_parser, run_command

if TYPE_CHECKING:
    from focus.exporter.bench import BenchSettings

NAME = "focus-bench"

EXAMPLES = """\
examples:
  focus-bench --json out/bench.json
      everything: two ViTs, all peers, the sweep over bands, 1,000 cubes through focus-run; about a quarter of an hour
  focus-bench --quick
      fewer rounds, no sweep and no long run; some minutes
  focus-bench --models vit-b16 --rows plain_vit_openvino,focus_openvino,focus_graph
      these rows alone
  focus-bench --rows vanilla_full_spectrum,dchag_style,torch_focus --limit-s 600
      the sweep, with ten minutes for a pass

Every row is checked against torch in float32 before it is timed, in a process of its own. The ratios that are not
met are named at the end; they do not change the exit code. A row that fails its check does.

exit codes: 0 done, 1 failed while running or a row gave a wrong answer, 2 wrong usage or input
"""


def main(argv: list[str] | None = None) -> int:
    """Runs the command; 0 done, 1 failed or a wrong answer, 2 wrong usage or input."""
    return run_command(NAME, lambda: _run(build_parser().parse_args(argv)))


def build_parser() -> CommandParser:
    """The command's options."""
    from focus.exporter.bench import MODELS

    parser = command_parser(
        NAME,
        "Times FOCUS from raw counts to maps beside a plain ViT, a naive pipeline, Grad-CAM, PyTorch, and networks\n"
        "that read every band as tokens: median, p99 and peak memory, on this machine, in this run.",
        EXAMPLES,
    )
    add = parser.add_argument
    add("--json", type=Path, default=Path("out/bench.json"), metavar="FILE", help="result (default: %(default)s)")
    add("--plot", type=Path, metavar="FILE", help="picture, PNG (default: beside the result)")
    names = ",".join(MODELS)
    add("--models", default=names, metavar="A,B", help="the sweep and focus-run take the last (default: %(default)s)")
    add("--rows", metavar="A,B", help="only these rows (default: all; an unknown name lists them)")
    add("--quick", action="store_true", help="fewer rounds, no sweep, no long run")
    add("--threads", type=int, metavar="N", help="threads of every row (default: the cores this process may use)")
    add("--weights", type=Path, metavar="FILE", help="DINOv2 ViT-S/14 weights for vit-s14 (default: random)")
    add("--rounds", type=int, default=6, metavar="N", help="turns that the rows take (default: %(default)s)")
    add("--cubes", type=int, default=1000, metavar="N", help="cubes of the long run (default: %(default)s)")
    add("--limit-s", type=float, default=60.0, metavar="S", help="limit for a pass of the sweep (default: %(default)s)")
    add("--memory-gb", type=float, metavar="GB", help="limit for a process of the sweep (default: what is free)")
    add("--work", type=Path, metavar="DIR", help="keep networks and logs here for the next run (default: not kept)")
    return parser


def _run(args: argparse.Namespace) -> int:
    from focus.exporter.bench import BenchSettings
    from focus.runtime._errors import OutputError

    settings = _settings(args, BenchSettings(Path(), _threads(args.threads)))
    require_torch()
    plot = args.plot or args.json.with_suffix(".png")
    for path in (args.json, plot):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder of {path}: {error.strerror}; write elsewhere") from None
    from rich.console import Console

    from focus.exporter.bench._bench import run_bench, write_json
    from focus.exporter.bench._plot import write_plot
    from focus.exporter.bench._table import tables_from_result

    start = time.monotonic()
    with _work_folder(args.work) as work:
        result = run_bench(
            replace(settings, work=work),
            lambda words: print(f"{time.monotonic() - start:5.0f} s  {words}", file=sys.stderr, flush=True),
        )
    console = Console(highlight=False)
    console.print(_heading(result["machine"]))
    for table in tables_from_result(result):
        console.print()
        console.print(table)
    write_json(result, args.json)
    write_plot(result, plot)
    print(f"wrote {args.json} and {plot}")
    wrong = [row["name"] for row in result["rows"] if row["state"] in ("wrong", "failed")]
    if wrong:
        print(f"{NAME}: {', '.join(dict.fromkeys(wrong))}: wrong answers or failures, see the table", file=sys.stderr)
    return FAILED if wrong else DONE


def _settings(args: argparse.Namespace, plain: BenchSettings) -> BenchSettings:
    """The settings that the options describe."""
    from focus.exporter.bench import MODELS

    chosen = [name.strip() for name in args.models.split(",") if name.strip()]
    unknown = [name for name in chosen if name not in MODELS]
    if unknown:
        raise ValueError(f"--models has no {', '.join(unknown)}; there are {', '.join(MODELS)}")
    models = tuple(MODELS[name] for name in chosen)
    if args.weights is not None:
        if "vit-s14" not in chosen or not args.weights.is_file():
            raise ValueError(f"--weights needs vit-s14 among --models and a file that exists, got {args.weights}")
        models = tuple(
            replace(model, weights=str(args.weights.resolve())) if model.name == "vit-s14" else model
            for model in models
        )
    rows = plain.rows
    if args.rows is not None:
        rows = tuple(name.strip() for name in args.rows.split(",") if name.strip())
    settings = replace(
        plain,
        models=models,
        rows=rows,
        rounds=args.rounds,
        long_cubes=args.cubes,
        pass_limit_s=args.limit_s,
        memory_limit_gb=args.memory_gb,
    )
    if not args.quick:
        return settings
    kept = tuple(name for name in settings.rows if name != "focus_run_long")
    return replace(settings, rounds=min(args.rounds, 2), seconds=0.5, bands=(), rows=kept)


def _threads(asked: int | None) -> int:
    if asked is not None and asked < 1:
        raise ValueError(f"--threads must be at least 1, got {asked}")
    return asked or usable_cores()


@contextmanager
def _work_folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="focus-bench-") as folder:
        yield Path(folder)


def _heading(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items() if name != "focus-hsi")
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads, "
        f"{' '.join(machine['flags'])}\n{machine['os']}, Python {machine['python']}, {versions}"
    )


if __name__ == "__main__":
    sys.exit(main())
