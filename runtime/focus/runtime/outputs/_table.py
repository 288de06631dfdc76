"""Tables that grow row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from focus.runtime.outputs._growing import GrowingFile
from focus.runtime.outputs._open_files import OpenFiles


class TableWriter:
    """Appends rows to a CSV file, whole rows with one call of the system.

    Args:
        files: where.
        name: of the file.
        columns: their names; written at once, as the first row.
    Raises:
        OutputError: the file cannot be made.
    Attributes:
        size: bytes that it holds.
    """

    def __init__(self, files: OpenFiles, name: str, columns: Sequence[str]) -> None:
        self._file: GrowingFile = files.open(name)
        self.size = 0
        self.append([columns])

    def append(self, rows: Iterable[Sequence[object]]) -> None:
        """Appends rows.

        Raises:
            OutputError: the disk is full.
        """
        self.append_text(csv_text(rows))

    def append_text(self, text: str) -> None:
        """Appends rows that are text already, as ``append`` does."""
        content = text.encode()
        self._file.append(content)
        self.size += len(content)

    def overwrite(self, offset: int, text: str) -> None:
        """Replaces a part of a row in place.

        Raises:
            OutputError: the disk does not take it.
        """
        self._file.overwrite(offset, text.encode())


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as they are written, each with its end of line."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
