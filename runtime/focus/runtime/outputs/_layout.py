"""What a file of lines says of itself, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Fields = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Layout:
    """A file of lines [bands, samples].

    Attributes:
        name: of the file, without suffix.
        bands: bands a line.
        samples: samples a line.
        description: one line for people.
        fields: more of it, in the words of ENVI headers; a sequence is a list.
        dtype: of a sample.
    """

    name: str
    bands: int
    samples: int
    description: str
    fields: Fields = field(default_factory=dict)
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float32))

    def check(self, lines: NDArray[Any]) -> None:
        """Refuses lines of another shape.

        Raises:
            ValueError: they are not [lines, bands, samples].
        """
        if lines.ndim != 3 or lines.shape[1:] != (self.bands, self.samples):
            raise ValueError(f"lines must be [lines, {self.bands}, {self.samples}], got {lines.shape}")


class LineWriter(Protocol):
    """Appends lines to a file that opens at every moment, with the lines that it then holds."""

    def append(self, lines: NDArray[Any]) -> None:
        """Appends lines [lines, bands, samples].

        Raises:
            ValueError: other bands or samples.
            OutputError: the disk is full.
        """

    def finish(self) -> None:
        """Says that nothing more will come."""
