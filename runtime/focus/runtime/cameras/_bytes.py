"""Bytes from a FIFO, a Unix socket or a TCP socket, with a limit on every wait."""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from focus.runtime._errors import CameraError, CameraLost

#: How long a peer that is just being started is waited for.
CONNECT_LIMIT_S = 5.0
RETRY_S = 0.05

#: What the kernel may hold for us: a few lines, while the interpreter is busy elsewhere.
KERNEL_BUFFER_BYTES = 4 * 2**20

_TCP = re.compile(r"tcp:(?://)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:/\[\]]*))(?::(?P<port>[^/]*))?/?")


@dataclass(frozen=True)
class Place:
    """Where a byte stream comes from.

    Attributes:
        scheme: how it is reached.
        path: of the FIFO or Unix socket; the host for TCP.
        port: for TCP.
        uri: as given by the user.
    """

    scheme: Literal["tcp", "unix", "fifo"]
    path: str
    port: int
    uri: str

    @property
    def local(self) -> bool:
        """Whether the writer surely runs on this machine, so that its clocks are ours."""
        return self.scheme != "tcp"


def place_from_uri(uri: str) -> Place:
    """Reads ``tcp://HOST:PORT``, ``unix:/path`` or ``fifo:/path``.

    Raises:
        ValueError: it is none of them.
    """
    scheme, _, rest = uri.partition(":")
    if scheme == "unix" and rest:
        return Place("unix", _plain(rest), 0, uri)
    if scheme == "fifo" and rest:
        return Place("fifo", _plain(rest), 0, uri)
    if scheme == "tcp":
        return _tcp_place(uri)
    raise ValueError(f"{uri} is no byte stream; expected tcp://HOST:PORT, unix:/path or fifo:/path")


def _tcp_place(uri: str) -> Place:
    expected = "expected tcp://HOST:PORT such as tcp://127.0.0.1:7700"
    found = _TCP.fullmatch(uri)
    if found is None:
        raise ValueError(f"{uri} is no byte stream; {expected}")
    host, port = found["six"] or found["host"], found["port"]
    if not host or not port:
        raise ValueError(f"{uri} has no {'port' if host else 'host'}; {expected}")
    if not (port.isdecimal() and 1 <= int(port) <= 65535):
        raise ValueError(f"{uri}: the port must be 1 to 65535, got {port!r}; {expected}")
    return Place("tcp", host, int(port), uri)


def _plain(path: str) -> str:
    """``unix:///run/x`` is written as often as ``unix:/run/x``."""
    return path[2:] if path.startswith("///") else path


class ByteStream:
    """Reads a file descriptor that does not block. Enter it to have it closed.

    Args:
        descriptor: non-blocking; it belongs to this object.
        uri: for messages.
    """

    def __init__(self, descriptor: int, uri: str) -> None:
        self._descriptor, self._uri = descriptor, uri
        self._unread = b""
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def fill(self, buffer: memoryview, limit_s: float) -> None:
        """Reads exactly as many bytes as the buffer has room for.

        Args:
            buffer: bytes, contiguous.
            limit_s: how long the peer may be silent.
        Raises:
            CameraLost: it was silent longer, or has gone away.
        """
        done = 0
        while done < len(buffer):
            done += self._some(buffer[done:], limit_s)

    def some(self, most: int, limit_s: float) -> bytes:
        """Reads what there is: one byte at least, ``most`` at most. Raises as ``fill`` does."""
        buffer = bytearray(most)
        return bytes(buffer[: self._some(memoryview(buffer), limit_s)])

    def unread(self, data: bytes) -> None:
        """Gives bytes back; they are read again first."""
        self._unread = data + self._unread

    def _some(self, room: memoryview, limit_s: float) -> int:
        if self._unread:
            count = min(len(room), len(self._unread))
            room[:count], self._unread = self._unread[:count], self._unread[count:]
            return count
        # Reading first saves a call to poll for every piece while the stream is busy.
        end = time.monotonic() + limit_s
        while True:
            with contextlib.suppress(BlockingIOError):
                return self._read(room)
            if not self._poll.poll(1000 * max(0.0, end - time.monotonic())):
                raise self.silence(limit_s)

    def _read(self, room: memoryview) -> int:
        try:
            count = os.readv(self._descriptor, [room])
        except BlockingIOError:
            raise
        except OSError as error:
            raise CameraLost(f"{self._uri} broke off ({error.strerror}); start its writer again") from None
        if count == 0:
            raise CameraLost(f"{self._uri} was closed in the middle of the stream; start its writer again")
        return count

    def wait(self, limit_s: float) -> None:
        """Waits for the first byte.

        Raises:
            CameraLost: none came.
        """
        if not self.ready(limit_s):
            raise CameraLost(f"{self._uri} sent nothing for {limit_s:g} s; start its writer")

    def silence(self, limit_s: float) -> CameraLost:
        """What is to be said of a peer that was silent for so long."""
        return CameraLost(f"{self._uri} sent nothing for {limit_s:g} s; check the camera and its writer")

    def ready(self, limit_s: float) -> bool:
        """Whether there is something to read, or the peer has gone, before the time is over."""
        return bool(self._unread or self._poll.poll(1000 * limit_s))

    def close(self) -> None:
        """Gives the descriptor back; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def connect(place: Place, limit_s: float) -> ByteStream:
    """Opens a stream; a writer that is just being started is waited for.

    Raises:
        CameraError: nobody is there.
    """
    end = time.monotonic() + limit_s
    while True:
        try:
            return ByteStream(_open(place, max(end - time.monotonic(), RETRY_S)), place.uri)
        except OSError as error:
            if time.monotonic() + RETRY_S > end:
                reason = error.strerror or str(error)
                raise CameraError(
                    f"cannot open {place.uri} ({reason}); start its writer, e.g. focus-run camera-sim --to {place.uri}"
                ) from None
        time.sleep(RETRY_S)


def _open(place: Place, limit_s: float) -> int:
    if place.scheme == "fifo":
        descriptor = os.open(place.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        _enlarge_pipe(descriptor)
        return descriptor
    failed: OSError | None = None
    for family, address in _addresses(place):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as peer:
                peer.settimeout(limit_s)
                # The kernel grants what its limits allow; less is no error.
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BUFFER_BYTES)
                peer.connect(address)
                peer.setblocking(False)
                return peer.detach()
        except OSError as error:
            failed = failed or error
    raise failed or OSError("it has no address")


def _addresses(place: Place) -> list[tuple[int, str | tuple[object, ...]]]:
    """Families and addresses of a socket; of a name there may be several, such as ``::1`` and ``127.0.0.1``."""
    if place.scheme == "unix":
        return [(socket.AF_UNIX, place.path)]
    found = socket.getaddrinfo(place.path, place.port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


def _enlarge_pipe(descriptor: int) -> None:
    """Gives a FIFO room for more than the usual 64 KiB, which is less than a line."""
    import fcntl

    limit = Path("/proc/sys/fs/pipe-max-size")
    with contextlib.suppress(OSError, ValueError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, min(int(limit.read_text()), KERNEL_BUFFER_BYTES))
