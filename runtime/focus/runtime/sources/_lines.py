"""The table of lines beside a recording: ``NAME.lines.csv``, a row a line, in the order of the lines.

It is CSV because it must be readable at every moment and by everybody. Columns after these belong to whoever adds them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from focus.runtime._errors import CubeError

#: ``received``: its samples are in the recording. Else they are zeros there: it was lost before it came (``missing``),
#: it came damaged (``rejected``), or it came and was given up because nobody read it in time (``dropped``).
LineState = Literal["received", "missing", "rejected", "dropped"]
LINE_STATES: tuple[str, ...] = get_args(LineState)

LINE_COLUMNS = ("line", "sequence", "state", "camera_ns", "monotonic_ns", "utc_ns")


class RecordedLine(NamedTuple):
    """What is known of one line of a recording.

    Attributes:
        line: its number in the recording, from 0.
        sequence: its number by the camera.
        state: see ``LineState``.
        camera_ns, monotonic_ns, utc_ns: as in ``FrameMeta``; None for a line that never came, and for a clock that the
            camera does not have.
    """

    line: int
    sequence: int
    state: str
    camera_ns: int | None
    monotonic_ns: int | None
    utc_ns: int | None


def lines_table_of(recording: Path) -> Path:
    """The table that belongs to ``NAME.hdr`` or ``NAME.dat``."""
    return recording.with_suffix(".lines.csv")


def read_lines(table: Path) -> Iterator[RecordedLine]:
    """The rows, one after the other; a torn last row, as a killed writer leaves it, is left out.

    Raises:
        CubeError: it cannot be read, or is no such table.
    """
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(line for line in file if line.endswith("\n"))
            if tuple(next(rows, ()))[: len(LINE_COLUMNS)] != LINE_COLUMNS:
                raise CubeError(f"{table.name} is no table of lines; its columns must be {','.join(LINE_COLUMNS)}")
            for row in rows:
                yield _line(row, table)
    except OSError as error:
        raise CubeError(f"cannot read {table}: {error.strerror or error}; check the path and its permissions") from None


def _line(row: list[str], table: Path) -> RecordedLine:
    try:
        line, sequence, state, *clocks = row[: len(LINE_COLUMNS)]
        if state not in LINE_STATES:
            raise ValueError(state)
        camera, monotonic, utc = (int(clock) if clock else None for clock in clocks)
        return RecordedLine(int(line), int(sequence), state, camera, monotonic, utc)
    except ValueError:
        raise CubeError(f"{table.name} has a row that is none: {','.join(row)[:80]!r}; copy it again") from None
