"""Engines of a GPU on a GPU that the host plays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from focus.kernels.cuda import CudaDevice
from focus.runtime.engines import OrtCudaEngine
from support.host_driver import HostDriver, host_device


class HostOrt(OrtCudaEngine):
    """ONNX Runtime with its CPU provider, on the memory of the played GPU."""

    PROVIDER, PLACE = "CPUExecutionProvider", "cpu"

    def provider(self):
        return self.PROVIDER, {}


@contextmanager
def played_gpu(driver: HostDriver | None = None) -> Iterator[HostDriver]:
    """Engines of a GPU run on this one; ``onnxruntime-cuda`` is there."""
    driver = driver or HostDriver()

    def device(index: int, *, stream: int | None, cache: object) -> CudaDevice:
        return host_device(driver, stream=stream)[0]

    with (
        patch("focus.runtime.engines._device.CudaDevice", device),
        patch("focus.runtime.engines._open.OrtCudaEngine", HostOrt),
    ):
        yield driver
