"""Files that grow while others read them, and outlive the process that writes them."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from focus.runtime.outputs._files import writing

#: Parts that one call of the system takes.
MOST_PARTS = 1024


class GrowingFile:
    """A file without a buffer of its own: what a call has written is still there when the process is killed after it.

    Args:
        path: made, or gone on with at its end where it exists.
    Raises:
        OutputError: it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open = threading.Lock()
        with writing(path):
            self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            os.lseek(self._descriptor, 0, os.SEEK_END)

    def append(self, *parts: bytes | NDArray[Any]) -> None:
        """Appends all parts with one call of the system, without a copy; arrays must be C-contiguous.

        Raises:
            OutputError: the disk is full.
        """
        views = [_bytes_of(part) for part in parts if len(part)]
        with writing(self.path):
            while views:
                left = os.writev(self._writable, views[:MOST_PARTS])
                while views and left >= len(views[0]):
                    left -= len(views.pop(0))
                if left:
                    views[0] = views[0][left:]

    def overwrite(self, offset: int, content: bytes) -> None:
        """Replaces bytes in place.

        Raises:
            OutputError: the disk does not take them.
        """
        with writing(self.path):
            os.pwrite(self._writable, content, offset)

    def sync(self) -> None:
        """Waits until everything that was written is on the disk; nothing where the file is closed. Any thread.

        Raises:
            OutputError: the disk lost it.
        """
        with self._open, writing(self.path):
            if self._descriptor is not None:
                os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Closes the file; a second call does nothing."""
        with self._open, writing(self.path):
            descriptor, self._descriptor = self._descriptor, None
            if descriptor is not None:
                os.close(descriptor)

    @property
    def _writable(self) -> int:
        if self._descriptor is None:
            raise ValueError(f"{self.path.name} is closed")
        return self._descriptor


def _bytes_of(part: bytes | NDArray[Any]) -> memoryview:
    return memoryview(part if isinstance(part, bytes) else part.data).cast("B")
