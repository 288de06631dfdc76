"""Memory that lines are taken into."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray


class StripMemory:
    """Memory for some strips of lines. A strip's place is taken, filled by the source, read, and given back.

    Args:
        places: arrays [patch, C, S] of the source's type, for a strip each.
    """

    def __init__(self, places: Sequence[NDArray[Any]]) -> None:
        self.places = places
        self._free = deque(range(len(places)))
        self._given_back = threading.Condition()

    def take(self) -> int | None:
        """A free place, or None."""
        with self._given_back:
            return self._free.popleft() if self._free else None

    def wait(self, seconds: float) -> None:
        """Until a place is free, or the time is over."""
        with self._given_back:
            if not self._free:
                self._given_back.wait(seconds)

    def give_back(self, place: int) -> None:
        """It may be filled again."""
        with self._given_back:
            self._free.append(place)
            self._given_back.notify_all()
