"""Fixes in the order of time, and what lies between them."""

from __future__ import annotations

import bisect
import threading
import time
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
        self._changing = threading.Lock()

    def add(self, fix: Fix) -> None:
        """The next fix. One that is older than the last means that the clock was set back: it begins anew."""
        with self._changing:
            if self._held and fix.utc_ns <= self._held[-1].utc_ns:
                self._held.clear()
            self._held.append(fix)
            self.fixes += 1
            if len(self._held) > 2 * KEPT:
                del self._held[:KEPT]

    def since(self, count: int) -> list[Fix]:
        """The fixes that came after the first ``count``, as far as they are kept."""
        with self._changing:
            new = self.fixes - count
            return self._held[-new:] if new else []

    def at(self, utc_ns: int) -> Fix | None:
        """The fix at a time; None where nobody knows it.

        Raises:
            LookupError: a later fix that is needed may still come; ask again.
        """
        with self._changing:
            place = bisect.bisect_left(self._held, (utc_ns,))
            around = self._held[max(0, place - 1) : place + 1]
        if around and around[-1].utc_ns == utc_ns:
            return around[-1]
        if place == 0 and around:
            return None
        if len(around) < 2:
            if self.live and time.time_ns() - utc_ns <= self._longest_gap_ns:
                raise LookupError
            return None
        before, after = around
        return between(before, after, utc_ns) if after.utc_ns - before.utc_ns <= self._longest_gap_ns else None
