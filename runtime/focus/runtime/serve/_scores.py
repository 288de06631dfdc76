"""What the network said over time, in bounded memory."""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.runtime.pipeline import Reading

#: Seconds that one point of the plots stands for at least, and points that are kept: ten minutes.
BIN_S, BINS = 0.5, 1200

#: Windows that are remembered one by one, for the curve of a clicked place.
WINDOWS = 600


class Bin(NamedTuple):
    """Means over the windows of a short time.

    Attributes:
        number: counts on over the segments.
        utc_s: when it ended, seconds since 1970.
        segment: of the recording, from 1.
        scores: float64 [K].
    """

    number: int
    utc_s: float
    segment: int
    scores: NDArray[np.float64]


class KeptWindow(NamedTuple):
    """Where a window lies on the page's patch grid, and its curve B, float32 [C]."""

    rows: range
    columns: range
    curve: NDArray[np.float32]


class ScoreHistory:
    """Scores as a few points a second, however many windows there are.

    Attributes:
        bins: the finished ones, oldest first.
        latest: the last reading; None before the first.
    """

    def __init__(self) -> None:
        self.bins: deque[Bin] = deque(maxlen=BINS)
        self.latest: Reading | None = None
        self._windows: deque[KeptWindow] = deque(maxlen=WINDOWS)
        self._number, self._count, self._since_s = 0, 0, time.monotonic()
        self._sum: NDArray[np.float64] = np.zeros(0)

    def add(self, reading: Reading, base: int, grid: tuple[int, int], segment: int) -> None:
        """Takes the next window.

        Args:
            reading: what the network said.
            base: see ``StripHistory``.
            grid: rows and columns of a window in patches.
            segment: of the recording, from 1.
        """
        self.latest = reading
        first_row, first_column = base + reading.window.first_row, reading.window.first_column
        rows, columns = range(first_row, first_row + grid[0]), range(first_column, first_column + grid[1])
        self._windows.append(KeptWindow(rows, columns, reading.curve))
        self._sum = reading.scores.astype(np.float64) if not self._count else self._sum + reading.scores
        self._count += 1
        if time.monotonic() - self._since_s >= BIN_S:
            self.close_bin(segment)

    def close_bin(self, segment: int) -> None:
        """Finishes the point that is being collected; does nothing where there is none."""
        if self._count:
            self.bins.append(Bin(self._number, time.time(), segment, self._sum / self._count))
            self._number, self._count = self._number + 1, 0
        self._since_s = time.monotonic()

    def after(self, number: int) -> list[Bin]:
        """The points after this one."""
        return [kept for kept in self.bins if kept.number > number]

    def curve_at(self, row: int, column: int) -> NDArray[np.float32] | None:
        """B of the window whose middle is nearest to a patch of a row of all segments; None where none covers it."""

        def distance(window: KeptWindow) -> float:
            down = row + 0.5 - (window.rows.start + window.rows.stop) / 2
            across = column + 0.5 - (window.columns.start + window.columns.stop) / 2
            return down * down + across * across

        covering = [window for window in self._windows if row in window.rows and column in window.columns]
        return min(covering, key=distance).curve if covering else None
