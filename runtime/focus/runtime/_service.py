"""A run under systemd: it says that it is ready, alive and stopping (sd_notify), and signals end it cleanly.

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

from focus.runtime._stop import Stop

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
        self.alive(f"{lines} lines, {windows} windows")

    def alive(self, status: str) -> None:
        """Says what the run is at, once a second at most; waiting for a camera is no fault of the run."""
        now = time.monotonic()
        if now - self._last < NOTICE_INTERVAL_S:
            return
        self._last = now
        ready = [] if self._ready else ["READY=1"]
        self._ready = True
        self._send(*ready, "WATCHDOG=1", f"STATUS={' '.join(status.split())}")

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
def service(stop: Stop | None = None) -> Iterator[Service]:
    """A run's time as a service.

    Args:
        stop: SIGTERM and Ctrl-C ask for the end through it, and a second one leaves at once. Without it, SIGTERM leaves
            through the ``with`` blocks with ``TERMINATED``, as Ctrl-C does.
    """
    found = Service.from_environment()
    wanted = (signal.SIGTERM,) if stop is None else (signal.SIGTERM, signal.SIGINT)
    in_main = threading.current_thread() is threading.main_thread()
    handler = _terminate if stop is None else _Asks(stop)
    before = {number: signal.signal(number, handler) for number in wanted} if in_main else {}
    try:
        yield found
    finally:
        found.stopping()
        for number, earlier in before.items():
            signal.signal(number, earlier)


class _Asks:
    """Asks for the end once, and insists the second time."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._stop.reason is None:
            self._stop.request("stopped by Ctrl-C" if number == signal.SIGINT else "stopped by SIGTERM")
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            _terminate(number, frame)


def _terminate(number: int, frame: FrameType | None) -> None:
    # A second one must not cut the clean-up short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(TERMINATED)
