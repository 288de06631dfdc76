"""A GPU as the checks use it: arrays there and back, and memory that holds poison until a kernel writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from focus.kernels.cuda import CudaDevice, DeviceArray, uploaded
from focus.kernels.cuda._gpu import checked
from focus.runtime.engines._cache import cache_folder

#: Every byte of memory that nobody has written. As float32 and float16 it is a NaN that no kernel makes.
POISON = 0xFF


class OneGpu:
    """One device and one queue on it.

    Args:
        device: whose memory is given back by whoever opened it.
    """

    def __init__(self, device: CudaDevice) -> None:
        self.device, self.queue = device, device.queue()

    def attribute(self, name: str) -> int:
        """Of the device, by its name after ``CU_DEVICE_ATTRIBUTE_``."""
        return self.device.attribute(name)

    def memory_bytes(self) -> int:
        """All that the device has."""
        driver = self.device._driver
        return int(checked(driver, driver.cuMemGetInfo())[1])

    def put(self, values: NDArray[Any]) -> DeviceArray:
        """A copy on the device."""
        return uploaded(self.device, self.queue, values)

    def get(self, array: DeviceArray) -> NDArray[Any]:
        """A copy on the host, after all that was enqueued."""
        found: NDArray[Any] = np.empty(array.shape, array.dtype)
        self.queue.download(found, array)
        self.queue.wait()
        return found

    def poisoned(self, shape: tuple[int, ...], dtype: DTypeLike) -> DeviceArray:
        """New memory, full of poison."""
        array = self.device.empty(shape, dtype)
        self.poison([array])
        return array

    def poison(self, arrays: list[DeviceArray]) -> None:
        """Fills memory with poison."""
        for array in arrays:
            self.queue.upload(array, np.full(array.nbytes, POISON, np.uint8).view(array.dtype).reshape(array.shape))
            self.queue.wait()

    def twice(self, work: Callable[[], None], outputs: list[DeviceArray]) -> tuple[list[NDArray[Any]], list[str]]:
        """Enqueues work twice, each time over poison.

        Args:
            work: writes the outputs.
            outputs: arrays.
        Returns: what is in them, and what differs between the two times.
        """
        results = []
        for _ in range(2):
            self.poison(outputs)
            work()
            results.append([self.get(array) for array in outputs])
        first, second = results
        faults = [
            f"output {place} of {len(outputs)} varies from launch to launch"
            for place, (one, other) in enumerate(zip(first, second, strict=True))
            if one.tobytes() != other.tobytes()
        ]
        return first, faults


@contextmanager
def opened_gpu(index: int = 0, stream: int | None = None) -> Iterator[OneGpu]:
    """A GPU whose memory is given back at the end.

    Args:
        index: which.
        stream: see ``CudaDevice``.
    Raises:
        DeviceError: there is none, or none of use.
    """
    device = CudaDevice(index, stream=stream, cache=lambda key: cache_folder("cuda", key))
    try:
        yield OneGpu(device)
    finally:
        device.free()


def is_poison(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where an array was not written."""
    bits = np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")
    return np.asarray(bits == np.iinfo(bits.dtype).max)


def difference(
    name: str, found: NDArray[Any], expected: NDArray[Any], relative: float = 2e-5, absolute: float | None = None
) -> list[str]:
    """What is wrong with a kernel's result.

    Args:
        name: of the result.
        found: by the kernel.
        expected: NaN where a value is missing.
        relative: what each value may differ by, as a share of it.
        absolute: what it may differ by beside that; None is ``relative`` of the largest value.
    """
    left = int(is_poison(found).sum())
    if left:
        return [f"{name}: poison left in {left} of {found.size} values"]
    missing = np.isnan(expected)
    if not np.array_equal(np.isnan(found), missing):
        return [f"{name}: NaN in other places than the reference, {np.isnan(found).sum()} and {missing.sum()}"]
    wide, wanted = (np.where(missing, 0.0, values).astype(np.float64) for values in (found, expected))
    beside = relative * max(float(np.abs(wanted).max(initial=0.0)), 1e-6) if absolute is None else absolute
    beyond = np.abs(wide - wanted) - relative * np.abs(wanted) - beside
    wrong = ~(beyond <= 0)
    if not wrong.any():
        return []
    place = np.unravel_index(int(np.argmax(np.where(np.isnan(beyond), np.inf, beyond))), wrong.shape)
    return [f"{name}: {wrong.sum()} of {wrong.size} values differ, e.g. {wide[place]:.7g} for {wanted[place]:.7g}"]
