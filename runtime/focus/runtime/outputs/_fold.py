"""How a strip that is much longer than wide is laid out: in rows one below the other, as text is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A strip so many times as long as wide is folded; its rows together are about so many times as wide as high.
FOLDED_FROM, FOLDED_ASPECT = 12.0, 3.5

#: Most rows; and how many times as long as high a row is at most, beyond which its lines are drawn closer together.
MOST_ROWS, ROW_ASPECT = 12, 40.0

#: Room below a row, in heights of a row.
GAP = 0.25

#: Pixels of a row.
PIXELS = 1600


@dataclass(frozen=True)
class Fold:
    """Rows of a strip, each on its side: lines run to the right, samples down.

    Attributes:
        samples: of the strip.
        lines: of the strip.
        rows: how many there are.
        row_lines: lines of a row; the last row may have fewer.
    """

    samples: int
    lines: int
    rows: int
    row_lines: int

    @property
    def pitch(self) -> float:
        """From one row to the next, in samples."""
        return self.samples * (1 + GAP)

    @property
    def height(self) -> float:
        """Of all rows, in samples."""
        return self.rows * self.pitch - self.samples * GAP

    @property
    def stretch(self) -> float:
        """Height of a sample as drawn / width of a line."""
        return max(1.0, self.row_lines / self.samples / ROW_ASPECT)

    @property
    def aspect(self) -> float:
        """Width / height as drawn."""
        return self.row_lines / (self.height * self.stretch)

    @property
    def labels(self) -> dict[float, str]:
        """The first line of each row, at the row's middle."""
        return {row * self.pitch + self.samples / 2: str(row * self.row_lines) for row in range(self.rows)}

    def places(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Middles of the pixels of a folded picture: across in lines of a row [w], down in samples of the page [h]."""
        width = min(PIXELS, self.row_lines)
        height = max(self.rows, round(width / self.aspect))
        across, down = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
        return across * self.row_lines, down * self.height

    def lay(self, values: NDArray[Any], size: tuple[int, int], empty: Any) -> NDArray[Any]:
        """Folds an image, nearest neighbours.

        Args:
            values: [lines, samples, ...] of any resolution.
            size: samples and lines that it covers, from the strip's first on.
            empty: what stands between and behind the rows.
        Returns: [h, w, ...], see ``places``.
        """
        across, down = self.places()
        row, sample = np.divmod(down[:, None], self.pitch)
        line = row * self.row_lines + across
        covered, samples = size[1] / len(values), size[0] / values.shape[1]
        folded: NDArray[Any] = values[
            np.minimum(line / covered, len(values) - 1).astype(int),
            np.minimum(sample / samples, values.shape[1] - 1).astype(int),
        ]
        folded[(sample >= self.samples) | (line >= self.lines)] = empty
        return folded


def fold_of(samples: int, lines: int) -> Fold | None:
    """The fold of a strip, or None where it is short enough to be drawn as it is."""
    if lines <= FOLDED_FROM * samples:
        return None
    most = round(math.sqrt(lines / samples / (FOLDED_ASPECT * (1 + GAP))))
    row_lines = _round_up(-(-lines // min(MOST_ROWS, most)))
    return Fold(samples, lines, -(-lines // row_lines), row_lines)


def _round_up(count: int) -> int:
    """To two digits, for labels that can be read."""
    step = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // step) * step
