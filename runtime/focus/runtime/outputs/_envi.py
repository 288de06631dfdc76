"""ENVI files that grow line by line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._files import write_atomically
from focus.runtime.cubes._envi import COMPLETE, ENVI_DTYPES, FILE_STATE, GROWING
from focus.runtime.outputs._growing import GrowingFile
from focus.runtime.outputs._layout import Layout
from focus.runtime.outputs._open_files import OpenFiles

#: ENVI's code of each type of a sample.
CODES = {np.dtype(code): number for number, code in ENVI_DTYPES.items()}

_FIRST = "ENVI\n"
_LINES_WIDTH = 12


class EnviWriter:
    """Appends lines to ``NAME.dat`` (BIL, little-endian); ``NAME.hdr`` beside it opens at every moment.

    The number of lines in the header grows in place, after the lines themselves: it never says more than there are. A
    process that is killed leaves at most a part of a line beyond them.

    Args:
        files: where.
        layout: what is written.
    Raises:
        ValueError: a type of sample that ENVI does not have.
    """

    def __init__(self, files: OpenFiles, layout: Layout) -> None:
        if layout.dtype.newbyteorder("=") not in CODES:
            raise ValueError(f"ENVI has no samples of type {layout.dtype}")
        self._files, self._layout = files, layout
        self._lines = 0
        self._data: GrowingFile | None = None
        self._header: GrowingFile | None = None

    def append(self, lines: NDArray[Any]) -> None:
        """See ``LineWriter.append``."""
        self._layout.check(lines)
        self.append_parts(lines)

    def append_parts(self, *parts: NDArray[Any]) -> None:
        """Appends lines, one part after the other; without a copy where they are as they are stored.

        Args:
            parts: [lines, bands, samples] of the layout's type; C-contiguous and little-endian they are not copied.
        Raises:
            OutputError: the disk is full.
        """
        if self._data is None:
            self._data = self._files.open(f"{self._layout.name}.dat")
        stored = self._layout.dtype.newbyteorder("<")
        self._data.append(*(np.ascontiguousarray(part, stored) for part in parts))
        self._lines += sum(len(part) for part in parts)
        self._state(GROWING)

    def finish(self) -> None:
        """See ``LineWriter.finish``."""
        if self._data is not None:
            self._state(COMPLETE)

    def _state(self, state: str) -> None:
        """Says how many lines there are, with one small write; the first one makes the header."""
        count = f"lines = {self._lines:<{_LINES_WIDTH}}\n{FILE_STATE} = {state:<{len(COMPLETE)}}\n"
        if self._header is not None:
            self._header.overwrite(len(_FIRST), count.encode())
            return
        layout = self._layout
        entries: dict[str, str | Sequence[str]] = {
            "description": [layout.description],
            "samples": str(layout.samples),
            "bands": str(layout.bands),
            "header offset": "0",
            "file type": "ENVI Standard",
            "data type": str(CODES[layout.dtype.newbyteorder("=")]),
            "interleave": "bil",
            "byte order": "0",
            **layout.fields,
        }
        rest = "".join(f"{key} = {_value(entry)}\n" for key, entry in entries.items())
        name = f"{layout.name}.hdr"
        write_atomically(self._files.folder / name, (_FIRST + count + rest).encode())
        self._header = self._files.open(name)


def _value(entry: str | Sequence[str]) -> str:
    if isinstance(entry, str):
        return entry
    # Commas and braces end entries and lists in this format.
    return "{" + ", ".join(item.translate(str.maketrans("{},\n", "(); ")) for item in entry) + "}"
