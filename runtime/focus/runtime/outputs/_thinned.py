"""Pictures of a stream of unknown length, in bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Thinned:
    """Keeps every f-th line and sample; f doubles whenever more than ``limit`` lines are kept.

    Args:
        samples: samples of the scene.
        limit: lines and samples to keep at most.
    Attributes:
        factor: f.
    """

    def __init__(self, samples: int, limit: int) -> None:
        self.factor = 1
        while -(-samples // self.factor) > limit:
            self.factor *= 2
        self._limit = limit
        self._next = 0
        self._kept: list[NDArray[Any]] = []

    def add(self, lines: NDArray[Any]) -> None:
        """Takes the next lines, [lines, samples, ...]."""
        for line in lines:
            if self._next % self.factor == 0:
                self._kept.append(line[:: self.factor].copy())
            self._next += 1
            if len(self._kept) > self._limit:
                self._kept = [kept[::2].copy() for kept in self._kept[::2]]
                self.factor *= 2

    def array(self) -> NDArray[Any]:
        """What was kept, [lines, samples, ...]."""
        return np.stack(self._kept)
