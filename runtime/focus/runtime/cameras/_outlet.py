"""Where a framed byte stream goes to: a FIFO, or a socket that readers connect to, come and go."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from focus.runtime._errors import CameraError
from focus.runtime.cameras._bytes import KERNEL_BUFFER_BYTES, Place


class Outlet:
    """Waits for readers, one after the other. Made by ``open_outlet``.

    Args:
        place: where readers come to.
        listener: for sockets.
    """

    def __init__(self, place: Place, listener: socket.socket | None) -> None:
        self._place, self._listener = place, listener

    @contextmanager
    def reader(self) -> Iterator[int]:
        """Waits until somebody reads; gives a descriptor that does not block."""
        if self._listener is None:
            descriptor = os.open(self._place.path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.set_blocking(descriptor, False)
                yield descriptor
            finally:
                os.close(descriptor)
            return
        peer, _ = self._listener.accept()
        with peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)
            peer.setblocking(False)
            yield peer.fileno()


@contextmanager
def open_outlet(place: Place) -> Iterator[Outlet]:
    """A place that readers may come to, removed again at the end.

    Raises:
        CameraError: it is taken, or cannot be made.
    """
    try:
        with contextlib.ExitStack() as undo:
            if place.scheme == "fifo":
                _make_fifo(Path(place.path), undo)
                yield Outlet(place, None)
            else:
                yield Outlet(place, undo.enter_context(_listener(place, undo)))
    except OSError as error:
        reason = error.strerror or str(error)
        raise CameraError(f"cannot write to {place.uri} ({reason}); choose another --to") from None


def _make_fifo(path: Path, undo: contextlib.ExitStack) -> None:
    if not path.exists():
        os.mkfifo(path, 0o600)
        undo.callback(path.unlink, missing_ok=True)
    elif not stat.S_ISFIFO(path.stat().st_mode):
        raise CameraError(f"{path} exists and is no FIFO; choose another --to")


def _listener(place: Place, undo: contextlib.ExitStack) -> socket.socket:
    if place.scheme == "tcp":
        families = [found[0] for found in socket.getaddrinfo(place.path, place.port, type=socket.SOCK_STREAM)]
        family = socket.AF_INET if socket.AF_INET in families else families[0]
        return socket.create_server((place.path, place.port), family=family, backlog=1)
    path = Path(place.path)
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(place.path)
        undo.callback(path.unlink, missing_ok=True)
        listener.listen(1)
    except BaseException:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    """Removes a socket that a killed writer left; one that somebody listens at stays."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise CameraError(f"{path} exists and is no socket; choose another --to")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise CameraError(f"somebody listens at {path} already; choose another --to")
