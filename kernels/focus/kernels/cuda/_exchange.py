"""Arrays that host and device both look at."""

from __future__ import annotations

from typing import Any

from numpy.typing import DTypeLike, NDArray

from focus.kernels.cuda._memory import Device, Queue


class Exchange:
    """An array on the host and on the device. Where both share one memory (Jetson), it is there once and never copied.

    Args:
        device: which.
        shape, dtype: of the array.

    Attributes:
        host: pinned.
        array: on the device.
    """

    def __init__(self, device: Device, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self.host: NDArray[Any]
        self.host, mapped = device.pinned(shape, dtype)
        self._shared = mapped is not None
        self.array = device.empty(shape, dtype) if mapped is None else mapped

    def send(self, queue: Queue) -> None:
        """Host to device; the host's part must not change until the queue was waited for."""
        if not self._shared:
            queue.upload(self.array, self.host)

    def fetch(self, queue: Queue) -> None:
        """Device to host; there when the queue was waited for."""
        if not self._shared:
            queue.download(self.host, self.array)
