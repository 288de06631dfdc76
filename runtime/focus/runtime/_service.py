"""A run under systemd: it says that it is ready, alive and stopping (sd_notify), and SIGTERM ends it cleanly.

The protocol is a datagram of lines to the socket in NOTIFY_SOCKET, so it needs no library.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Exit code of a run that SIGTERM ended, as shells count it.
TERMINATED = 128 + signal.SIGTERM

#: Seconds between two notices: far below any watchdog worth setting, and nothing beside a window's work.
NOTICE_INTERVAL_S = 1.0


class Service:
    """Notices to systemd; none are sent where it did not ask for them.

    The first progress makes the service ready, and each one keeps its watchdog quiet: a run whose lines stop coming, or
    whose engine hangs, is started anew.

    Args:
        address: the socket that systemd listens at; None sends nothing.
    """

    def __init__(self, address: str | None) -> None:
        self._address = address
        self._ready = False
        self._last = float("-inf")

    @classmethod
    def from_environment(cls) -> Service:
        """The service that systemd started, by NOTIFY_SOCKET."""
        return cls(os.environ.get("NOTIFY_SOCKET") or None)

    def progress(self, lines: int, windows: int) -> None:
        """Says how far the run is, once a second at most."""
        now = time.monotonic()
        if now - self._last < NOTICE_INTERVAL_S:
            return
        self._last = now
        ready = [] if self._ready else ["READY=1"]
        self._ready = True
        self._send(*ready, "WATCHDOG=1", f"STATUS={lines} lines, {windows} windows")

    def stopping(self) -> None:
        """Says that the run is over."""
        self._send("STOPPING=1")

    def _send(self, *notices: str) -> None:
        if self._address is None:
            return
        # A leading @ stands for the zero byte of Linux's abstract names.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(notices).encode(), address)
        except OSError:
            return  # a run does not end because nobody listens


@contextmanager
def service() -> Iterator[Service]:
    """A run's time as a service: SIGTERM leaves it through its ``with`` blocks, as Ctrl-C does, with ``TERMINATED``."""
    found = Service.from_environment()
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _terminate) if in_main else None
    try:
        yield found
    finally:
        found.stopping()
        if in_main:
            signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> None:
    # A second one must not cut the clean-up short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(TERMINATED)
