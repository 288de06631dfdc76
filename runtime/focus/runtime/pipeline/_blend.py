"""Overlapping windows into one map, row by row."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from focus.runtime._bundle import Bundle
from focus.runtime.pipeline._data import MapRow, PatchRow, Reading


def window_weight(rows: int, columns: int) -> NDArray[np.float64]:
    """Weight of each patch of a window, [rows, columns]: a squared sine, highest in the middle, never zero."""
    down, across = (np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2 for length in (rows, columns))
    return np.outer(down, across)


@dataclass(eq=False)
class _Open:
    """Weighted sums (heatmap, K scores, C bands of T if wanted) and weights of a row that windows may still touch."""

    row: PatchRow
    sums: NDArray[np.float64]
    weights: NDArray[np.float64]


class Blend:
    """Averages what overlapping windows say of a patch; holds only the rows that a further window may touch.

    Args:
        bundle: gives the window's size.
        columns: columns of the scene's patch grid.
        samples: samples of the scene; the padding beyond is cut off.
        with_cube: whether T is blended too.
    """

    def __init__(self, bundle: Bundle, columns: int, samples: int, with_cube: bool) -> None:
        self._grid = (bundle.backbone.rows, bundle.backbone.columns)
        self._patch = bundle.backbone.patch
        self._targets = len(bundle.targets)
        self._depth = 1 + self._targets + (bundle.bands if with_cube else 0)
        self._columns, self._samples, self._with_cube = columns, samples, with_cube
        self._weight = window_weight(*self._grid)
        self._open: deque[_Open] = deque()

    @property
    def held(self) -> int:
        """Rows held at the moment."""
        return len(self._open)

    def add_row(self, row: PatchRow) -> None:
        """Opens the next row."""
        self._open.append(_Open(row, np.zeros((self._depth, self._columns)), np.zeros(self._columns)))

    def add_window(self, reading: Reading) -> None:
        """Adds what the network said of a window whose rows are open."""
        rows, columns = self._grid
        parts = [reading.heatmap[None], np.repeat(reading.scores[:, None], rows * columns, axis=1)]
        if reading.cube is not None:
            parts.append(reading.cube)
        values = np.concatenate(parts).reshape(self._depth, rows, columns)
        first = reading.window.first_row - self._open[0].row.row
        across = slice(reading.window.first_column, reading.window.first_column + columns)
        for offset in range(rows):
            row = self._open[first + offset]
            row.sums[:, across] += self._weight[offset] * values[:, offset]
            row.weights[across] += self._weight[offset]

    def release(self, before: int | None = None) -> Iterator[MapRow]:
        """Finishes the rows before this one, all of them for None. Rows that only filled up a window are dropped."""
        while self._open and (before is None or self._open[0].row.row < before):
            done = self._open.popleft()
            if done.row.lines:
                yield self._finished(done)

    def _finished(self, done: _Open) -> MapRow:
        kept = -(-self._samples // self._patch)
        weights = done.weights[:kept]
        with np.errstate(invalid="ignore"):
            means = np.where(weights > 0, done.sums[:, :kept] / np.where(weights > 0, weights, 1.0), np.nan)
        masked = done.row.valid_share[:kept] <= 0
        means[0, masked] = np.nan
        means[1 + self._targets :, masked] = np.nan
        found = means.astype(np.float32)
        return MapRow(
            done.row.row,
            done.row.lines,
            found[0],
            found[1 : 1 + self._targets],
            found[1 + self._targets :] if self._with_cube else None,
            done.row.composite[:, : done.row.lines, : self._samples],
            done.row.mask[: done.row.lines, : self._samples],
            done.row.held[:kept] if isinstance(done.row.held, np.ndarray) else None,
            done.row.snapshot,
        )
