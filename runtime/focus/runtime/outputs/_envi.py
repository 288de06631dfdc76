"""ENVI files that grow line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.outputs._files import writing

DATA_TYPES = {np.dtype(np.uint8): 1, np.dtype(np.int16): 2, np.dtype(np.float32): 4}


class EnviWriter:
    """Appends lines to ``NAME.dat`` (BIL, little-endian) and writes ``NAME.hdr`` when the number of lines is known.

    Args:
        folder: where.
        name: without suffix.
        bands: bands a line.
        samples: samples a line.
        dtype: uint8, int16 or float32.
    Raises:
        OutputError: the file cannot be made.
    """

    def __init__(self, folder: Path, name: str, bands: int, samples: int, dtype: type[np.generic] = np.float32) -> None:
        self.data, self.header = folder / f"{name}.dat", folder / f"{name}.hdr"
        self._bands, self._samples, self._dtype = bands, samples, np.dtype(dtype)
        self._lines = 0
        with writing(self.data):
            self._file = self.data.open("wb")

    def append(self, lines: NDArray[Any]) -> None:
        """Appends lines.

        Args:
            lines: [lines, bands, samples].
        Raises:
            ValueError: other bands or samples.
            OutputError: the disk is full.
        """
        if lines.shape[1:] != (self._bands, self._samples):
            raise ValueError(f"lines must be [lines, {self._bands}, {self._samples}], got {lines.shape}")
        with writing(self.data):
            self._file.write(np.ascontiguousarray(lines, self._dtype.newbyteorder("<")).tobytes())
        self._lines += len(lines)

    def finish(self, description: str, fields: Mapping[str, str | Sequence[str]] | None = None) -> None:
        """Closes the data and writes the header.

        Args:
            description: one line for people.
            fields: further header fields; a sequence becomes a list in braces.
        Raises:
            OutputError: the disk is full.
        """
        self.close()
        entries: dict[str, str | Sequence[str]] = {
            "description": [description],
            "samples": str(self._samples),
            "lines": str(self._lines),
            "bands": str(self._bands),
            "header offset": "0",
            "file type": "ENVI Standard",
            "data type": str(DATA_TYPES[self._dtype]),
            "interleave": "bil",
            "byte order": "0",
            **(fields or {}),
        }
        with writing(self.header):
            self.header.write_text("ENVI\n" + "".join(f"{key} = {_value(entry)}\n" for key, entry in entries.items()))

    def close(self) -> None:
        """Closes the data file."""
        with writing(self.data):
            self._file.close()


def _value(entry: str | Sequence[str]) -> str:
    if isinstance(entry, str):
        return entry
    # Commas and braces end entries and lists in this format.
    return "{" + ", ".join(item.translate(str.maketrans("{},\n", "(); ")) for item in entry) + "}"
