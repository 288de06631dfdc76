"""What became of the lines, counted from the strips as they are ingested."""

from __future__ import annotations

import time
from collections import Counter

from focus.runtime.pipeline import LineCounts, Strip
from focus.runtime.serve._rates import Rate

#: Rows of patches whose arrival is remembered; a window, and what is ahead of it, are far fewer.
REMEMBERED = 4096


class LineTally:
    """The lines of one segment.

    Args:
        played: from a recording, whose lines have the times of then; they count as coming when they are ingested.
    Attributes:
        counts: what became of them so far.
        rate: lines that came whole, a second.
        wait_s: how long the newest of them waited before it was ingested.
        interval_s: running mean of the time between two strips; 0 before the second.
    """

    def __init__(self, played: bool = False) -> None:
        self._played = played
        self.counts, self.rate = LineCounts(), Rate()
        self.wait_s = self.interval_s = 0.0
        self._newest_s: float | None = None
        self._arrivals: dict[int, int] = {}

    @property
    def silent_s(self) -> float | None:
        """Seconds since the last strip; None before the first."""
        return None if self._newest_s is None else time.monotonic() - self._newest_s

    def add(self, strip: Strip) -> None:
        """Counts the next strip's lines; one that only fills up a window has none."""
        if not strip.metas:
            return
        now_s, states = time.monotonic(), Counter(strip.states)
        self.counts.received += states["received"]
        self.counts.missing += states["missing"] + states["dropped"]
        self.counts.rejected += states["rejected"]
        self.counts.dropped += states["dropped"]
        self.rate.add(states["received"])
        if self._newest_s is not None:
            interval_s = now_s - self._newest_s
            self.interval_s = interval_s if not self.interval_s else 0.9 * self.interval_s + 0.1 * interval_s
        self._newest_s = now_s
        came_ns = [int(now_s * 1e9) if self._played else meta.monotonic_ns for meta in strip.metas if meta is not None]
        if came_ns:
            self.wait_s = max(now_s - came_ns[-1] / 1e9, 0.0)
            self._arrivals[strip.row] = came_ns[-1]
            self._arrivals.pop(strip.row - REMEMBERED, None)

    def arrival_ns(self, row: int) -> int | None:
        """Monotonic time at which the last line of a row of patches came; None if none did, or too long ago."""
        return self._arrivals.get(row)
