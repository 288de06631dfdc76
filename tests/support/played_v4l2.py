"""A V4L2 driver that a test plays, below the real linuxpy: its ioctls, its mapped buffers, and a file to wait at."""

from __future__ import annotations

import errno
import mmap
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class PlayedDriver:
    """Answers the ioctls that a streaming camera's driver answers, and refuses all others as a driver does.

    Args:
        path: the device; a FIFO stands for it, as it can be opened and waited for.
        width, height, row_bytes: of a frame.
        form: name of its pixel format.
    Attributes:
        streaming: whether the stream is on.
        queued: buffers that the driver may fill.
        when_on: called when the stream is turned on.
    """

    def __init__(
        self, path: Path, width: int, height: int, form: str = "Y16", row_bytes: int | None = None, card: str = "played"
    ) -> None:
        import linuxpy.video.raw as raw

        self.raw: Any = raw
        os.mkfifo(path)
        self._wake = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._form, self._card = form, card
        self._size = width, height, row_bytes or width * (1 if form == "GREY" else 2)
        self._bytes = self._size[1] * self._size[2]
        self._buffers: list[mmap.mmap] = []
        self.queued: deque[int] = deque()
        self._done: deque[tuple[int, int, int, int]] = deque()
        self.streaming, self.gone = False, False
        self.when_on: Callable[[], None] = lambda: None

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Puts this driver below linuxpy."""
        monkeypatch.setattr("linuxpy.video.device.ioctl", self.ioctl)
        monkeypatch.setattr("linuxpy.video.device.mem_map", lambda fd, length, offset: self._buffers[offset // 4096])

    def frame(self, content: bytes, sequence: int, taken_ns: int, *, error: bool = False) -> None:
        """The camera has sent a frame."""
        index = self.queued.popleft()
        self._buffers[index][: len(content)] = content
        flags = self.raw.BufferFlag.TIMESTAMP_MONOTONIC | (self.raw.BufferFlag.ERROR if error else 0)
        self._done.append((index, sequence, taken_ns, int(flags)))
        os.write(self._wake, b".")

    def unplug(self) -> None:
        """The camera is gone, and whoever waits for it is woken."""
        self.gone = True
        os.write(self._wake, b".")

    def close(self) -> None:
        """Gives its file back."""
        os.close(self._wake)

    def ioctl(self, fd: Any, request: Any, argument: Any = None) -> Any:
        """See ioctl(2)."""
        if self.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        answer = getattr(self, f"_{request.name.lower()}", None)
        if answer is None:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        answer(argument)
        return argument

    def _querycap(self, found: Any) -> None:
        found.driver, found.card = b"played", self._card.encode()
        can = self.raw.Capability
        found.capabilities = found.device_caps = can.VIDEO_CAPTURE | can.STREAMING

    def _g_fmt(self, found: Any) -> None:
        pix = found.fmt.pix
        pix.width, pix.height, pix.bytesperline = self._size
        pix.sizeimage, pix.pixelformat = self._bytes, getattr(self.raw.PixelFormat, self._form)

    def _reqbufs(self, wanted: Any) -> None:
        assert wanted.memory == self.raw.Memory.MMAP
        self._buffers = [mmap.mmap(-1, self._bytes) for _ in range(wanted.count)]
        self.queued.clear()

    def _querybuf(self, buffer: Any) -> None:
        buffer.length, buffer.m.offset = self._bytes, 4096 * buffer.index

    def _qbuf(self, buffer: Any) -> None:
        assert buffer.index not in self.queued
        self.queued.append(buffer.index)

    def _dqbuf(self, buffer: Any) -> None:
        if not self._done:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        os.read(self._wake, 1)
        buffer.index, buffer.sequence, taken_ns, buffer.flags = self._done.popleft()
        buffer.timestamp.secs, buffer.timestamp.usecs = taken_ns // 10**9, taken_ns % 10**9 // 1000
        buffer.bytesused = self._bytes

    def _streamon(self, kind: Any) -> None:
        assert kind is not None
        self.streaming = True
        self.when_on()

    def _streamoff(self, kind: Any) -> None:
        self.streaming = False
        self.queued.clear()
