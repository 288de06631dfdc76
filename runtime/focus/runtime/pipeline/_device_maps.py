"""Windows of rows on a GPU -> scores and maps: cut out, read and explained without the host, as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from focus.kernels.cuda import (
    Device,
    DeviceError,
    DeviceIngest,
    DeviceSaliency,
    DeviceWindow,
    Exchange,
    Inputs,
    Maps,
    Queue,
)
from focus.runtime.engines import DeviceEngine
from focus.runtime.pipeline._data import Reading, Window
from focus.runtime.pipeline._read import scores_from_logits


class DeviceMaps:
    """Reads batches of windows. Only maps, scores and three figures come back to the host, never attention.

    Args:
        engine: entered.
        device: holds what is needed beside the engine.
        queue: the engine's, on that device.
        ingest: gives the rows.
        shown: index of the class whose maps are wanted; None takes each window's predicted one.
        with_cube: whether T is wanted.

    Attributes:
        places: int32 [B, n] on the host, to be filled before ``enqueue``; see ``DeviceWindow.enqueue``.
    """

    def __init__(
        self,
        engine: DeviceEngine,
        device: Device,
        queue: Queue,
        ingest: DeviceIngest,
        shown: int | None,
        with_cube: bool,
    ) -> None:
        bundle, batch = engine.bundle, engine.batch
        backbone = bundle.backbone
        self._engine, self._queue, self._shown, self.batch = engine, queue, shown, batch
        self._window = DeviceWindow(
            device,
            queue,
            ingest,
            np.array(bundle.mean),
            np.array(bundle.deviation),
            bundle.reference,
            np.array(backbone.composite_mean),
            np.array(backbone.composite_deviation),
            bundle.brightness,
            (backbone.rows, backbone.columns),
        )
        self._saliency = DeviceSaliency(device, queue, bundle.band_weight, bundle.group_share)
        contrast = device.empty((batch, bundle.patches, bundle.bands), np.float32)
        self._inputs = Inputs(engine.band_means, engine.composite, contrast)
        sizes: dict[str, tuple[int, ...]] = {
            "heatmap": (batch, bundle.patches),
            "curve": (batch, bundle.bands),
            "figures": (batch, 3),
            **({"cube": (batch, bundle.bands, bundle.patches)} if with_cube else {}),
        }
        self._found = {name: Exchange(device, size, np.float32) for name, size in sizes.items()}
        heatmap, curve, figures = (self._found[name].array for name in ("heatmap", "curve", "figures"))
        self._maps = Maps(heatmap, curve, figures, self._found["cube"].array if with_cube else None)
        self._logits, _ = device.pinned(engine.said.logits.shape, engine.said.logits.dtype)
        self._places = Exchange(device, (batch, self._window.places), np.int32)
        self.places: NDArray[np.int32] = self._places.host
        self.places[:] = 0

    def enqueue(self) -> None:
        """From the places to the maps."""
        queue, said = self._queue, self._engine.said
        self._places.send(queue)
        self._window.enqueue(queue, self._places.array, self.batch, self._inputs)
        self._engine.enqueue()
        self._saliency.enqueue(queue, said, self._inputs.contrast, self._maps, self.batch, self._shown)
        for exchange in self._found.values():
            exchange.fetch(queue)
        queue.download(self._logits, said.logits)

    def readings(self, windows: Sequence[Window]) -> list[Reading]:
        """What came back for the first windows of the batch, after the queue was waited for."""
        return [self._reading(index, window) for index, window in enumerate(windows)]

    def _reading(self, index: int, window: Window) -> Reading:
        bundle = self._engine.bundle
        scores = scores_from_logits(self._logits[index].astype(np.float32), bundle)
        found = {name: exchange.host[index].copy() for name, exchange in self._found.items()}
        shown, sink_mass, collapse = found["figures"].tolist()
        return Reading(
            window,
            scores,
            int(np.argmax(scores)) if bundle.task == "classification" else None,
            int(shown),
            found["heatmap"],
            found["curve"],
            found.get("cube"),
            sink_mass,
            collapse,
        )


class Replayed:
    """Enqueues the same work again and again: the first time step by step, then as a recorded graph.

    Args:
        queue: where.
        work: what enqueues it.
        capturable: whether it may be recorded.
    """

    def __init__(self, queue: Queue, work: Callable[[], None], capturable: bool) -> None:
        self._queue, self._work, self._capturable = queue, work, capturable
        self._runs = 0

    def __call__(self) -> None:
        """Enqueues it."""
        if self._runs == 1 and self._capturable:
            with suppress(DeviceError):  # a plan that cannot be recorded runs step by step all the same
                self._work = self._queue.captured(self._work)
        self._work()
        self._runs += 1
