"""``focus-calib quantize``: an INT8 model of an FP32 one, measured before it is written."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from focus.runtime.commands import DONE, FAILED
from focus.runtime.commands._source_options import add_source_arguments, source_options

if TYPE_CHECKING:
    from focus.calib._speed import Speed
    from focus.runtime.agreement import Comparison, Divided, Limits
    from focus.runtime.commands._steps import Steps
    from focus.runtime.engines import OnnxRuntimeEngine

#: Fewer windows than this give figures that a single window moves.
FEW_WINDOWS = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``focus-calib quantize``."""
    add = parser.add_argument
    add("--onnx", type=Path, required=True, metavar="FILE", help="FP32 model from focus-export")
    add(
        "--data",
        required=True,
        nargs="+",
        metavar="DATA",
        help="real windows: cubes (or a pattern such as 'leaves/*.hdr'), a CSV manifest with the columns path and, if "
        "known, label and split, the folder MODEL.training of focus-train, or sim:",
    )
    add("--out", type=Path, required=True, metavar="FILE", help="the INT8 model to write")
    add(
        "--windows",
        type=int,
        default=64,
        metavar="N",
        help="at most so many windows to calibrate on, and as many others to check on (%(default)s)",
    )
    limits = parser.add_argument_group("refuse the INT8 model below")
    limits.add_argument(
        "--least-agreement",
        type=float,
        metavar="S",
        default=0.98,
        help="share of the windows that get the same class as from FP32; for regression 1 - mean difference / the "
        "target's deviation (%(default)s)",
    )
    limits.add_argument(
        "--least-accuracy",
        type=float,
        metavar="S",
        help="accuracy of INT8 itself, where the data has labels (no limit)",
    )
    limits.add_argument(
        "--least-spearman",
        type=float,
        metavar="S",
        default=0.95,
        help="mean rank correlation of M with FP32's (%(default)s)",
    )
    limits.add_argument(
        "--least-top5",
        type=float,
        metavar="S",
        default=0.9,
        help="mean overlap of the top-5 bands with FP32's (%(default)s)",
    )
    add_source_arguments(parser.add_argument_group("what the cubes do not say"))
    add("--threads", type=int, metavar="N", help="threads of the engines (default: all cores)")
    add("--overwrite", action="store_true", help="replace --out if it is there")


def run(args: argparse.Namespace) -> int:
    """Quantises, compares, times, and writes the file if it is good enough."""
    _require_arguments(args)
    from focus.calib._nncf import nncf_alone
    from focus.calib._quantize import require_quantizable
    from focus.runtime._files import write_atomically
    from focus.runtime.agreement import divided_windows, recordings_from_data
    from focus.runtime.commands._steps import Steps
    from focus.runtime.engines import OnnxRuntimeEngine

    with nncf_alone():
        pass  # a missing extra is said before the long work begins
    engine = OnnxRuntimeEngine(args.onnx, args.threads)
    recordings, options = recordings_from_data(args.data), source_options(args, engine.bundle)
    with tempfile.TemporaryDirectory(prefix="focus-calib-") as folder, engine as exact:
        require_quantizable(args.onnx, exact.bundle)
        coarse = Path(folder) / "int8.onnx"
        with Steps() as steps:
            windows = divided_windows(recordings, exact.file, options, args.windows, steps.update)
            if args.least_accuracy is not None and all(window.label < 0 for window in windows.check):
                raise ValueError("--least-accuracy needs labels, and --data has none; give a manifest with them")
            comparison, speed = _measured(args, exact, coarse, windows, steps)
        _print(args, coarse, windows, comparison, speed)
        shortfall = _limits(args).shortfall(comparison)
        if shortfall is not None:
            print(
                f"focus-calib: {shortfall}; nothing was written. Calibrate on more windows, or on windows that are "
                f"more like those in use (--data, --windows {args.windows}), or lower the limit",
                file=sys.stderr,
            )
            return FAILED
        write_atomically(args.out, coarse.read_bytes())
    print(f"wrote {args.out} ({args.out.stat().st_size / 1e6:.1f} MB)")
    return DONE


def _require_arguments(args: argparse.Namespace) -> None:
    """Mistakes in the options are said before the long work begins."""
    from focus.runtime import OutputError

    if args.out.suffix != ".onnx":
        raise ValueError(f"--out must name a file that ends in .onnx, got {args.out}")
    if args.out.exists() and not args.overwrite:
        raise OutputError(f"{args.out} exists; choose another --out, or replace it with --overwrite")
    if not args.out.parent.is_dir():
        raise OutputError(f"there is no folder {args.out.parent}; make it first")
    if args.threads is not None and args.threads < 1:
        raise ValueError(f"--threads must be 1 or more, got {args.threads}")
    if args.windows < 1:
        raise ValueError(f"--windows must be 1 or more, got {args.windows}")
    for name in ("agreement", "accuracy", "spearman", "top5"):
        value = getattr(args, f"least_{name}")
        if value is not None and not -1.0 <= value <= 1.0:
            raise ValueError(f"--least-{name} is a share, up to 1, got {value:g}")


def _limits(args: argparse.Namespace) -> Limits:
    from focus.runtime.agreement import Limits

    return Limits(args.least_agreement, args.least_spearman, args.least_top5, args.least_accuracy)


def _measured(
    args: argparse.Namespace, exact: OnnxRuntimeEngine, coarse: Path, windows: Divided, steps: Steps
) -> tuple[Comparison, Speed | None]:
    """Writes the INT8 model to ``coarse`` and compares it; times it if it is good enough."""
    from focus.calib._quantize import quantized_model
    from focus.calib._speed import measured_speed
    from focus.runtime.agreement import compare
    from focus.runtime.engines import OnnxRuntimeEngine

    steps.update("quantizing")
    made = quantized_model(args.onnx, exact.bundle, windows.calibration)
    coarse.write_bytes(made.SerializeToString())
    with OnnxRuntimeEngine(coarse, args.threads) as int8:
        comparison = compare(
            exact, int8, windows.check, lambda done: steps.update("comparing", done, len(windows.check))
        )
    if _limits(args).shortfall(comparison) is not None:
        return comparison, None
    window = windows.check[0]
    return comparison, measured_speed(
        args.onnx, coarse, window, args.threads, lambda done, rounds: steps.update("timing", done, rounds)
    )


def _print(args: argparse.Namespace, coarse: Path, windows: Divided, found: Comparison, speed: Speed | None) -> None:
    from rich.console import Console

    from focus.calib.commands._table import comparison_table, speed_table

    console = Console(highlight=False)
    print(f"calibrated on {len(windows.calibration)} windows, checked on {len(windows.check)} others")
    if len(windows.check) < FEW_WINDOWS:
        print(f"that is few: give cubes for {FEW_WINDOWS} or more windows to check on before relying on the figures")
    sizes = args.onnx.stat().st_size, coarse.stat().st_size
    console.print(comparison_table(found, sizes))
    if speed is not None:
        console.print(speed_table(speed))
        print(speed.verdict)
