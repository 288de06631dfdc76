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
    """

    def __init__(self, files: OpenFiles, name: str, columns: Sequence[str]) -> None:
        self._file: GrowingFile = files.open(name)
        self.append([columns])

    def append(self, rows: Iterable[Iterable[object]]) -> None:
        """Appends rows.

        Raises:
            OutputError: the disk is full.
        """
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._file.append(text.getvalue().encode())
