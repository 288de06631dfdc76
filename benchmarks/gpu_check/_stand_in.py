"""torch behind the engine's contract: what the way from raw to maps costs on a GPU without TensorRT. It is no engine of
FOCUS, and every row says so.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from focus.exporter.export import ReadingGraph, folded
from focus.exporter.model import FocusNet
from focus.kernels.cuda import DeviceArray
from focus.runtime import Bundle
from focus.runtime.engines import DeviceEngine, ModelFile

#: The form of the graph with attention as one operation, which torch runs as one kernel.
OPSET = 23


class TorchStandIn(DeviceEngine):
    """Runs the folded network in half precision with torch, on the engine's own buffers and stream.

    Args:
        net: float32, on the CPU; stays as it is.
        bundle: its facts.
        batch, gpu, stream: see ``DeviceEngine``.
    """

    name = "torch"
    capturable = True

    def __init__(
        self, net: FocusNet, bundle: Bundle, batch: int = 1, *, gpu: int = 0, stream: int | None = None
    ) -> None:
        super().__init__(ModelFile(Path("torch"), bundle, ""), batch, gpu=gpu, stream=stream)
        self.precision = "fp16"
        # torch's norms compute in float32 inside; the casts around them that a file has would be kernels of their own.
        self._graph: Any = ReadingGraph(folded(net, OPSET).half(), bundle.reading.heads)
        self._given: list[Tensor] = []
        self._said: list[Tensor] = []

    def place(self) -> torch.device:
        """Where torch computes."""
        return torch.device("cuda", self._gpu)

    def load(self) -> np.dtype[np.floating]:
        """See ``DeviceEngine.load``."""
        self._graph = self._graph.to(self.place())
        if self.place().type == "cuda":
            torch.cuda.synchronize(self.place())  # the engine's queue does not wait for torch's own stream
        return np.dtype(np.float16)

    def bind(self) -> None:
        """See ``DeviceEngine.bind``."""
        self._given = [self.tensor_of(array) for array in (self.band_means, self.composite)]
        self._said = [self.tensor_of(getattr(self.said, name)) for name in ReadingGraph.names]

    def tensor_of(self, array: DeviceArray) -> Tensor:
        """A tensor over a buffer's memory."""
        return torch.as_tensor(_Interface(array), device=self.place())

    def on_queue(self) -> AbstractContextManager[Any]:
        """Work of torch goes to the engine's queue. Recorded graphs use memory that torch keeps for this stream once
        the passes before have taken it; nothing else runs on the stream, and nothing may empty torch's cache.
        """
        found: AbstractContextManager[Any] = torch.cuda.stream(
            torch.cuda.ExternalStream(self.queue.handle, device=self.place())
        )
        return found

    def enqueue(self) -> None:
        """See ``DeviceEngine.enqueue``."""
        with self.on_queue(), torch.inference_mode():
            for target, value in zip(self._said, self._graph(*self._given), strict=True):
                target.copy_(value)

    def unload(self) -> None:
        """See ``DeviceEngine.unload``."""
        self._given, self._said = [], []


class _Interface:
    """What torch asks of memory that is not its own."""

    def __init__(self, array: DeviceArray) -> None:
        self.__cuda_array_interface__ = {
            "shape": array.shape,
            "typestr": array.dtype.str,
            "data": (array.address, False),
            "strides": None,
            "version": 3,
        }
