"""What a run is to do: maps, speed, and what becomes of lines that come too fast."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from focus.runtime.commands._serve_options import Served
    from focus.runtime.engines import Engine
    from focus.runtime.monitor import Monitor
    from focus.runtime.outputs import MapSink, OutputOptions
    from focus.runtime.pipeline import Settings
    from focus.runtime.runs import RunLog
    from focus.runtime.sources import FrameSource


@dataclass(frozen=True, eq=False)
class RunParts:
    """What a run is made of, beside its source.

    Attributes:
        args: of the command.
        engine: not entered.
        settings, outputs: the user's choices.
        monitor: tells what makes the maps lie.
        served: who sees it.
        log: of what happens.
    """

    args: argparse.Namespace
    engine: Engine
    settings: Settings
    outputs: OutputOptions
    monitor: Monitor
    served: Served
    log: RunLog

    @property
    def sinks(self) -> list[MapSink]:
        """What is told beside the files."""
        return [*self.served.sinks, self.log]


def add_map_arguments(group: argparse._ArgumentGroup) -> None:
    """Adds the options that say which maps are wanted."""
    add = group.add_argument
    add("--class", dest="shown", metavar="NAME", help="class or target to explain (default: the predicted one)")
    add("--cube", action="store_true", help="also write the saliency cube T")
    add("--overlap", type=int, metavar="PATCHES", help="patches that neighbouring windows share (half a window)")
    add(
        "--stride",
        type=int,
        metavar="ROWS",
        help="rows of patches from one window to the next below (what --overlap leaves); rows are ingested once",
    )


def add_speed_arguments(group: argparse._ArgumentGroup) -> None:
    """Adds the options of speed."""
    add = group.add_argument
    add(
        "--backend",
        metavar="NAME",
        help="tensorrt, onnxruntime-cuda, openvino or onnxruntime (default: the first of them that runs the file here)",
    )
    add("--batch", type=int, default=1, metavar="N", help="windows read at once: more maps a second, each later (1)")
    add("--threads", type=int, metavar="N", help="threads of engine and ingest (default: all cores)")


def add_loss_arguments(group: argparse._ArgumentGroup) -> None:
    """Adds the options for lines that come too fast."""
    add = group.add_argument
    add(
        "--policy",
        choices=("record", "live"),
        help="where lines come faster than they are read: record stops and says so, all that was taken is safe; live "
        "drops the oldest and counts them (default: record for cameras; recordings wait)",
    )
    add("--buffer", type=int, metavar="LINES", help="lines that may wait (of a camera: 128 MiB, up to 1024; two cubes)")


def files_read(args: argparse.Namespace, source: FrameSource | None) -> list[Path]:
    """The files that a run reads, as far as they are there; they must not go with what it replaces."""
    held = None if source is None else source.facts.file
    named = (args.calibration, args.engine, args.wavelengths, args.gps)
    paths = [held, *(None if name is None else Path(name) for name in named)]
    return [path for path in paths if path is not None and path.is_file()]


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings that were given.

    Raises:
        ValueError: a number that is too small.
    """
    from focus.runtime.pipeline import Settings

    for name in ("threads", "batch", "buffer"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name} must be 1 or more, got {value}")
    return Settings(
        args.shown,
        args.overlap,
        args.stride,
        args.cube,
        args.batch,
        args.threads,
        args.policy,
        args.buffer,
    )
