"""A GPU through NVIDIA's driver (cuda-bindings)."""

from __future__ import annotations

import ctypes
import math
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from focus.kernels.cuda._arguments import Arguments
from focus.kernels.cuda._compile import Cache, kernel_image
from focus.kernels.cuda._gpu import attribute_of, checked, driver_module, gpu_facts
from focus.kernels.cuda._memory import Argument, DeviceArray, DeviceError


class CudaDevice:
    """One GPU, see ``Device``. It works in the primary context, as CUDA's runtime, TensorRT and ONNX Runtime do; or in
    that of a stream that the caller has, from pycuda or elsewhere.

    Args:
        index: which GPU; that of the stream, where there is one.
        stream: a CUDA stream of the caller's that the first queue uses; its context is used for everything.
        cache: see ``kernel_image``.

    Attributes:
        gpu: its facts.
        index: which GPU it is.
    Raises:
        ValueError: one of CUDA's default streams, whose work cannot be recorded.
        DeviceError: no driver, no such GPU, a driver too old, or kernels that cannot be had for it.
    """

    def __init__(self, index: int = 0, *, stream: int | None = None, cache: Cache | None = None) -> None:
        self._driver = driver = driver_module()
        self._given = None
        if stream is None:
            self.gpu = gpu_facts(index, driver)
            # Never given back: other libraries of this process keep things in it.
            self._context = self._checked(driver.cuDevicePrimaryCtxRetain(self.gpu.handle))
        else:
            self._given = _stream_of(driver, stream)
            self._context = self._checked(driver.cuStreamGetCtx(self._given))
            self.use()
            self.gpu = gpu_facts(int(self._checked(driver.cuCtxGetDevice())), driver)
        gpu = self.gpu
        self.name, self.integrated, self.architecture = gpu.name, gpu.integrated, gpu.architecture
        self.index = int(gpu.handle)
        self._memory: list[Any] = []
        self._pinned: list[Any] = []
        self._streams: list[Any] = []
        self._graphs: list[Any] = []
        self._freed = threading.Event()
        self.use()
        self._module = self._checked(driver.cuModuleLoadData(kernel_image(gpu.architecture, gpu.cuda // 1000, cache)))
        self._functions: dict[str, Any] = {}

    def use(self) -> None:
        """See ``Device.use``."""
        self._checked(self._driver.cuCtxSetCurrent(self._context))

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> DeviceArray:
        """See ``Device.empty``."""
        kind = np.dtype(dtype)
        size = max(1, math.prod(shape) * kind.itemsize)
        status, address = self._driver.cuMemAlloc(size)
        if status == self._driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
            free, total = self._checked(self._driver.cuMemGetInfo())
            raise DeviceError(
                f"{self.name} has no {size / 1e6:.0f} MB free ({free / 1e6:.0f} of {total / 1e6:.0f} MB are); "
                "a smaller --batch, or closing what else runs on it, helps"
            )
        self._checked((status, address))
        self._memory.append(address)
        return DeviceArray(int(address), tuple(shape), kind)

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> tuple[NDArray[Any], DeviceArray | None]:
        """See ``Device.pinned``."""
        kind = np.dtype(dtype)
        size = max(1, math.prod(shape) * kind.itemsize)
        flags = self._driver.CU_MEMHOSTALLOC_DEVICEMAP if self.integrated else 0
        address = int(self._checked(self._driver.cuMemHostAlloc(size, flags)))
        self._pinned.append(address)
        buffer = (ctypes.c_uint8 * size).from_address(address)
        array: NDArray[Any] = np.ctypeslib.as_array(buffer).view(kind)[: math.prod(shape)].reshape(shape)
        if not self.integrated:
            return array, None
        mapped = self._checked(self._driver.cuMemHostGetDevicePointer(address, 0))
        return array, DeviceArray(int(mapped), tuple(shape), kind)

    def queue(self) -> CudaQueue:
        """See ``Device.queue``; the first one is the caller's stream, if there is one."""
        given, self._given = self._given, None
        if given is None:
            flags = self._driver.CUstream_flags.CU_STREAM_NON_BLOCKING
            given = self._checked(self._driver.cuStreamCreate(flags))
            self._streams.append(given)
        return CudaQueue(self, given)

    def graph(self, recorded: Any) -> Any:
        """What was recorded, ready to be launched as long as the device is there."""
        ready = self._checked(self._driver.cuGraphInstantiate(recorded, 0))
        self._graphs.append(ready)
        self._checked(self._driver.cuGraphDestroy(recorded))
        return ready

    def event(self) -> Event:
        """A moment that a queue can record."""
        event = Event(self._checked(self._driver.cuEventCreate(0)))
        weakref.finalize(event, _destroy_event, self._driver, event.handle, self._freed).atexit = False
        return event

    def elapsed_ms(self, start: Event, end: Event) -> float:
        """Between two marks, of one or two queues; both must have come to pass (``Queue.wait``)."""
        return float(self._checked(self._driver.cuEventElapsedTime(start.handle, end.handle)))

    def free(self) -> None:
        """Waits for what is under way and gives back all there is; nothing of this device may be used any more."""
        driver = self._driver
        self.use()
        driver.cuCtxSynchronize()
        self._freed.set()
        for destroy, handles in (
            (driver.cuGraphExecDestroy, self._graphs),
            (driver.cuMemFree, self._memory),
            (driver.cuMemFreeHost, self._pinned),
            (driver.cuStreamDestroy, self._streams),
        ):
            while handles:
                destroy(handles.pop())
        driver.cuModuleUnload(self._module)

    def function(self, name: str) -> Any:
        """A kernel."""
        if name not in self._functions:
            self._functions[name] = self._checked(self._driver.cuModuleGetFunction(self._module, name.encode()))
        return self._functions[name]

    def attribute(self, name: str) -> int:
        """The GPU's CU_DEVICE_ATTRIBUTE of this name."""
        return attribute_of(self._driver, self.gpu.handle, name)

    def _checked(self, answer: tuple[Any, ...]) -> Any:
        return checked(self._driver, answer)


def _stream_of(driver: Any, handle: int) -> Any:
    if handle in (0, int(driver.CU_STREAM_LEGACY), int(driver.CU_STREAM_PER_THREAD)):
        raise ValueError(
            "stream is one of CUDA's default streams; give one of your own, such as torch.cuda.Stream().cuda_stream"
        )
    return driver.CUstream(handle)


class Event:
    """A moment in a queue.

    Attributes:
        handle: the driver's.
    """

    def __init__(self, handle: Any) -> None:
        self.handle = handle


def _destroy_event(driver: Any, handle: Any, freed: threading.Event) -> None:
    """Its context may be gone by now, and the event with it."""
    if not freed.is_set():
        driver.cuEventDestroy(handle)


class CudaQueue:
    """See ``Queue``.

    Args:
        device: whose.
        stream: its CUDA stream.
    """

    def __init__(self, device: CudaDevice, stream: Any) -> None:
        self._device, self._driver, self._stream = device, device._driver, stream
        self._checked = device._checked
        self.handle = int(stream)

    def upload(self, target: DeviceArray, source: NDArray[Any]) -> None:
        """See ``Queue.upload``."""
        _require_alike(target, source)
        self._checked(self._driver.cuMemcpyHtoDAsync(target.address, source.ctypes.data, target.nbytes, self._stream))

    def download(self, target: NDArray[Any], source: DeviceArray) -> None:
        """See ``Queue.download``."""
        _require_alike(source, target)
        self._checked(self._driver.cuMemcpyDtoHAsync(target.ctypes.data, source.address, source.nbytes, self._stream))

    def copy(self, target: DeviceArray, source: DeviceArray) -> None:
        """Copies within the device."""
        if target.nbytes != source.nbytes:
            raise ValueError(f"cannot copy between {source.nbytes} and {target.nbytes} bytes")
        self._checked(self._driver.cuMemcpyDtoDAsync(target.address, source.address, target.nbytes, self._stream))

    def launch(
        self, kernel: str, grid: tuple[int, int], block: tuple[int, int], shared: int, *arguments: Argument
    ) -> None:
        """See ``Queue.launch``."""
        packed = Arguments(arguments)
        self._checked(
            self._driver.cuLaunchKernel(
                self._device.function(kernel), *grid, 1, *block, 1, shared, self._stream, packed.address, 0
            )
        )

    def captured(self, work: Callable[[], None]) -> Callable[[], None]:
        """See ``Queue.captured``."""
        driver, stream = self._driver, self._stream
        # Only this thread's calls may break the recording; the other one goes on allocating nothing.
        mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        self._checked(driver.cuStreamBeginCapture(stream, mode))
        try:
            work()
        except BaseException:
            _, broken = driver.cuStreamEndCapture(stream)
            if broken:
                driver.cuGraphDestroy(broken)
            raise
        graph = self._checked(driver.cuStreamEndCapture(stream))
        ready = self._device.graph(graph)

        def replay() -> None:
            self._checked(driver.cuGraphLaunch(ready, stream))

        return replay

    def mark(self) -> Any:
        """See ``Queue.mark``; two marks tell the time between them (``CudaDevice.elapsed_ms``)."""
        mark = self._device.event()
        self._checked(self._driver.cuEventRecord(mark.handle, self._stream))
        return mark

    def after(self, mark: Event) -> None:
        """See ``Queue.after``."""
        self._checked(self._driver.cuStreamWaitEvent(self._stream, mark.handle, 0))

    def wait(self) -> None:
        """See ``Queue.wait``."""
        self._checked(self._driver.cuStreamSynchronize(self._stream))


def _require_alike(array: DeviceArray, host: NDArray[Any]) -> None:
    if array.shape != host.shape or array.dtype != host.dtype or not host.flags.c_contiguous:
        raise ValueError(f"cannot copy between {array.dtype} {array.shape} and {host.dtype} {host.shape}")
