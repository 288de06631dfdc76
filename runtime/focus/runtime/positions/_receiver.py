"""A receiver that sends NMEA while the camera runs: at a serial port, or over TCP."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol

from focus.runtime._errors import FocusError
from focus.runtime.positions._nmea import NmeaReader
from focus.runtime.positions._track import Track

#: Seconds that one look at the line takes at most, and between two attempts to open a receiver that went away.
PATIENCE_S, PAUSE_S = 0.5, 1.0

#: A longer line is no sentence; NMEA allows 82 bytes.
LONGEST_LINE = 1024

#: Is told why a receiver is not there yet.
Absent = Callable[[str], None]


class Line(Protocol):
    """An open line to a receiver."""

    def read(self) -> bytes:
        """What came, b"" where nothing came for a while.

        Raises:
            OSError: the line is gone.
        """

    def close(self) -> None:
        """Closes it."""


class TcpLine:
    """NMEA over TCP.

    Raises:
        OSError: nobody listens there.
    """

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=5)
        self._socket.settimeout(PATIENCE_S)

    def read(self) -> bytes:
        """See ``Line.read``."""
        try:
            found = self._socket.recv(4096)
        except TimeoutError:
            return b""
        if not found:
            raise ConnectionResetError("the receiver closed the connection")
        return found

    def close(self) -> None:
        """See ``Line.close``."""
        self._socket.close()


class SerialLine:
    """NMEA at a serial port.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, device: str, baud: int) -> None:
        import serial

        self._port = serial.Serial(device, baud, timeout=PATIENCE_S)

    def read(self) -> bytes:
        """See ``Line.read``."""
        return bytes(self._port.read(max(1, self._port.in_waiting)))

    def close(self) -> None:
        """See ``Line.close``."""
        self._port.close()


class Receiver:
    """Reads a receiver into a track, in a thread of its own, and opens it again when it went away.

    The time of a fix is that of its arrival by this machine's clock, as is that of the lines.

    Args:
        name: for messages.
        open_line: opens the line.
        absent: told why it cannot be opened yet; it is then tried until it can. None takes that for an error.
    Raises:
        FocusError: it cannot be opened.
    Attributes:
        track: grows.
    """

    def __init__(self, name: str, open_line: Callable[[], Line], absent: Absent | None = None) -> None:
        self.track = Track(name, live=True)
        self._open_line, self._nmea, self._rest = open_line, NmeaReader(), b""
        self._closed = threading.Event()
        line = None
        try:
            line = open_line()
        except OSError as error:
            reason = f"cannot open {name}: {error.strerror or error}"
            if absent is None:
                raise FocusError(f"{reason}; check that the receiver is there") from None
            absent(reason)
        self._thread = threading.Thread(target=self._run, args=(line,), name="focus-gps", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread; a second call does nothing."""
        self._closed.set()
        self._thread.join()

    def _run(self, line: Line | None) -> None:
        while not self._closed.is_set():
            if line is None:
                with contextlib.suppress(OSError):
                    line = self._open_line()
            if line is not None:
                with contextlib.suppress(OSError), contextlib.closing(line):
                    while not self._closed.is_set():
                        self._take(line.read())
                line = None
            self._closed.wait(PAUSE_S)

    def _take(self, found: bytes) -> None:
        now_ns = time.time_ns()
        *sentences, rest = (self._rest + found).split(b"\n")
        self._rest = rest[-LONGEST_LINE:]
        for sentence in sentences:
            if not sentence.strip():
                continue
            try:
                fix = self._nmea.read(sentence.strip(), now_ns)
            except ValueError:
                self.track.bad_lines += 1
            else:
                if fix is not None:
                    self.track.add(fix)
