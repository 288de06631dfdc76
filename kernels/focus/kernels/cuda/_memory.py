"""What a device is to the kernels: memory, and queues of work. ``CudaDevice`` is one; tests have another."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray


class DeviceError(RuntimeError):
    """The GPU, its driver or its memory is not as needed; the message says what would help."""


@dataclass(frozen=True)
class DeviceArray:
    """An array in a device's memory, C-contiguous. It lives as long as its device.

    Attributes:
        address: of its first element.
        shape: as of a NumPy array.
        dtype: likewise.
    """

    address: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def part(self, start: int, shape: tuple[int, ...]) -> DeviceArray:
        """What lies in its memory from an element on."""
        return DeviceArray(self.address + start * self.dtype.itemsize, shape, self.dtype)


#: What a kernel takes: arrays go as addresses, None as a null pointer, int as 32 bits, float as float32.
Argument = DeviceArray | int | float | None


#: A moment in a queue, see ``Queue.mark``.
Mark = Any


class Queue(Protocol):
    """Work that a device does one after the other, and the host does not wait for."""

    #: The CUDA stream, for libraries that enqueue work of their own.
    handle: int

    def upload(self, target: DeviceArray, source: NDArray[Any]) -> None:
        """Copies from the host; pinned memory is read later, other memory before this returns."""

    def download(self, target: NDArray[Any], source: DeviceArray) -> None:
        """Copies to the host; ``target`` is filled when the queue was waited for."""

    def launch(
        self, kernel: str, grid: tuple[int, int], block: tuple[int, int], shared: int, *arguments: Argument
    ) -> None:
        """Starts a kernel.

        Args:
            kernel: its name.
            grid, block: blocks, and threads of a block.
            shared: bytes of shared memory.
            arguments: see ``Argument``.
        """

    def captured(self, work: Callable[[], None]) -> Callable[[], None]:
        """Records what ``work`` enqueues, without doing it, and gives what does all of it at once (a CUDA graph)."""

    def mark(self) -> Mark:
        """The moment when all that was enqueued so far is done."""

    def after(self, mark: Mark) -> None:
        """What is enqueued from here on waits for a moment in another queue; the host does not."""

    def wait(self) -> None:
        """Until all of it is done."""


class Device(Protocol):
    """A GPU.

    Attributes:
        name: what its maker calls it.
        integrated: whether it shares the host's memory (Jetson).
    """

    name: str
    integrated: bool

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> DeviceArray:
        """Memory with anything in it.

        Raises:
            DeviceError: not enough is free.
        """

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> tuple[NDArray[Any], DeviceArray | None]:
        """Host memory that copies do not wait for; on an integrated device also as the device sees it."""

    def queue(self) -> Queue:
        """A new queue."""

    def use(self) -> None:
        """To be called once in every thread that uses the device."""


def uploaded(device: Device, queue: Queue, values: NDArray[Any]) -> DeviceArray:
    """A copy of an array on the device; waits until it is there."""
    array, whole = device.empty(values.shape, values.dtype), np.ascontiguousarray(values)
    queue.upload(array, whole)
    queue.wait()
    return array
