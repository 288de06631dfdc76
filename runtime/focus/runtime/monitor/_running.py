"""Means over the last windows, and flags that do not flicker."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", float, NDArray[np.float64])


class Running(Generic[Value]):
    """An exponentially weighted mean: the first value counts in full, later ones fade with ``memory``.

    Args:
        memory: about how many values it looks back, at least 1.
    """

    def __init__(self, memory: float) -> None:
        self._newest = 1.0 / memory
        self._weight = 0.0
        self._mean: Value | None = None

    def add(self, value: Value, weight: float = 1.0) -> Value:
        """The mean with one more value.

        Args:
            weight: above 0; of a value that says less than others, below 1.
        """
        newest = self._newest * weight
        self._weight = (1.0 - newest) * self._weight + newest
        share = newest / self._weight
        self._mean = value if self._mean is None else (1.0 - share) * self._mean + share * value
        return self._mean


class Latch:
    """Up from an excess of 1 on, down again below ``DOWN``; in between it stays as it is."""

    DOWN = 0.6

    def __init__(self) -> None:
        self.up = False

    def update(self, excess: float) -> bool:
        """Whether it is up.

        Args:
            excess: 1 at the limit, 0 where all is as usual.
        """
        self.up = excess > (self.DOWN if self.up else 1.0)
        return self.up
