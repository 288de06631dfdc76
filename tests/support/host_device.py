"""A device that is the host: the kernels' own sources compiled by g++, threads and barriers emulated. What it cannot
show is speed, and what a GPU's memory does when threads race.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from focus.kernels import cuda
from focus.kernels.cuda import Argument, DeviceArray
from focus.kernels.cuda._arguments import Arguments

SOURCES = Path(cuda.__file__).parent
HARNESS = Path(__file__).parent / "cuda_on_host"

#: Bytes on either side of every array, and what they hold: a kernel that writes there is caught.
GUARD, MARK = 64, 0xA5


@cache
def host_library() -> ctypes.CDLL:
    library = Path(mkdtemp(prefix="focus-kernels-")) / "kernels.so"
    options = ["-std=c++17", "-O2", "-ffp-contract=off", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]
    unknown = ["-Wno-unknown-pragmas", "-Wno-unused-function"]  # "#pragma unroll"
    command = ["g++", *options, *unknown, f"-I{SOURCES}", str(HARNESS / "kernels.cpp"), "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = ctypes.CDLL(str(library))
    loaded.focus_launch.argtypes = [
        ctypes.c_char_p,
        ctypes.POINTER(ctypes.c_uint),
        ctypes.POINTER(ctypes.c_uint),
        ctypes.c_size_t,
        ctypes.c_void_p,
    ]
    return loaded


class HostDevice:
    """See ``focus.kernels.cuda.Device``. New memory is poison."""

    name = "this host"

    def __init__(self, integrated: bool = False) -> None:
        self.integrated = integrated
        self.memory: dict[int, NDArray[np.uint8]] = {}

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> DeviceArray:
        kind = np.dtype(dtype)
        size = int(np.prod(shape)) * kind.itemsize
        raw = np.full(size + 2 * GUARD + 64, MARK, np.uint8)
        start = -(raw.ctypes.data + GUARD) % 64 + GUARD
        raw[start : start + size] = 0xFF
        address = raw.ctypes.data + start
        self.memory[address] = raw
        return DeviceArray(address, tuple(shape), kind)

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> tuple[NDArray[Any], DeviceArray | None]:
        array = self.empty(shape, dtype)
        return self.view(array), array if self.integrated else None

    def view(self, array: DeviceArray) -> NDArray[Any]:
        """The array's memory."""
        buffer = (ctypes.c_char * array.nbytes).from_address(array.address)
        return np.frombuffer(buffer, array.dtype).reshape(array.shape)

    def queue(self) -> HostQueue:
        return HostQueue(self)

    def use(self) -> None: ...

    def require_guards(self) -> None:
        """Nothing was written beside an array."""
        for address, raw in self.memory.items():
            start = address - raw.ctypes.data
            assert (raw[start - GUARD : start] == MARK).all(), "written before an array"
            assert (raw[-1 * (GUARD - 0) :] == MARK).all(), "written behind an array"


class HostQueue:
    """See ``focus.kernels.cuda.Queue``: what it is given, it does at once."""

    handle = 0

    def __init__(self, device: HostDevice) -> None:
        self._device = device
        self.launched: list[str] = []

    def upload(self, target: DeviceArray, source: NDArray[Any]) -> None:
        view = self._device.view(target)
        assert (source.dtype, source.shape) == (view.dtype, view.shape)
        view[...] = source

    def download(self, target: NDArray[Any], source: DeviceArray) -> None:
        view = self._device.view(source)
        assert (target.dtype, target.shape) == (view.dtype, view.shape)
        target[...] = view

    def launch(
        self, kernel: str, grid: tuple[int, int], block: tuple[int, int], shared: int, *arguments: Argument
    ) -> None:
        self.launched.append(kernel)
        packed = Arguments(arguments)
        sizes = [(ctypes.c_uint * 2)(*size) for size in (grid, block)]
        assert host_library().focus_launch(kernel.encode(), *sizes, shared, packed.address) == 0, kernel

    def captured(self, work: Callable[[], None]) -> Callable[[], None]:
        return work

    def wait(self) -> None: ...
