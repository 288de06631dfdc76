"""Cubes of a window's size on a GPU, as snapshot cameras give them: from raw counts to maps in one CUDA graph."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.kernels import Quality
from focus.kernels.cuda import ARRIVED, DeviceIngest, Exchange, Mark
from focus.runtime.engines import DeviceEngine
from focus.runtime.pipeline._data import Reading, Times, Window
from focus.runtime.pipeline._device_maps import DeviceMaps, Replayed
from focus.runtime.pipeline._faults import Faults
from focus.runtime.pipeline._ingest import composite_of_good, optics_of
from focus.runtime.pipeline._read import shown_index
from focus.runtime.sources import SourceFacts


class DeviceCubes:
    """Explains batches of cubes, first in, first out. While one is read, the next one is written and uploaded:

        cubes.stage()[:] = raw    # or let the camera write there
        cubes.send()
        readings = cubes.read()   # of the oldest that was sent

    Args:
        engine: entered; its batch is how many cubes go together.
        source: of the cubes; one of their lines has as many samples as the model's window.
        shown: index of the class whose maps are wanted; None takes each cube's predicted one, or
            the first target.
        with_cube: whether T is wanted.
    Raises:
        ValueError: another size than the window's.
        DeviceError: not enough memory.
    """

    def __init__(
        self, engine: DeviceEngine, source: SourceFacts, shown: int | None = None, with_cube: bool = False
    ) -> None:
        bundle, device, batch = engine.bundle, engine.device, engine.batch
        device.use()
        if shown is None:
            shown = shown_index(bundle, None)
        backbone = bundle.backbone
        lines, samples = bundle.window
        if source.samples != samples:
            raise ValueError(f"model {bundle.name} reads {samples} samples a line, {source.name} has {source.samples}")
        self._engine, self._arriving = engine, device.queue()
        self._ingest = DeviceIngest(
            device,
            self._arriving,
            samples,
            backbone.patch,
            composite_of_good(bundle, source),
            **optics_of(source),
            dtype=source.dtype,
            rows=batch * backbone.rows,
        )
        self._faults, self._bands = Faults(source, backbone.patch), int(np.count_nonzero(source.read_bands))
        self._lines = batch * lines
        self._shown = Exchange(device, (self._lines,), np.int32)
        self._shown.host[:] = ARRIVED
        self._first = Exchange(device, (1,), np.int32)
        self._first.host[:] = 0
        for part in (self._shown, self._first):
            part.send(self._arriving)
        self._arriving.wait()
        self._maps = DeviceMaps(engine, device, engine.queue, self._ingest, shown, with_cube)
        rows = np.arange(batch * backbone.rows).reshape(batch, backbone.rows)
        self._maps.places[:] = np.concatenate([np.zeros((batch, 1), int), rows, rows], axis=1)
        self._counts: NDArray[np.int32]
        self._counts, _ = device.pinned((batch, bundle.patches, 5), np.int32)
        shape = self._lines, bundle.bands, self._ingest.pitch
        self._stages = [Exchange(device, shape, source.dtype) for _ in range(2)]
        self._passes = [
            Replayed(engine.queue, partial(self._enqueue, stage), engine.capturable) for stage in self._stages
        ]
        self._sent: deque[Mark] = deque()
        self._next = self._read = 0

    def stage(self) -> NDArray[Any]:
        """Where the next cubes are to be written, [B, H, C, W], line by line as cameras send them.

        Raises:
            RuntimeError: two batches are on their way already; read one first.
        """
        if len(self._sent) == len(self._stages):
            raise RuntimeError("two batches are on their way; read() one before the next is written")
        host = self._stages[self._next % 2].host
        lines, samples = self._engine.bundle.window
        by_cube: NDArray[Any] = host.reshape(self._engine.batch, lines, *host.shape[1:])[..., :samples]
        return by_cube

    def send(self) -> None:
        """Starts the upload of what was written."""
        self._engine.device.use()
        self._stages[self._next % 2].send(self._arriving)
        self._sent.append(self._arriving.mark())
        self._next += 1

    def read(self) -> list[Reading]:
        """Explains the oldest batch that was sent.

        Raises:
            IndexError: none was.
        """
        queue = self._engine.queue
        self._engine.device.use()
        queue.after(self._sent[0])
        self._passes[self._read % 2]()
        queue.wait()
        self._sent.popleft()
        self._read += 1
        first = (self._read - 1) * self._engine.batch
        return self._maps.readings([self._window(first + index, counts) for index, counts in enumerate(self._counts)])

    def _enqueue(self, raw: Exchange) -> None:
        queue = self._engine.queue
        self._ingest.enqueue(queue, raw.array, self._shown.array, self._lines, self._first.array)
        self._maps.enqueue()
        queue.download(self._counts.reshape(-1, self._counts.shape[2]), self._ingest.rows.counts)

    def _window(self, index: int, counts: NDArray[np.int32]) -> Window:
        lines, _ = self._engine.bundle.window
        quality = Quality(counts.copy(), self._ingest.full)
        samples = self._bands * lines * self._ingest.samples
        counts = self._faults.of_rows(quality, self._engine.bundle.backbone.patch, 0)
        faults = tuple((counts.sum(axis=0) / samples).tolist())
        return Window(index, 0, 0, 0, 0, quality.valid_share, faults, lines, index * lines, Times(None, None))
