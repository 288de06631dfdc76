"""A wish to end a run."""

from __future__ import annotations

import time

#: How long a wait goes on before it looks whether the end is wanted.
PATIENCE_S = 0.05


class Stop:
    """Says that a run is to end, and why. Any thread may ask for it, and so may a signal handler: nothing is locked.

    Attributes:
        reason: for people; None as long as nobody asked. The first one stays.
        failed: whether it is a failure, such as a disk that is full, and no wish.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.failed = False

    def request(self, reason: str, *, failed: bool = False) -> None:
        """Asks for the end; what was taken up to now is finished."""
        if self.reason is None:
            self.failed = failed
            self.reason = reason

    def wait(self, seconds: float) -> bool:
        """Sleeps until the time is over or the end is asked for; returns whether it is."""
        end = time.monotonic() + seconds
        while self.reason is None and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, PATIENCE_S))
        return self.reason is not None
