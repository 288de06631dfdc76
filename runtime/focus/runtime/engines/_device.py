"""What the engines on a GPU have in common: buffers that the kernels fill and read, and the way over the host."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from focus.kernels.cuda import CudaDevice, DeviceArray, DeviceError, Queue, Said
from focus.runtime._bundle import Bundle
from focus.runtime.engines._cache import cache_folder
from focus.runtime.engines._contract import Outputs
from focus.runtime.engines._onnx_file import ModelFile
from focus.runtime.engines._shapes import CLOSED, require_shapes


class DeviceEngine(ABC):
    """An engine on a GPU. Entered, it has buffers on the device, and ``enqueue`` runs the network on them; the pipeline
    fills and reads them there. ``infer`` is the same over the host.

    Args:
        file: the model.
        batch: windows of a pass.
        gpu: which GPU.
        stream: a CUDA stream of the caller's to work on, whatever library made it; None makes one.

    Attributes:
        device, queue: where it runs; set while it is entered.
        band_means: [B, N, C] on the device, the type of the network.
        composite: [B, 3, H, W] likewise.
        said: the network's outputs.
        capturable: whether ``enqueue`` may be recorded as a CUDA graph.
    """

    name: str
    capturable: bool
    device: CudaDevice
    queue: Queue
    band_means: DeviceArray
    composite: DeviceArray
    said: Said

    def __init__(self, file: ModelFile, batch: int = 1, *, gpu: int = 0, stream: int | None = None) -> None:
        self.file, self.bundle, self.batch = file, file.bundle, batch
        self.precision: str = self.bundle.precision
        self._gpu, self._stream = gpu, stream
        self._entered = False
        self._room: CudaDevice | None = None

    @abstractmethod
    def load(self) -> np.dtype[np.floating]:
        """Loads the network onto ``device``; gives the type of its inputs and outputs.

        Raises:
            BundleError: it does not fit this GPU, or is damaged.
        """

    @abstractmethod
    def bind(self) -> None:
        """Tells the network where its buffers are."""

    @abstractmethod
    def enqueue(self) -> None:
        """Runs the network on the buffers, as ``queue`` comes to it."""

    @abstractmethod
    def unload(self) -> None:
        """Gives the network's memory back."""

    def __enter__(self) -> Self:
        self.device = self._new_device(self._stream)
        self._gpu = self.device.index
        self.queue = self.device.queue()
        try:
            self._make_buffers(self.load())
            self.bind()
            self.enqueue()  # the first pass takes longest
            self.queue.wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self._entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered = False
        try:
            with suppress(DeviceError):  # what is broken must be given back all the same
                self.device.use()
                self.queue.wait()
            self.unload()
        finally:
            self._leave_room()
            self.device.free()

    def room(self) -> CudaDevice:
        """The same GPU and context once more, for what lives as long as one run: memory, queues and graphs of its own,
        which are given back with the next room or the engine. Its first queue is the engine's.

        Raises:
            RuntimeError: outside the context manager.
        """
        if not self._entered:
            raise RuntimeError(CLOSED)
        self._leave_room()
        self._room = self._new_device(self.queue.handle)
        return self._room

    def _leave_room(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            with suppress(DeviceError):
                room.free()

    def _new_device(self, stream: int | None) -> CudaDevice:
        return CudaDevice(self._gpu, stream=stream, cache=lambda key: cache_folder("cuda", key))

    def infer(self, band_means: NDArray[np.float32], composite: NDArray[np.float32]) -> Outputs:
        """See ``Engine.infer``."""
        if not self._entered:
            raise RuntimeError(CLOSED)
        require_shapes(self.bundle, band_means, composite)
        self.device.use()
        found = [
            self._pass(band_means[first : first + self.batch], composite[first : first + self.batch])
            for first in range(0, len(band_means), self.batch)
        ]
        return found[0] if len(found) == 1 else Outputs(*map(np.concatenate, zip(*found, strict=True)))

    def _pass(self, band_means: NDArray[np.float32], composite: NDArray[np.float32]) -> Outputs:
        """One pass; what a batch lacks is zeros, which are not given back."""
        count = len(band_means)
        for buffer, values in ((self.band_means, band_means), (self.composite, composite)):
            full = np.zeros(buffer.shape, buffer.dtype)
            full[:count] = values
            self.queue.upload(buffer, full)
            self.queue.wait()
        self.enqueue()
        found = {name: np.empty(array.shape, array.dtype) for name, array in self.said._asdict().items()}
        for name, array in self.said._asdict().items():
            self.queue.download(found[name], array)
        self.queue.wait()
        return Outputs(*(found[name][:count].astype(np.float32) for name in Outputs._fields))

    def _make_buffers(self, kind: np.dtype[np.floating]) -> None:
        bundle: Bundle = self.bundle
        prompts = (self.batch, len(bundle.reading.heads), len(bundle.targets), len(bundle.groups))
        self.band_means = self.device.empty((self.batch, bundle.patches, bundle.bands), kind)
        self.composite = self.device.empty((self.batch, 3, *bundle.window), kind)
        self.said = Said(
            self.device.empty((*prompts, bundle.patches), kind),
            self.device.empty(prompts, kind),
            self.device.empty((self.batch, len(bundle.targets)), kind),
        )

    @property
    def path(self) -> Path:
        """The model's file."""
        return self.file.path
