"""Takes a reference: from a recording, or from a camera in front of which somebody stands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from focus.calib._measure import Reference, measure
from focus.runtime.sources import (
    CAMERA_FIELDS,
    FILE_FIELDS,
    OPTION_OF_FIELD,
    FrameSource,
    SourceOptions,
    source_from_uri,
)

#: Lines of a camera: their mean has a tenth of a line's noise.
CAMERA_LINES = 100


class Taker:
    """Takes references one after the other.

    Args:
        args: of ``focus-calib reference``.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args

    def require_somebody(self, white: str, darks: Sequence[str]) -> None:
        """Refuses a camera that is to be covered and uncovered while nobody is there to ask.

        Raises:
            ValueError: saying so.
        """
        if white in darks and not is_recording(white) and not sys.stdin.isatty():
            raise ValueError(
                f"--white and --dark both come from {white}, and there is no terminal to say when to cover its lens; "
                "run it in a terminal, or record them one by one"
            )

    def require_sense(self, places: Sequence[str]) -> None:
        """Refuses options that none of the references has a use for.

        Raises:
            ValueError: naming one of them.
        """
        recorded = [is_recording(place) for place in places]
        for fields, used, others in (
            (CAMERA_FIELDS, not all(recorded), "a camera"),
            (FILE_FIELDS, any(recorded), "a recording"),
        ):
            given = [name for name in fields if getattr(self._args, name, None) is not None]
            if given and not used:
                option = OPTION_OF_FIELD.get(given[0], given[0])
                raise ValueError(f"--{option} is for {others}, and no reference is one; leave it out")

    def take(
        self,
        place: str,
        exposure_ms: float | None,
        what: str,
        wish: str,
        progress: Callable[[str, float, float | None], None],
    ) -> Reference:
        """Takes one reference.

        Args:
            place: a recording, or a camera's URI.
            exposure_ms: what the user says of its exposure.
            what: the reference, for people.
            wish: what to do before it is taken, where it comes from a camera.
            progress: called with the step, and lines done and to come.
        """
        recording = is_recording(place)
        if not recording and sys.stdin.isatty():
            print(f"{what}: {wish}, then press Enter", file=sys.stderr, flush=True)
            sys.stdin.readline()
        source = self._opened(place, exposure_ms, recording)
        lines = self._args.lines or (None if recording else CAMERA_LINES)
        total = lines or source.facts.lines
        return measure(source, lines, lambda done: progress(what, done, total))

    def _opened(self, place: str, exposure_ms: float | None, recording: bool) -> FrameSource:
        args = self._args
        if recording:
            own = {"variable": args.variable, "axes": args.axes}
        else:
            own = {name: getattr(args, name, None) for name in CAMERA_FIELDS}
        options = SourceOptions(
            raw=True,
            exposure_ms=exposure_ms,
            wavelengths_nm=args.wavelengths,
            bits=args.bits,
            shift=args.shift,
            **own,
        )
        named = not recording or place.startswith(("replay:", "sim:"))
        uri = place if named else f"replay:{place}"
        return source_from_uri(uri, options)


def is_recording(place: str) -> bool:
    """Whether it names what is there already, a file or a simulation, not a camera."""
    absent = ":" not in place and not place.startswith("/dev/") and not Path(place).exists()
    if place.startswith(("replay:", "sim:")) or Path(place).is_file() or absent:
        return True
    from focus.runtime.cameras import scheme_of

    return scheme_of(place) is None
