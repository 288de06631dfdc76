"""NVIDIA's driver, played by the host: ``CudaDevice`` runs on it as on a GPU. Memory is the host's, the kernels are
their own sources compiled by g++ with threads and barriers emulated, graphs are recorded and replayed. Every name and
number of arguments is held against the real bindings. What it cannot show is speed, and threads that race.
"""

from __future__ import annotations

import ctypes
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from unittest.mock import patch

import numpy as np
from cuda.bindings import driver as real
from numpy.typing import NDArray

from focus.kernels import cuda
from focus.kernels.cuda import CudaDevice, DeviceArray
from support.tools import tool

SOURCES = Path(cuda.__file__).parent
HARNESS = Path(__file__).parent / "cuda_on_host"

#: Bytes on either side of every array, and what they hold: a kernel that writes there is caught.
GUARD, MARK = 64, 0xA5

#: The emulation has one set of threads.
ONE_AT_A_TIME = threading.Lock()

DONE = real.CUresult.CUDA_SUCCESS

#: What works only in a thread that has a context (cuCtxSetCurrent).
WANTS_CONTEXT = frozenset(
    [
        "cuMemAlloc",
        "cuMemFree",
        "cuMemHostAlloc",
        "cuMemFreeHost",
        "cuMemGetInfo",
        "cuStreamCreate",
        "cuEventCreate",
        "cuModuleLoadData",
        "cuLaunchKernel",
        "cuMemcpyHtoDAsync",
        "cuMemcpyDtoHAsync",
        "cuMemcpyDtoDAsync",
        "cuCtxSynchronize",
        "cuCtxGetDevice",
    ]
)


@cache
def host_library() -> ctypes.CDLL:
    library = Path(mkdtemp(prefix="focus-kernels-")) / "kernels.so"
    options = ["-std=c++17", "-O2", "-ffp-contract=off", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]
    options += ["-U_FORTIFY_SOURCE"]  # it takes jumps between stacks for mistakes
    unknown = ["-Wno-unknown-pragmas", "-Wno-unused-function"]  # "#pragma unroll"
    command = [tool("g++", "g++"), *options, *unknown, f"-I{SOURCES}", str(HARNESS / "kernels.cpp"), "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = ctypes.CDLL(str(library))
    sizes = ctypes.POINTER(ctypes.c_uint)
    loaded.focus_bind.argtypes, loaded.focus_bind.restype = [ctypes.c_char_p, ctypes.c_void_p], ctypes.c_void_p
    loaded.focus_run.argtypes = [ctypes.c_void_p, sizes, sizes, ctypes.c_size_t]
    loaded.focus_run.restype = None
    return loaded


@contextmanager
def played_driver(driver: HostDriver | None = None) -> Iterator[HostDriver]:
    """Whoever asks for a GPU gets this one."""
    played = driver or HostDriver()
    with (
        patch("focus.kernels.cuda._driver.driver_module", return_value=played),
        patch("focus.kernels.cuda._driver.kernel_image", return_value=b"image"),
    ):
        yield played


def host_device(driver: HostDriver | None = None, **options: Any) -> tuple[CudaDevice, HostDriver]:
    """A ``CudaDevice`` on this host, and its driver."""
    with played_driver(driver) as played:
        return CudaDevice(**options), played


class HostDriver:
    """See the head of this file.

    Args:
        integrated: whether the GPU shares the host's memory.
        memory: bytes that it has.
        cuda: version that the driver speaks.
        gpus: how many there are.
    """

    def __init__(self, *, integrated: bool = False, memory: int = 2**30, cuda: int = 12060, gpus: int = 1) -> None:
        self.memory, self.cuda, self.gpus = memory, cuda, gpus
        self.attributes = {"INTEGRATED": int(integrated), "COMPUTE_CAPABILITY_MAJOR": 8, "COMPUTE_CAPABILITY_MINOR": 7}
        self.attributes |= {"L2_CACHE_SIZE": 4096, "MULTIPROCESSOR_COUNT": 1}
        self.held: dict[int, NDArray[np.uint8]] = {}
        self.launched: list[str] = []
        self.replayed = 0
        self.contexts: list[Any] = []
        self._current = threading.local()
        self._recording: dict[int, list[Callable[[], None]]] = {}
        self._graphs: dict[int, list[Callable[[], None]]] = {}
        self._recorded: dict[int, float] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(real, name)  # AttributeError where the bindings have no such name
        if not callable(found) or isinstance(found, type):
            return found
        return partial(self._call, name, (found.__doc__ or "").splitlines()[0])

    def _call(self, name: str, signature: str, *arguments: Any) -> tuple[Any, ...]:
        if name in WANTS_CONTEXT and getattr(self._current, "context", None) is None:
            return real.CUresult.CUDA_ERROR_INVALID_CONTEXT, None
        expected = signature.partition("(")[2].count(",") + 1 if "()" not in signature else 0
        assert len(arguments) == expected, f"{signature} was called with {len(arguments)} arguments"
        return getattr(self, f"_{name}")(*arguments)

    def view(self, array: DeviceArray) -> NDArray[Any]:
        """An array's memory."""
        buffer = (ctypes.c_char * max(1, array.nbytes)).from_address(array.address)
        return np.frombuffer(buffer, array.dtype, int(np.prod(array.shape))).reshape(array.shape)

    def require_guards(self) -> None:
        """Nothing was written beside an array."""
        for address in self.held:
            self._require_guards_of(address)

    def _require_guards_of(self, address: int) -> None:
        raw = self.held[address]
        start = address - raw.ctypes.data
        assert (raw[start - GUARD : start] == MARK).all(), "written before an array"
        assert (raw[-GUARD:] == MARK).all(), "written behind an array"

    def _do(self, stream: Any, work: Callable[[], None]) -> tuple[Any]:
        recording = self._recording.get(int(stream))
        work() if recording is None else recording.append(work)
        return (DONE,)

    def _cuDriverGetVersion(self) -> tuple[Any, ...]:
        return DONE, self.cuda

    def _cuDeviceGetCount(self) -> tuple[Any, ...]:
        return DONE, self.gpus

    def _cuDeviceGet(self, index: int) -> tuple[Any, ...]:
        return DONE, index

    def _cuDevicePrimaryCtxRetain(self, device: int) -> tuple[Any, ...]:
        return DONE, "primary"

    def _cuStreamGetCtx(self, stream: Any) -> tuple[Any, ...]:
        return DONE, f"of stream {int(stream)}"

    def _cuCtxGetDevice(self) -> tuple[Any, ...]:
        return DONE, 0

    def _cuCtxSetCurrent(self, context: Any) -> tuple[Any]:
        self.contexts.append(context)
        self._current.context = context
        return (DONE,)

    def _cuDeviceGetName(self, length: int, device: int) -> tuple[Any, ...]:
        return DONE, b"this host".ljust(length, b"\0")

    def _cuDeviceGetAttribute(self, attribute: Any, device: int) -> tuple[Any, ...]:
        return DONE, self.attributes[attribute.name.removeprefix("CU_DEVICE_ATTRIBUTE_")]

    def _cuModuleLoadData(self, image: bytes) -> tuple[Any, ...]:
        return DONE, "module"

    def _cuModuleGetFunction(self, module: str, name: bytes) -> tuple[Any, ...]:
        return DONE, name

    def _cuMemGetInfo(self) -> tuple[Any, ...]:
        return DONE, self.memory - sum(raw.size for raw in self.held.values()), self.memory

    def _cuMemAlloc(self, size: int) -> tuple[Any, ...]:
        if size > self._cuMemGetInfo()[1]:
            return real.CUresult.CUDA_ERROR_OUT_OF_MEMORY, 0
        raw = np.full(size + 2 * GUARD + 256, MARK, np.uint8)
        start = -(raw.ctypes.data + GUARD) % 256 + GUARD
        raw = raw[: start + size + GUARD]
        raw[start : start + size] = 0xFF
        self.held[raw.ctypes.data + start] = raw
        return DONE, real.CUdeviceptr(raw.ctypes.data + start)

    def _cuMemFree(self, address: Any) -> tuple[Any]:
        self._require_guards_of(int(address))
        del self.held[int(address)]
        return (DONE,)

    def _cuMemHostAlloc(self, size: int, flags: int) -> tuple[Any, ...]:
        return DONE, int(self._cuMemAlloc(size)[1])

    def _cuMemFreeHost(self, address: int) -> tuple[Any]:
        return self._cuMemFree(address)

    def _cuMemHostGetDevicePointer(self, address: int, flags: int) -> tuple[Any, ...]:
        return DONE, real.CUdeviceptr(address)

    def _cuStreamCreate(self, flags: Any) -> tuple[Any, ...]:
        self._streams = getattr(self, "_streams", 100) + 1
        return DONE, real.CUstream(self._streams)

    def _cuStreamSynchronize(self, stream: Any) -> tuple[Any]:
        assert int(stream) not in self._recording, "a stream cannot be waited for while it is recorded"
        return (DONE,)

    def _cuCtxSynchronize(self) -> tuple[Any]:
        return (DONE,)

    def _cuGraphExecDestroy(self, graph: int) -> tuple[Any]:
        del self._graphs[graph]
        return (DONE,)

    def _cuStreamDestroy(self, stream: Any) -> tuple[Any]:
        return (DONE,)

    def _cuModuleUnload(self, module: str) -> tuple[Any]:
        return (DONE,)

    def _cuEventCreate(self, flags: int) -> tuple[Any, ...]:
        self._events = getattr(self, "_events", 0) + 1
        return DONE, real.CUevent(self._events)

    def _cuEventRecord(self, event: Any, stream: Any) -> tuple[Any]:
        self._recorded[int(event)] = time.perf_counter()
        return (DONE,)

    def _cuEventElapsedTime(self, start: Any, end: Any) -> tuple[Any, ...]:
        return DONE, 1e3 * (self._recorded[int(end)] - self._recorded[int(start)])

    def _cuEventDestroy(self, event: Any) -> tuple[Any]:
        return (DONE,)

    def _cuStreamWaitEvent(self, stream: Any, event: Any, flags: int) -> tuple[Any]:
        return (DONE,)

    def _cuMemcpyHtoDAsync(self, target: int, source: int, size: int, stream: Any) -> tuple[Any]:
        return self._do(stream, lambda: ctypes.memmove(target, source, size))

    def _cuMemcpyDtoHAsync(self, target: int, source: int, size: int, stream: Any) -> tuple[Any]:
        return self._do(stream, lambda: ctypes.memmove(target, source, size))

    def _cuMemcpyDtoDAsync(self, target: int, source: int, size: int, stream: Any) -> tuple[Any]:
        return self._do(stream, lambda: ctypes.memmove(target, source, size))

    def _cuLaunchKernel(
        self, name: bytes, x: int, y: int, z: int, across: int, down: int, deep: int, shared: int, stream: Any,
        arguments: int, extra: int,
    ) -> tuple[Any]:  # fmt: skip
        assert (z, deep, extra) == (1, 1, 0)
        assert across * down <= 1024 and shared <= 48 * 1024 - 256
        library = host_library()
        grid, block = ((ctypes.c_uint * 2)(*size) for size in ((x, y), (across, down)))
        kernel = library.focus_bind(name, arguments)
        assert kernel, f"there is no kernel {name.decode()}"
        self.launched.append(name.decode())

        def run() -> None:
            with ONE_AT_A_TIME:
                library.focus_run(kernel, grid, block, shared)

        return self._do(stream, run)

    def _cuStreamBeginCapture(self, stream: Any, mode: Any) -> tuple[Any]:
        self._recording[int(stream)] = []
        return (DONE,)

    def _cuStreamEndCapture(self, stream: Any) -> tuple[Any, ...]:
        graph = len(self._graphs)
        self._graphs[graph] = self._recording.pop(int(stream))
        return DONE, graph

    def _cuGraphInstantiate(self, graph: int, flags: int) -> tuple[Any, ...]:
        return DONE, graph

    def _cuGraphDestroy(self, graph: int) -> tuple[Any]:
        return (DONE,)

    def _cuGraphLaunch(self, graph: int, stream: Any) -> tuple[Any]:
        self.replayed += 1
        for work in self._graphs[graph]:
            work()
        return (DONE,)

    def _cuGetErrorString(self, status: Any) -> tuple[Any, ...]:
        return DONE, status.name.encode()
