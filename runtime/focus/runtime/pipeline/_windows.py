"""Rows of patches into windows of the model's size."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from focus.runtime._bundle import Bundle
from focus.runtime.pipeline._data import Cut, PatchRow, Times, Window


def starts(length: int, window: int, step: int) -> list[int]:
    """First patches of the windows that cover ``length`` patches: every ``step``, the last one flush with the end."""
    regular = list(range(0, length - window + 1, step))
    last = length - window
    return regular if regular[-1] == last else [*regular, last]


def step_from_overlap(overlap: int | None, window: int) -> int:
    """Patches from one window to the next.

    Raises:
        ValueError: the windows would not advance.
    """
    if overlap is None:
        return max(1, window - window // 2)
    if not 0 <= overlap < window:
        raise ValueError(
            f"--overlap must be 0 to {window - 1} patches for this model's windows of {window}, got {overlap}"
        )
    return window - overlap


def _checked(stride: int, window: int) -> int:
    if not 1 <= stride <= window:
        raise ValueError(f"--stride must be 1 to {window} rows of patches for this model's windows, got {stride}")
    return stride


class WindowCutter:
    """Cuts windows out of a stream of rows; holds one window's height of rows and no more. Begins anew at each cube.

    Args:
        bundle: gives the window's size.
        columns: columns of the scene's patch grid.
        overlap, stride: see ``Settings``.
        bands: of the source; None takes the model's.
    Raises:
        ValueError: windows that would not advance, or leave gaps.
    """

    def __init__(
        self, bundle: Bundle, columns: int, overlap: int | None, stride: int | None = None, bands: int | None = None
    ) -> None:
        self._rows, self._window_columns, self._patch = (
            bundle.backbone.rows,
            bundle.backbone.columns,
            bundle.backbone.patch,
        )
        self._bands = bundle.bands if bands is None else bands
        self._step = step_from_overlap(overlap, self._rows) if stride is None else _checked(stride, self._rows)
        self._columns = starts(columns, self._window_columns, step_from_overlap(overlap, self._window_columns))
        self._ring: deque[PatchRow] = deque(maxlen=self._rows)
        self._first_row, self._last_start = 0, -1
        self._first_sequence: int | None = None
        self._index = 0

    @property
    def step(self) -> int:
        """Rows from one window to the next."""
        return self._step

    @property
    def held(self) -> int:
        """Rows held at the moment."""
        return len(self._ring)

    def add(self, row: PatchRow) -> Iterator[Cut]:
        """Takes the next row; gives the windows that it completes, if any."""
        if self._first_sequence is None:
            self._first_sequence = row.first_sequence
        self._ring.append(row)
        start = row.row + 1 - self._rows
        if start >= self._first_row and (start - self._first_row) % self._step == 0:
            yield from self._cut(start)
        if row.ends:
            yield from self.finish()
            self._ring.clear()
            self._first_row = row.row + 1

    def finish(self) -> Iterator[Cut]:
        """The last windows, flush with the end of the scene, unless the grid of windows ended there anyway."""
        start = self._ring[-1].row + 1 - self._rows if self._ring else -1
        if start > self._last_start:
            yield from self._cut(start)

    def _cut(self, start: int) -> Iterator[Cut]:
        self._last_start = start
        rows = tuple(self._ring)
        share = np.stack([row.valid_share for row in rows])
        faults = np.sum([row.faults for row in rows], axis=0) / (len(rows) * self._patch**2 * self._bands)
        times = Times(None, None)
        for row in rows:
            times = times.joined(row.times)
        for column in self._columns:
            across = slice(column, column + self._window_columns)
            window = Window(
                self._index,
                start,
                column,
                rows[0].first_sequence - (self._first_sequence or 0),
                column * self._patch,
                share[:, across].reshape(-1),
                tuple(faults[across].mean(axis=0).tolist()),
                sum(row.lines for row in rows),
                rows[0].first_sequence,
                times,
                rows[0].snapshot,
            )
            yield Cut(window, rows)
            self._index += 1
