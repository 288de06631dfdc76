"""``focus-run``: streams lines through a model and writes what is there, where it looked, and at which wavelengths."""

from __future__ import annotations

import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from focus.runtime._errors import CameraError
from focus.runtime.commands._cli import CommandParser, command_parser, run_command
from focus.runtime.commands._output_options import add_output_arguments, output_options
from focus.runtime.commands._run_camera import run_camera
from focus.runtime.commands._run_options import (
    RunParts,
    add_loss_arguments,
    add_map_arguments,
    add_speed_arguments,
    settings_of,
)
from focus.runtime.commands._run_recording import run_recording
from focus.runtime.commands._serve_options import add_serve_arguments, serving
from focus.runtime.commands._source_options import add_camera_arguments, add_source_arguments, source_options

if TYPE_CHECKING:
    from focus.runtime.sources import FrameSource

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

A recording's folder is whole or not there. A camera fills DIR/segment-0001, and the next one whenever it was lost and
came back, until Ctrl-C or SIGTERM finishes the window and every file.

exit codes: 0 done, 1 failed while running, 2 wrong usage or input (nothing is written then), 143 a recording that
SIGTERM ended
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
        if arguments and not arguments[0].startswith("-"):
            if Path(arguments[0]).is_file():
                raise ValueError(f"{arguments[0]} is a file; did you mean --camera replay:{arguments[0]}, or inspect?")
            raise ValueError(f"unknown command {arguments[0]!r}; commands are {', '.join(others)}; see {NAME} --help")
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
    add_map_arguments(parser.add_argument_group("maps"))
    add_source_arguments(parser.add_argument_group("what the source does not say"))
    cameras = parser.add_argument_group("cameras")
    add_camera_arguments(cameras)
    cameras.add_argument("--wait", action="store_true", help="wait for a camera that is not there yet, as after a boot")
    add_serve_arguments(parser.add_argument_group("seeing it"))
    add_loss_arguments(parser.add_argument_group("lines that come too fast"))
    add_output_arguments(parser.add_argument_group("files"))
    add_speed_arguments(parser.add_argument_group("speed"))
    parser.add_argument(
        "--append", action="store_true", help="go on in a camera run that --out holds, with a new segment"
    )
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="append a JSON line for all that happens: cameras, flags, lost lines"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run in --out")
    parser.add_argument("--quiet", action="store_true", help="no progress and no summary; warnings alone")
    return parser


def _run(arguments: list[str]) -> int:
    args = _parser().parse_args(arguments)
    settings = settings_of(args)
    if args.log is not None and args.log.resolve().is_relative_to(args.out.resolve()):
        raise ValueError(f"--log {args.log} lies in --out, which is a run's own; choose another place for it")

    from focus.runtime.engines import engine_from_path
    from focus.runtime.monitor import Monitor
    from focus.runtime.runs import RunLog
    from focus.runtime.sources import source_from_uri

    monitor = Monitor()
    with RunLog(args.log) as log, serving(args, monitor) as served, output_options(args) as outputs:
        monitor.listeners.append(log.flagged)
        engine = engine_from_path(args.engine, args.threads, backend=args.backend, batch=args.batch)
        options = source_options(args, engine.bundle)

        def opened() -> FrameSource:
            return source_from_uri(args.camera, options)

        log.started(engine.file, args.camera, args.out)
        parts = RunParts(args, engine, settings, outputs, monitor, served, log)
        try:
            source = opened()
        except CameraError:
            if not args.wait:
                raise
            return run_camera(parts, None, opened)
        return run_recording(parts, source) if source.facts.lines is not None else run_camera(parts, source, opened)
