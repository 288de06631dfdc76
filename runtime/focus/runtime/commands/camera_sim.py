"""`focus-run camera-sim`: plays a camera that sends a framed byte stream (docs/stream.md)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from focus.runtime.commands._cli import DONE

if TYPE_CHECKING:
    from focus.runtime.cameras._scene import Scene
    from focus.runtime.cameras._sim import SimCounts

DESCRIPTION = """\
Play a camera: send lines as a framed byte stream, at a camera's pace and with a camera's faults.
It waits for a reader, and for the next one when a reader goes away."""

EXAMPLES = """\
examples:
  focus-run camera-sim --to tcp://127.0.0.1:7700 --calibration-out out/sim.focuscal
  focus-run --camera tcp://127.0.0.1:7700 --calibration out/sim.focuscal --out out/live
      in two terminals: leaves pass under a simulated camera
  focus-run camera-sim --to unix:/run/focus.sock --size 224x1024 --lines-per-second 330 --lines 3300 --drop
      a pattern at the size and rate of a Specim FX10, with lines lost that nobody takes in time
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `focus-run camera-sim`."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("--to", required=True, metavar="URI", help="tcp://HOST:PORT, unix:/path or fifo:/path")
    scene = parser.add_mutually_exclusive_group()
    scene.add_argument(
        "--from", dest="scene", default="sim:", metavar="URI", help="replay:FILE or sim:key=value,... (default: sim:)"
    )
    scene.add_argument("--size", metavar="CxS", help="a pattern of C bands x S samples instead, e.g. 224x1024")
    parser.add_argument(
        "--lines-per-second", type=float, default=330.0, metavar="R", help="pace; 0 is as fast as they are taken (330)"
    )
    parser.add_argument("--cube-lines", type=int, metavar="N", help="be a snapshot camera, with cubes of N lines")
    parser.add_argument("--lines", type=int, metavar="N", help="stop after N lines")
    parser.add_argument("--loop", action="store_true", help="send the scene again and again")
    parser.add_argument(
        "--drop", action="store_true", help="lose lines that nobody takes within a second, as a camera does"
    )
    parser.add_argument("--lose", type=float, default=0.0, metavar="SHARE", help="share of the lines never sent")
    parser.add_argument("--corrupt", type=float, default=0.0, metavar="SHARE", help="share of the lines damaged")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of lost and damaged lines, and the pattern")
    parser.add_argument(
        "--calibration-out", type=Path, metavar="FILE", help="write the scene's calibration, for the reader"
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing")


def run(args: argparse.Namespace) -> int:
    """Runs `focus-run camera-sim`.

    Raises:
        ValueError: arguments that make no sense.
        CubeError: the file cannot be sent.
        CameraError: the place is taken.
    """
    from focus.runtime._service import service
    from focus.runtime.cameras import place_from_uri
    from focus.runtime.cameras._outlet import open_outlet
    from focus.runtime.cameras._sim import CameraSim, SimSettings

    place = place_from_uri(args.to)
    settings = SimSettings(
        args.lines_per_second,
        args.lines,
        args.loop or args.size is not None,
        args.lose,
        args.corrupt,
        args.drop,
        args.seed,
    )
    scene = _scene(args)
    _write_calibration(scene, args.calibration_out)
    say = _silent if args.quiet else _say
    sim = CameraSim(scene, settings)
    with service(), open_outlet(place) as outlet:
        say(f"{scene.header.name}: waiting for a reader at {args.to}")
        try:
            sim.run(outlet, say)
        finally:
            say(_summary(sim.counts))
    return DONE


def _scene(args: argparse.Namespace) -> Scene:
    from focus.runtime.cameras._scene import snapshots

    scene = _pushbroom_scene(args)
    return scene if args.cube_lines is None else snapshots(scene, args.cube_lines)


def _pushbroom_scene(args: argparse.Namespace) -> Scene:
    from focus.runtime.cameras._scene import pattern, scene_from_uri

    if args.size is None:
        return scene_from_uri(args.scene)
    bands, _, samples = args.size.partition("x")
    if not (bands.isdecimal() and samples.isdecimal() and int(bands) and int(samples)):
        raise ValueError(f"--size must be bands x samples such as 224x1024, got {args.size!r}")
    return pattern(int(bands), int(samples), args.seed)


def _write_calibration(scene: Scene, path: Path | None) -> None:
    if path is None:
        return
    if scene.calibration is None:
        raise ValueError("--calibration-out goes with --size and --from sim:; a recording has its own")
    path.parent.mkdir(parents=True, exist_ok=True)
    scene.calibration.save(path)


def _summary(counts: SimCounts) -> str:
    rate = counts.sent / counts.seconds if counts.seconds else 0.0
    return (
        f"{counts.sent} lines sent ({rate:.1f}/s), {counts.lost} lost and {counts.corrupted} damaged on purpose, "
        f"{counts.dropped} not taken in time, {counts.readers} readers"
    )


def _say(line: str) -> None:
    print(f"camera-sim: {line}", file=sys.stderr, flush=True)


def _silent(line: str) -> None:
    """Says nothing."""
