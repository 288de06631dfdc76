"""A floor under the free space of the disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from focus.runtime._errors import OutputError
from focus.runtime.outputs._contract import BaseSink
from focus.runtime.outputs._files import writing
from focus.runtime.pipeline import MapRow, Plan, Strip

#: Seconds between two looks; at 200 MB/s the disk fills by 100 MB in that time.
INTERVAL_S = 0.5

_UNITS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


class FreeSpace(BaseSink):
    """Asks for the end of a run before the disk is full, so that all that was taken can still be written.

    Args:
        folder: on the disk.
        least: bytes that are to stay free.
        low: called with the reason, once the floor is reached.
    """

    def __init__(self, folder: Path, least: int, low: Callable[[str], None]) -> None:
        self._folder, self._least, self._low = folder, least, low
        self._next = 0.0

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``.

        Raises:
            OutputError: the floor is reached already.
        """
        reason = self._reason()
        if reason is not None:
            raise OutputError(f"{reason}; free some space, choose another --out, or lower --min-free")

    def add_strip(self, strip: Strip) -> None:
        """See ``MapSink.add_strip``."""
        self._look()

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""
        self._look()

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + INTERVAL_S
        reason = self._reason()
        if reason is not None:
            self._low(reason)

    def _reason(self) -> str | None:
        with writing(self._folder):
            free = shutil.disk_usage(self._folder).free
        if free >= self._least:
            return None
        left, least = _told_apart(free, self._least)
        return f"the disk of {self._folder} has {left} left, --min-free is {least}"


def size_text(size: int, digits: int = 3) -> str:
    """Bytes for people, as in ``1.5 GB``."""
    rounded = _rounded(size, digits)
    for unit, name in _UNITS:
        if rounded >= unit:
            return f"{rounded / unit:.{digits}g} {name}"
    return f"{size} bytes"


def _told_apart(free: int, least: int) -> tuple[str, str]:
    """Both sizes, with as many digits as it takes to see which is the smaller."""
    digits = 3
    while _rounded(free, digits) == _rounded(least, digits):
        digits += 1
    return size_text(free, digits), size_text(least, digits)


def _rounded(size: int, digits: int) -> float:
    return float(f"{size:.{digits}g}")
