"""When a simulated camera takes its next line, and how much of its memory waits for the reader."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Lines that wait in a camera's memory for a reader that is late; later ones are lost.
CAMERA_MEMORY_S = 1.0


class CameraClock:
    """A camera's line clock. What the reader delays is caught up with, because a camera's clock does not wait either.

    Where making the lines takes longer than the rate allows, the clock falls behind, and the rate is what can be.

    Args:
        rate_hz: 0 never waits.
        now, sleep: of a clock in seconds.
    Attributes:
        behind_s: seconds of lines that wait for the reader; always 0 without a rate.
    """

    def __init__(
        self, rate_hz: float, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._period_s = 1.0 / rate_hz if rate_hz else 0.0
        self._now, self._sleep = now, sleep
        self._due = self._last = now()
        self._waited_s = 0.0
        self.behind_s = 0.0

    @property
    def full(self) -> bool:
        """Whether the memory has no room for another line."""
        return self.behind_s > CAMERA_MEMORY_S

    def wait(self, waited_s: float) -> None:
        """Waits for the next line's time.

        Args:
            waited_s: how long the reader was waited for, in all.
        """
        if not self._period_s:
            return
        now = self._now()
        for_reader_s, self._waited_s = waited_s - self._waited_s, waited_s
        own_s = now - self._last - for_reader_s
        self.behind_s = max(0.0, self.behind_s + for_reader_s - max(self._period_s, own_s))
        late_s = now - self._due
        if late_s < 0.0:
            self._sleep(-late_s)
        elif late_s > self.behind_s + CAMERA_MEMORY_S:
            self._due = now - self.behind_s
        self._due += self._period_s
        self._last = self._now()
