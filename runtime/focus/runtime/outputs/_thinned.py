"""Pictures of a stream of unknown length, in bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.outputs._fold import MOST_ROWS


class Thinned:
    """Keeps every n-th line; n doubles whenever there are too many.

    There are at most as many values as in a square picture of the limit, and lines for as many rows of a folded one.

    Args:
        samples: samples of the scene; every m-th is kept.
        limit: samples to keep at most, and edge of the largest picture.
    Attributes:
        line_step: n.
        sample_step: m.
    """

    def __init__(self, samples: int, limit: int) -> None:
        self.line_step = self.sample_step = 1
        while -(-samples // self.sample_step) > limit:
            self.sample_step *= 2
        kept = -(-samples // self.sample_step)
        self._most = min(limit * MOST_ROWS, limit * limit // kept)
        self._limit = limit
        self._next = 0
        self._kept: list[NDArray[Any]] = []

    def add(self, lines: NDArray[Any]) -> None:
        """Takes the next lines, [lines, samples, ...]."""
        for line in lines:
            if self._next % self.line_step == 0:
                self._kept.append(line[:: self.sample_step].copy())
            self._next += 1
            if len(self._kept) > self._most:
                self._kept = self._kept[::2]
                self.line_step *= 2

    def array(self) -> NDArray[Any]:
        """What was kept, [lines, samples, ...]; a pixel need not be a square."""
        return np.stack(self._kept)

    def square(self) -> NDArray[Any]:
        """The same with lines and samples equally far apart, neither more than the limit."""
        step = max(self.line_step, self.sample_step)
        while -(-self._next // step) > self._limit:
            step *= 2
        return np.stack([line[:: step // self.sample_step] for line in self._kept[:: step // self.line_step]])
