"""Options about the files of a run."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from focus.runtime.outputs import OutputOptions
    from focus.runtime.outputs._open_files import Fsync

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt]?)(i?)b?)", re.IGNORECASE)


def add_output_arguments(group: argparse._ArgumentGroup) -> None:
    """Adds the options."""
    group.add_argument("--format", choices=["envi", "bigtiff"], default="envi", help="format of the maps (envi)")
    group.add_argument(
        "--record", action="store_true", help="also record the raw lines, to be replayed with replay:DIR/raw.hdr"
    )
    group.add_argument(
        "--fsync",
        metavar="WHEN",
        help="flush files to the disk, against power cuts: never, window (after each one), or so many seconds "
        "(default: 5 for a camera, never for a file)",
    )
    group.add_argument(
        "--min-free",
        metavar="SIZE",
        help="end the run when the disk has less than this left, e.g. 500MB (default: 1GB for a camera, 0 for a file)",
    )
    group.add_argument(
        "--gps",
        metavar="PLACE",
        help="positions for the tables: a file (NMEA, or CSV with utc, lat, lon and any of alt, roll, pitch, yaw), a "
        "serial port such as /dev/ttyUSB0,baud=115200, or tcp://HOST:PORT",
    )


@contextmanager
def output_options(args: argparse.Namespace) -> Iterator[OutputOptions]:
    """What was chosen; a receiver of ``--gps`` is read as long as the ``with`` block lasts.

    Raises:
        ValueError: a time, a size or a place that is none.
        FocusError: there is no position at ``--gps``.
    """
    from focus.runtime.outputs import OutputOptions

    chosen = OutputOptions(
        format=args.format,
        record=args.record,
        fsync=None if args.fsync is None else _fsync(args.fsync),
        min_free=None if args.min_free is None else _bytes(args.min_free),
    )
    if args.gps is None:
        yield chosen
        return
    from focus.runtime.positions import track_from_place

    with track_from_place(args.gps, _say_absent if args.wait else None) as track:
        yield replace(chosen, track=track)


def _say_absent(reason: str) -> None:
    print(f"focus-run: warning: {reason}; trying again until it is there", file=sys.stderr, flush=True)


def _fsync(text: str) -> Fsync:
    if text in ("never", "window"):
        return text  # type: ignore[return-value]  # one of the two
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.01 <= seconds <= 86400:
        raise ValueError(f"--fsync must be never, window, or seconds from 0.01 to 86400, got {text!r}")
    return seconds


def _bytes(text: str) -> int:
    """``1GB``, ``500 MB``, ``2GiB`` or a plain number of bytes."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"--min-free must be a size such as 1GB, 500MB or 0, got {text!r}")
    number, prefix, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** " kmgt".index(prefix.lower() or " "))
