"""Tables whose rows say where the camera was."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Sequence

from focus.runtime.outputs._contract import BaseSink
from focus.runtime.outputs._open_files import OpenFiles
from focus.runtime.outputs._table import TableWriter, csv_text
from focus.runtime.outputs._utc import utc_text
from focus.runtime.pipeline import MapRow, Plan, RunSummary
from focus.runtime.positions import FIELDS, Fix, Track

#: Digits of each field: a millimetre, and a thousandth of a degree of attitude.
_DIGITS = {"lat": 8, "lon": 8}
_OTHER_DIGITS = 3

#: What the last column says: the fix is on the line between two that came, none is known, or the next must come first.
KNOWN, UNKNOWN, WAITING = "known", "none", "waiting"

#: Seconds before a segment whose fixes are kept with it: its first lines may be older than the segment.
BEFORE_S = 60.0

#: Rows that wait at most, many more than come between two fixes; where a clock jumps, the next fix may never come.
MOST_WAITING = 20_000

_WIDTH = len("-90.00000000,-180.00000000,-12345.678,-180.000,-180.000,-180.000,") + len(WAITING)


class FixesSink(BaseSink):
    """``gps.csv``: the fixes of a receiver as they came, as ``--gps`` reads them again.

    Args:
        files: where.
        track: of a receiver.
    """

    def __init__(self, files: OpenFiles, track: Track) -> None:
        self._files, self._track = files, track
        self._fixes: deque[Fix] = deque()

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self._table = TableWriter(self._files, "gps.csv", ["utc", *FIELDS])
        self._fixes = self._track.follow(time.time_ns() - int(BEFORE_S * 1e9))
        self._write()

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""
        self._write()

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        self._write()

    def close(self) -> None:
        """See ``MapSink.close``."""
        self._track.leave(self._fixes)

    def _write(self) -> None:
        fixes = [self._fixes.popleft() for _ in range(len(self._fixes))]
        if fixes:
            self._table.append(
                [utc_text(fix.utc_ns), *(_number(name, getattr(fix, name)) for name in FIELDS)] for fix in fixes
            )


class PlacedTable:
    """Appends rows with the position at their time, where a track is given; else the rows alone.

    A receiver's next fix comes after a row was written: the row then holds room for it, ``waiting``, which is written
    over in place. Rows are never held back, so none is lost for its position.

    Args:
        files: where.
        name: of the file.
        columns: their names, those of the position left out.
        track: where the camera was; None adds no columns.
    Attributes:
        rows: how many there are; placed: how many of them have a position by now.
    """

    def __init__(self, files: OpenFiles, name: str, columns: Sequence[str], track: Track | None) -> None:
        self._track = track
        more = () if track is None else (*FIELDS, "position")
        self._table = TableWriter(files, name, [*columns, *more])
        self._waiting: deque[tuple[int, int]] = deque()
        self.rows = self.placed = 0

    def append(self, rows: Iterable[Sequence[object]], utc_ns: Sequence[int | None]) -> None:
        """Appends rows.

        Args:
            rows: without position.
            utc_ns: the time of each, or None where it has none.
        Raises:
            OutputError: the disk is full.
        """
        if self._track is None:
            self._table.append(rows)
            return
        lines, offset = [], self._table.size
        for row, time_ns in zip(rows, utc_ns, strict=True):
            start = csv_text([row]).rstrip("\n") + ","
            self.rows += 1
            lines.append(start + _text(None, UNKNOWN if time_ns is None else WAITING))
            offset += len(start.encode())
            if time_ns is not None:
                self._waiting.append((time_ns, offset))
            offset += _WIDTH + 1
        self._table.append_text("".join(line + "\n" for line in lines))
        self.fill()

    def fill(self, *, last: bool = False) -> None:
        """Writes the positions that are known by now.

        Args:
            last: what is not known now never will be.
        Raises:
            OutputError: the disk does not take them.
        """
        while self._track is not None and self._waiting:
            time_ns, offset = self._waiting[0]
            try:
                fix = self._track.at(time_ns)
            except LookupError:
                if not last and len(self._waiting) <= MOST_WAITING:
                    return
                fix = None
            self._table.overwrite(offset, _text(fix, UNKNOWN if fix is None else KNOWN))
            self.placed += fix is not None
            self._waiting.popleft()


def _text(fix: Fix | None, state: str) -> str:
    """Always as long, so that one takes the place of the other; the room is in the last column, which is text."""
    values = ["" if fix is None else _number(name, getattr(fix, name)) for name in FIELDS]
    return ",".join([*values, state]).ljust(_WIDTH)[:_WIDTH]


def _number(name: str, value: float) -> str:
    return "" if math.isnan(value) else f"{value:.{_DIGITS.get(name, _OTHER_DIGITS)}f}"
