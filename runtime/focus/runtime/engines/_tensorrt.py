"""TensorRT: plans from focus-build."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from focus.kernels.cuda import DeviceArray, DeviceError
from focus.runtime._errors import BundleError
from focus.runtime.engines._device import DeviceEngine
from focus.runtime.engines._onnx_file import INPUTS, ModelFile


class TensorRTEngine(DeviceEngine):
    """Runs a plan on the GPU that it was built for; what does not fit is told by the sidecar, before TensorRT sees it.

    Args:
        path: the plan; ``focus.plan.json`` lies beside it.
        batch: windows of a pass, as many as the plan was built for.
        gpu: which GPU.
        stream: see ``DeviceEngine``.
    Raises:
        BundleError: no plan, no sidecar, or one that is damaged.
        ValueError: the plan was not built for such a batch.
    """

    name = "tensorrt"
    capturable = True

    def __init__(self, path: Path | str, batch: int = 1, *, gpu: int = 0, stream: int | None = None) -> None:
        from focus.runtime.tensorrt import read_sidecar

        plan = Path(path)
        if not plan.is_file():
            raise BundleError(f"no plan {plan}; build one with focus-build --onnx FOCUS.onnx --engine {plan}")
        self._facts = facts = read_sidecar(plan)
        if batch > facts.batch.most:
            raise ValueError(
                f"{plan} reads at most {facts.batch.most} windows at once, --batch asks for {batch}; "
                f"{facts.rebuild} --batch 1,{batch},{batch} builds one that does, of an "
                "ONNX file that was exported without --batch"
            )
        super().__init__(
            ModelFile(plan, facts.bundle, facts.plan_sha256), max(batch, facts.batch.least), gpu=gpu, stream=stream
        )
        self.precision = facts.precision
        self._engine: Any = None
        self._context: Any = None

    def load(self) -> np.dtype[np.floating]:
        """See ``DeviceEngine.load``."""
        import tensorrt as trt

        from focus.runtime.tensorrt import require_fits

        content = self.path.read_bytes()
        capability = ".".join(map(str, divmod(self.device.architecture, 10)))
        digest = hashlib.sha256(content).hexdigest()
        require_fits(self._facts, digest, trt.__version__, self.device.name, capability)
        return self._loaded(trt, content)

    def _loaded(self, trt: ModuleType, content: bytes) -> np.dtype[np.floating]:
        from focus.runtime.tensorrt._logger import build_logger, reason

        self._logger = build_logger(trt)
        self._runtime = trt.Runtime(self._logger)
        self._runtime.engine_host_code_allowed = self._facts.version_compatible
        again = f"build it again here: {self._facts.rebuild}"
        self._engine = self._runtime.deserialize_cuda_engine(content)
        if self._engine is None:
            raise BundleError(f"TensorRT {trt.__version__} does not load {self.path} ({reason(self._logger)}); {again}")
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise DeviceError(
                f"{self.device.name} has no room for {self.path} ({reason(self._logger)}); close what else runs on it"
            )
        names = {self._engine.get_tensor_name(index) for index in range(self._engine.num_io_tensors)}
        expected = {*INPUTS, "attention", "sink_mass", "logits"}
        kinds = {self._engine.get_tensor_dtype(name) for name in names}
        if names != expected or len(kinds) != 1 or not kinds <= {trt.DataType.FLOAT, trt.DataType.HALF}:
            raise BundleError(
                f"{self.path} has the tensors {', '.join(sorted(names))} of {len(kinds)} types, an engine needs "
                f"{', '.join(sorted(expected))}, all FP16 or all FP32; export the model again with focus-export"
            )
        kind: np.dtype[np.floating] = np.dtype(trt.nptype(kinds.pop()))
        return kind

    def bind(self) -> None:
        """See ``DeviceEngine.bind``."""
        inputs = {"band_means": self.band_means, "composite": self.composite}
        for name, array in inputs.items():
            if not self._context.set_input_shape(name, array.shape):
                raise BundleError(f"{self.path} does not take {name} of {list(array.shape)}; {self._facts.rebuild}")
        for name, array in {**inputs, **self.said._asdict()}.items():
            self._bound(name, array)

    def _bound(self, name: str, array: DeviceArray) -> None:
        if not self._context.set_tensor_address(name, array.address):
            raise BundleError(f"{self.path} has no tensor {name}; {self._facts.rebuild}")

    def enqueue(self) -> None:
        """See ``DeviceEngine.enqueue``."""
        from focus.runtime.tensorrt._logger import reason

        if not self._context.execute_async_v3(self.queue.handle):
            raise DeviceError(f"TensorRT does not run {self.path} ({reason(self._logger, -1)})")

    def unload(self) -> None:
        """See ``DeviceEngine.unload``."""
        self._context = self._engine = self._runtime = None
