"""``focus-run``: streams lines through a model and writes what is there, where it looked, and at which wavelengths."""

from __future__ import annotations

import sys
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from focus.runtime.commands._cli import DONE, CommandParser, command_parser, run_command
from focus.runtime.commands._serve_options import Served, add_serve_arguments, serving
from focus.runtime.commands._source_options import add_camera_arguments, add_source_arguments, source_options

if TYPE_CHECKING:
    from focus.runtime.engines import Engine
    from focus.runtime.monitor import Monitor
    from focus.runtime.outputs import Results
    from focus.runtime.pipeline import RunSummary

NAME = "focus-run"

EXAMPLES = """\
examples:
  focus-run --camera sim: --out out/demo
      a simulated strip of leaves with known lesions, through the shipped model
  focus-run --camera replay:leaf.hdr --out out/leaf --resample --cube
      a recorded reflectance cube, resampled to the model's bands, with the saliency cube T
  focus-run --engine focus.onnx --camera replay:raw.hdr --calibration rig.focuscal --out out/leaf
      raw counts, made reflectance with the rig's references (focus-calib reference)
  focus-run --engine focus.onnx --camera /dev/hsi0 --calibration rig.focuscal --out out/live
      a camera: V4L2, GigE Vision, USB3 Vision, or a program that writes into a FIFO or socket (docs/cameras.md)
  focus-run --camera replay:leaf.hdr,rate=100,loop=1 --out out/leaf --serve
      the same for the eye: a live page at http://127.0.0.1:8765 while it runs (docs/live.md)
  focus-run inspect leaf.hdr
      what is in a file, with a quicklook and its mean spectrum
  focus-run cameras
      which cameras are there
  focus-run camera-sim --to tcp://127.0.0.1:7700
      plays a camera, for focus-run --camera tcp://127.0.0.1:7700

exit codes: 0 done, 1 failed while running, 2 wrong usage or input (nothing is written then), 143 ended by SIGTERM
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    return run_command(NAME, lambda: _work(arguments))


def _work(arguments: list[str]) -> int:
    from focus.runtime.commands import camera_sim, cameras, inspect

    others: dict[str, ModuleType] = {"inspect": inspect, "cameras": cameras, "camera-sim": camera_sim}
    other = others.get(arguments[0]) if arguments else None
    if other is None:
        return _run(arguments)
    parser = CommandParser(prog=f"{NAME} {arguments[0]}", formatter_class=RawDescriptionHelpFormatter)
    other.add_arguments(parser)
    return int(other.run(parser.parse_args(arguments[1:])))


def _parser() -> CommandParser:
    parser = command_parser(
        NAME,
        "Stream hyperspectral lines through a FOCUS model and write what is there, where the model looked,\n"
        "and at which wavelengths. `focus-run inspect FILE` prints what is in a file, `focus-run cameras` the cameras.",
        EXAMPLES,
    )
    parser.add_argument(
        "--camera",
        required=True,
        metavar="URI",
        help="a device such as /dev/hsi0, gige://IP, usb3://SERIAL, gentl:producer.cti, tcp://HOST:PORT, unix:/path, "
        "fifo:/path, replay:FILE[,rate=R|recorded,loop=1], or "
        "sim:[leaves=4,samples=256,leaf=128,seed=9,sensor=NAME,lost=SHARE]",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the results")
    parser.add_argument(
        "--engine",
        type=Path,
        metavar="FILE",
        help="plan of focus-build, or model of focus-export (default: the shipped one)",
    )
    maps = parser.add_argument_group("maps")
    maps.add_argument(
        "--class",
        dest="shown",
        metavar="NAME",
        help="class or target to explain (default: the predicted one)",
    )
    maps.add_argument("--cube", action="store_true", help="also write the saliency cube T")
    maps.add_argument(
        "--overlap",
        type=int,
        metavar="PATCHES",
        help="patches that neighbouring windows share (default: half a window)",
    )
    add_source_arguments(parser.add_argument_group("what the file does not say"))
    add_camera_arguments(parser.add_argument_group("cameras"))
    add_serve_arguments(parser.add_argument_group("seeing it"))
    speed = parser.add_argument_group("speed")
    speed.add_argument(
        "--backend",
        metavar="NAME",
        help="tensorrt, onnxruntime-cuda, openvino or onnxruntime (default: the first of them that runs the file here)",
    )
    speed.add_argument(
        "--batch", type=int, default=1, metavar="N", help="windows read at once: more maps a second, each later (1)"
    )
    speed.add_argument("--threads", type=int, metavar="N", help="threads of engine and ingest (default: all cores)")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run in --out")
    parser.add_argument("--quiet", action="store_true", help="no progress and no summary")
    return parser


def _run(arguments: list[str]) -> int:
    args = _parser().parse_args(arguments)
    if args.threads is not None and args.threads < 1:
        raise ValueError(f"--threads must be 1 or more, got {args.threads}")
    if args.batch < 1:
        raise ValueError(f"--batch must be 1 or more, got {args.batch}")
    from focus.runtime.monitor import Monitor

    monitor = Monitor()
    with serving(args, monitor) as served:
        return _stream(args, served, monitor)


def _stream(args: Namespace, served: Served, monitor: Monitor) -> int:
    from focus.runtime._service import service
    from focus.runtime.engines import engine_from_path
    from focus.runtime.outputs import RunFolder, run_to_folder
    from focus.runtime.pipeline import Settings
    from focus.runtime.sources import source_from_uri

    folder = RunFolder(args.out, overwrite=args.overwrite)
    engine = engine_from_path(args.engine, args.threads, backend=args.backend, batch=args.batch)
    source = source_from_uri(args.camera, source_options(args, engine.bundle))
    settings = Settings(args.shown, args.overlap, args.cube, args.batch, args.threads)
    with service() as supervisor:
        if args.quiet:
            run_to_folder(source, engine, folder, settings, supervisor.progress, served.sinks, monitor)
            return DONE
        from focus.runtime.commands._progress import RunProgress

        with RunProgress(source.facts.lines) as progress:

            def report(lines: int, windows: int) -> None:
                supervisor.progress(lines, windows)
                progress.update(lines, windows)

            summary, results = run_to_folder(source, engine, folder, settings, report, served.sinks, monitor)
    _print_summary(engine, summary, results, folder.target)
    return DONE


def _print_summary(engine: Engine, summary: RunSummary, results: Results, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from focus.runtime.monitor import warnings_of

    console = Console(highlight=False)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    counts = summary.counts
    table.add_row("model", f"{engine.bundle.name}, {engine.name} {engine.precision}")
    table.add_row("scene", f"{summary.lines} lines x {summary.samples} samples, {summary.valid_share:.1%} valid")
    table.add_row("lines", f"{counts.received} received, {counts.missing} missing, {counts.rejected} rejected")
    skipped = f", {summary.skipped} empty ones skipped" if summary.skipped else ""
    table.add_row(
        "windows", f"{summary.windows}{skipped}, {summary.windows_per_second:.1f} cubes/s, {summary.seconds:.1f} s"
    )
    for name, score in summary.mean_scores.items():
        count = (
            f"{summary.class_counts[name]} windows, mean score {score:.2f}"
            if summary.class_counts
            else f"mean {score:.4g}"
        )
        table.add_row(name, count)
    if results.lesion_iou:
        pairs = ", ".join(f"{name} {value:.2f}" for name, value in results.lesion_iou.items())
        table.add_row("lesion IoU", pairs)
    console.print(table)
    for line in warnings_of(results.monitor):
        console.print(line, style="yellow", markup=False)
    print(f"wrote {len(results.files)} files to {out}/; look at {out / 'overview.png'} first")
