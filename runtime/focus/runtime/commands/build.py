"""``focus-build``: a TensorRT plan of an exported model, run and compared before it is kept."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from focus.runtime.commands._cli import DONE, FAILED, CommandParser, command_parser, run_command
from focus.runtime.commands._source_options import add_source_arguments, source_options

if TYPE_CHECKING:
    from focus.runtime.agreement import Limits
    from focus.runtime.commands._steps import Steps
    from focus.runtime.tensorrt import BuildOptions
    from focus.runtime.tensorrt._build import Outcome, Source
    from focus.runtime.tensorrt._check import CheckWindows

NAME = "focus-build"

#: Simulated leaves that a plan is checked on where no data is given.
SIMULATED = 8

KEPT = "the plan is kept, as --keep-anyway asks"
NOT_KEPT = "nothing was written; try another TensorRT version or the FP32 export, or keep the plan with --keep-anyway"

EXAMPLES = """\
examples:
  focus-build --onnx focus-fp16.onnx --engine focus.plan
      one window at a time, for streaming; checked on simulated leaves
  focus-build --onnx focus-fp16.onnx --engine focus.plan --data leaves.csv --reference focus.onnx
      checked on real windows, against the FP32 export
  focus-build --onnx focus-fp16.onnx --engine server.plan --batch 1,4,8 --hardware-compatible
      1 to 8 windows a pass, best at 4, on every GPU from Ampere on

A plan runs on the GPU model and the TensorRT version that built it. FILE.plan.json beside it says which; keep both.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    return run_command(NAME, lambda: _run(list(sys.argv[1:] if argv is None else argv)))


def _parser() -> CommandParser:
    parser = command_parser(
        NAME, "Build a TensorRT plan of an exported model, on the machine that will run it.", EXAMPLES
    )
    add = parser.add_argument
    add("--onnx", type=Path, required=True, metavar="FILE", help="model from focus-export or focus-calib quantize")
    add("--engine", type=Path, required=True, metavar="FILE", help="the .plan to write; FILE.json is written beside it")
    add(
        "--precision",
        choices=("fp32", "fp16", "int8", "fp8"),
        help="refuse an ONNX file of another one; the plan has the precision of its ONNX file",
    )
    add("--batch", metavar="N|MIN,OPT,MAX", help="windows of a pass: always N (1), or any number up to MAX")
    add("--workspace", type=int, metavar="MIB", help="most device memory for the builder's tactics (default: all)")
    add(
        "--optimisation-level",
        type=int,
        default=3,
        metavar="0-5",
        help="how long to look for the fastest plan (%(default)s)",
    )
    add("--hardware-compatible", action="store_true", help="for every GPU from Ampere on; somewhat slower")
    add("--version-compatible", action="store_true", help="for newer TensorRT of the same major version; larger")
    _add_check(parser)
    add_source_arguments(parser.add_argument_group("what the cubes of --data do not say"))
    add("--overwrite", action="store_true", help="replace --engine if it is there")
    return parser


def _add_check(parser: CommandParser) -> None:
    check = parser.add_argument_group("check: the plan is run beside ONNX Runtime before it is kept")
    add = check.add_argument
    add(
        "--data",
        nargs="+",
        metavar="DATA",
        help="windows to check on: cubes, a CSV manifest, MODEL.training, or sim: (default: "
        f"{SIMULATED} simulated leaves, interpolated to the model's bands)",
    )
    add("--windows", type=int, default=32, metavar="N", help="at most so many windows of --data (%(default)s)")
    add(
        "--reference",
        type=Path,
        metavar="FP32.onnx",
        help="FP32 export of the same model to compare with (default: --onnx itself, in ONNX Runtime on the CPU)",
    )
    add(
        "--least-agreement",
        type=float,
        metavar="S",
        default=0.98,
        help="share of windows of the same class (%(default)s)",
    )
    add("--least-spearman", type=float, metavar="S", default=0.95, help="mean rank correlation of M (%(default)s)")
    add("--least-top5", type=float, metavar="S", default=0.9, help="mean overlap of the top-5 bands (%(default)s)")
    add(
        "--most-logits",
        type=float,
        metavar="S",
        help="largest difference of a logit, as a share of the largest logit (fp32 0.02, fp16 0.05, int8 and fp8 0.2)",
    )
    add("--keep-anyway", action="store_true", help="write a plan that fails the check, too")


def _run(arguments: list[str]) -> int:
    args = _parser().parse_args(arguments)
    options = _options(args)
    from focus.runtime.commands._steps import Steps
    from focus.runtime.tensorrt import gpu_facts
    from focus.runtime.tensorrt._build import build, require_target, source_from_onnx, tensorrt_module
    from focus.runtime.tensorrt._check import reference_of

    require_target(args.engine, args.overwrite)
    source = source_from_onnx(args.onnx, args.precision)
    reference = reference_of(args.onnx, args.reference)
    trt, gpu = tensorrt_module(), gpu_facts()
    print(
        f"building for {gpu.name} ({gpu.compute_capability}) with TensorRT {trt.__version__}: {args.onnx.name}, "
        f"{source.precision}"
    )
    with Steps() as steps:
        outcome = build(
            source,
            args.engine,
            options,
            gpu,
            trt,
            check=_windows(args, source, steps),
            reference=reference,
            limits=_limits(args, source, reference.said),
            keep_anyway=args.keep_anyway,
            progress=steps.update,
        )
    return _report(args, outcome)


def _options(args: argparse.Namespace) -> BuildOptions:
    """Mistakes in the options are said before anything is loaded."""
    from focus.runtime.tensorrt import BatchProfile, BuildOptions

    if not 0 <= args.optimisation_level <= 5:
        raise ValueError(f"--optimisation-level must be 0 to 5, got {args.optimisation_level}")
    if args.workspace is not None and args.workspace < 1:
        raise ValueError(f"--workspace must be 1 MiB or more, got {args.workspace}")
    if args.windows < 1:
        raise ValueError(f"--windows must be 1 or more, got {args.windows}")
    for name in ("least_agreement", "least_spearman", "least_top5"):
        if not -1.0 <= getattr(args, name) <= 1.0:
            raise ValueError(f"--{name.replace('_', '-')} is a share, up to 1, got {getattr(args, name):g}")
    return BuildOptions(
        batch=None if args.batch is None else BatchProfile.from_text(args.batch),
        workspace_mib=args.workspace,
        optimisation_level=args.optimisation_level,
        hardware_compatible=args.hardware_compatible,
        version_compatible=args.version_compatible,
    )


def _limits(args: argparse.Namespace, source: Source, exact: str) -> Limits:
    from focus.runtime.agreement import Limits
    from focus.runtime.tensorrt._check import MOST_LOGITS

    logits = MOST_LOGITS[source.precision] if args.most_logits is None else args.most_logits
    return Limits(
        args.least_agreement, args.least_spearman, args.least_top5, logits=logits, coarse="the plan", exact=exact
    )


def _windows(args: argparse.Namespace, source: Source, steps: Steps) -> Callable[[], CheckWindows]:
    """What the plan is checked on, read before the build: data that does not fit must not cost a build."""
    from focus.runtime.agreement import recordings_from_data, simulated_windows, windows_from_data
    from focus.runtime.tensorrt._check import CheckWindows

    file = source.file
    if args.data is None:
        return lambda: CheckWindows(simulated_windows(file.bundle, SIMULATED), "simulated leaves")
    recordings, options = recordings_from_data(args.data), source_options(args, file.bundle)
    return lambda: CheckWindows(
        windows_from_data(recordings, file, options, args.windows, steps.update), " ".join(args.data)
    )


def _report(args: argparse.Namespace, outcome: Outcome) -> int:
    from rich.console import Console

    from focus.runtime.commands._build_table import check_table
    from focus.runtime.tensorrt import release_of

    facts = outcome.facts
    for warning in facts.warnings:
        print(f"TensorRT warns: {' '.join(warning.split())}", file=sys.stderr)
    if facts.check is not None:
        print(f"checked on {facts.check.windows} windows ({facts.check.origin}) against {facts.check.reference}")
        Console(highlight=False).print(check_table(facts.check))
    if outcome.shortfall is not None:
        known = "".join(f"; {fault}" for fault in release_of(facts.tensorrt_version).caveats)
        print(f"{NAME}: {outcome.shortfall}{known}; {KEPT if outcome.kept else NOT_KEPT}", file=sys.stderr)
    if not outcome.kept:
        return FAILED
    print(f"wrote {args.engine} ({facts.plan_bytes / 1e6:.1f} MB) and {args.engine.name}.json")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
