"""How fast, and how late."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque

import numpy as np

#: Seconds that a rate looks back, and how many additions it remembers at most.
SPAN_S, REMEMBERED = 5.0, 4096

#: Upper edges of the latency histogram in seconds.
EDGES_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Rate:
    """Things a second, over the last few seconds."""

    def __init__(self) -> None:
        self._added: deque[tuple[float, int]] = deque(maxlen=REMEMBERED)
        self._start: float | None = None

    def add(self, count: int) -> None:
        """Counts things that happened just now."""
        now = time.monotonic()
        self._start = now if self._start is None else self._start
        self._added.append((now, count))

    def per_second(self) -> float:
        """The rate; it falls to 0 when nothing happens any more."""
        now = time.monotonic()
        if self._start is None:
            return 0.0
        since = max(now - SPAN_S, self._added[0][0] if len(self._added) == REMEMBERED else self._start)
        recent = sum(count for when, count in self._added if when > since)
        return recent / max(now - since, 0.5)


class Latency:
    """Times from the arrival of a window's last line to its map.

    Attributes:
        counts: windows in each bucket of ``EDGES_S``, and beyond the last.
        total_s: their sum.
    """

    def __init__(self) -> None:
        self.counts = [0] * (len(EDGES_S) + 1)
        self.total_s = 0.0
        self._recent: deque[float] = deque(maxlen=512)

    def add(self, seconds: float) -> None:
        """One more window."""
        self.counts[bisect_left(EDGES_S, seconds)] += 1
        self.total_s += seconds
        self._recent.append(seconds)

    def percentile(self, percent: float) -> float | None:
        """In seconds, over the last 512 windows; None before the first."""
        return float(np.percentile(list(self._recent), percent)) if self._recent else None
