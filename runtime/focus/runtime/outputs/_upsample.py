"""Patch rows to full-resolution lines, while they stream."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from focus.runtime.pipeline import MapRow

Array = NDArray[np.float32]


class LineInterpolator:
    """Bilinear interpolation between patch centres; holds two rows.

    A masked patch (nan) has no weight: its neighbours reach into it. What is nan in the end is up to the sample mask.

    Args:
        patch: edge of a patch in samples.
        samples: samples of the scene.
    """

    def __init__(self, patch: int, samples: int) -> None:
        self._patch = patch
        columns = -(-samples // patch)
        place = np.clip((np.arange(samples) + 0.5) / patch - 0.5, 0, columns - 1)
        self._left = np.floor(place).astype(int)
        self._right = np.minimum(self._left + 1, columns - 1)
        self._share = place - self._left
        self._previous: tuple[NDArray[np.float64], MapRow] | None = None
        self._pending: tuple[NDArray[np.float64], MapRow] | None = None

    def add(self, row: MapRow) -> Iterator[Array]:
        """Takes the next row; gives the lines [lines, samples] of the row before it."""
        if self._pending is not None and self._pending[1].snapshot != row.snapshot:
            yield from self.finish()
        if self._pending is not None:
            after = self._across(row.heatmap)
            yield self._lines(after)
            self._previous, self._pending = self._pending, (after, row)
        else:
            self._pending = (self._across(row.heatmap), row)

    def finish(self) -> Iterator[Array]:
        """The lines of the last row of the scene, or of a snapshot cube."""
        if self._pending is not None:
            yield self._lines(None)
            self._previous = self._pending = None

    def _across(self, heatmap: Array) -> NDArray[np.float64]:
        """Values times weights, and weights, interpolated along the line: [2, samples]."""
        known = np.isfinite(heatmap)
        both = np.stack([np.where(known, heatmap, 0.0), known]).astype(np.float64)
        mixed: NDArray[np.float64] = both[:, self._left] * (1 - self._share) + both[:, self._right] * self._share
        return mixed

    def _lines(self, after: NDArray[np.float64] | None) -> Array:
        if self._pending is None:
            raise RuntimeError("no row is pending")
        here, row = self._pending
        before = here if self._previous is None else self._previous[0]
        after = here if after is None else after
        place = ((np.arange(row.lines) + 0.5) / self._patch - 0.5)[:, None, None]
        mixed = np.where(place < 0, -place * before, place * after) + (1 - np.abs(place)) * here
        values, weights = mixed[:, 0], mixed[:, 1]
        known = row.mask & (weights > 0)
        return np.where(known, values / np.where(weights > 0, weights, 1.0), np.nan).astype(np.float32)
