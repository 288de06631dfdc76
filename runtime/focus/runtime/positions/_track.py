"""Fixes in the order of time, and what lies between them."""

from __future__ import annotations

import bisect
import threading
import time
from collections import deque
from collections.abc import Iterable

from focus.runtime.positions._fix import Fix, between

#: Seconds between two fixes beyond which nobody knows where the camera was.
LONGEST_GAP_S = 2.0

#: Fixes of a receiver that are kept: minutes of the fastest ones.
KEPT = 8192


class Track:
    """Knows the position at a time. Fixes may be added by another thread.

    Args:
        name: of the file or receiver, for the run's record.
        fixes: those of a file; of a receiver they come later, through ``add``.
        live: whether more will come.
        longest_gap_s: see ``LONGEST_GAP_S``.
    Attributes:
        fixes: how many came.
        bad_lines: how many lines could not be read.
        live: see above.
    """

    def __init__(
        self, name: str, fixes: Iterable[Fix] = (), *, live: bool, longest_gap_s: float = LONGEST_GAP_S
    ) -> None:
        self.name, self.bad_lines = name, 0
        self.live, self._longest_gap_ns = live, int(longest_gap_s * 1e9)
        self._held = sorted(fixes)
        self.fixes = len(self._held)
        self._followers: list[deque[Fix]] = []
        self._changing = threading.Lock()

    def add(self, fix: Fix) -> None:
        """The next fix. Of several at one time the last one holds; one that is older than the last means that the clock
        was set back: the track begins anew.
        """
        with self._changing:
            if self._held and fix.utc_ns < self._held[-1].utc_ns:
                self._held.clear()
            elif self._held and fix.utc_ns == self._held[-1].utc_ns:
                self._held.pop()
            self._held.append(fix)
            for queue in self._followers:
                queue.append(fix)
            self.fixes += 1
            if len(self._held) > 2 * KEPT:
                del self._held[:KEPT]

    def span_ns(self) -> tuple[int, int] | None:
        """The times of the first and the last fix that are kept, or None where none came."""
        with self._changing:
            return (self._held[0].utc_ns, self._held[-1].utc_ns) if self._held else None

    def follow(self, since_ns: int) -> deque[Fix]:
        """A queue with the fixes since a time, into which every further one is put until ``leave``."""
        with self._changing:
            queue = deque(fix for fix in self._held if fix.utc_ns >= since_ns)
            self._followers.append(queue)
        return queue

    def leave(self, queue: deque[Fix]) -> None:
        """Nothing more is put into the queue."""
        with self._changing:
            self._followers = [other for other in self._followers if other is not queue]

    def at(self, utc_ns: int) -> Fix | None:
        """The fix at a time; None where nobody knows it.

        Raises:
            LookupError: a later fix that is needed may still come; ask again. Not where the time lies further ahead
                than the longest gap, as when the clock was set back since.
        """
        with self._changing:
            place = bisect.bisect_left(self._held, (utc_ns,))
            around = self._held[max(0, place - 1) : place + 1]
        if around and around[-1].utc_ns == utc_ns:
            return around[-1]
        if place == 0 and around:
            return None
        if len(around) < 2:
            if self.live and abs(time.time_ns() - utc_ns) <= self._longest_gap_ns:
                raise LookupError
            return None
        before, after = around
        return between(before, after, utc_ns) if after.utc_ns - before.utc_ns <= self._longest_gap_ns else None
