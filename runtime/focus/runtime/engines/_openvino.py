"""OpenVINO on the CPU: several times faster than ONNX Runtime where the processor computes bfloat16."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from focus.runtime._errors import BundleError
from focus.runtime._processor import has_bf16, usable_cores
from focus.runtime.engines._cache import cache_folder
from focus.runtime.engines._contract import Outputs
from focus.runtime.engines._onnx_file import read_model_file
from focus.runtime.engines._shapes import CLOSED, require_shapes

if TYPE_CHECKING:
    import openvino as ov


class OpenVinoEngine:
    """Runs an exported ``focus.onnx`` on the CPU.

    Entering compiles the model, or loads what an earlier run compiled, and runs it once: the first window then costs
    what every window costs.

    Args:
        path: the ONNX file.
        threads: threads within one pass; None takes the cores this process may use.
        precision: what FP32 models compute in; None takes bf16 where the processor has it, never emulated.
        batch: windows of a pass, for the warm-up; other numbers work too.
    Raises:
        BundleError: no ONNX file, not ours, or damaged.
    """

    name = "openvino"

    def __init__(
        self,
        path: Path | str,
        threads: int | None = None,
        *,
        precision: Literal["fp32", "bf16"] | None = None,
        batch: int = 1,
    ) -> None:
        self.file = read_model_file(Path(path))
        self.bundle = self.file.bundle
        self.precision: str = "int8" if self.bundle.precision == "int8" else precision or best_precision()
        self._threads, self._batch = threads or usable_cores(), batch
        self._request: ov.InferRequest | None = None

    def __enter__(self) -> Self:
        model = self._compiled()
        self._dtype = model.input("band_means").get_element_type().to_dtype()
        self._request = model.create_infer_request()
        bundle = self.bundle
        self.infer(
            np.zeros((self._batch, bundle.patches, bundle.bands), np.float32),
            np.zeros((self._batch, 3, *bundle.window), np.float32),
        )
        return self

    def _compiled(self) -> ov.CompiledModel:
        import openvino as ov  # comes with an extra

        core, path = ov.Core(), self.file.path
        config = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": self._threads,
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision in ("bf16", "int8") and has_bf16() else "f32",
        }
        cache = cache_folder("openvino", self.file.sha256)
        try:
            if cache is not None:
                kept = _with_half_weights(core, path, cache) if self.precision == "bf16" else path
                return core.compile_model(str(kept), "CPU", {**config, "CACHE_DIR": str(cache)})
        except (RuntimeError, OSError):
            shutil.rmtree(cache or "", ignore_errors=True)  # full disk, or cut off when the machine went down
        try:
            return core.compile_model(str(path), "CPU", config)
        except RuntimeError as error:
            raise BundleError(
                f"OpenVINO cannot run {path} ({_last_line(error)}); export it again, or use --backend onnxruntime"
            ) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._request = None

    def infer(self, band_means: NDArray[np.float32], composite: NDArray[np.float32]) -> Outputs:
        """See ``Engine.infer``."""
        if self._request is None:
            raise RuntimeError(CLOSED)
        require_shapes(self.bundle, band_means, composite)
        given = {"band_means": band_means, "composite": composite}
        tensors = {name: np.ascontiguousarray(values, self._dtype) for name, values in given.items()}
        found = self._request.infer(tensors, share_inputs=True)
        return Outputs(*(np.array(found[name], np.float32) for name in Outputs._fields))


def best_precision() -> Literal["fp32", "bf16"]:
    """What FP32 models are computed in here."""
    return "bf16" if has_bf16() else "fp32"


def _with_half_weights(core: ov.Core, path: Path, cache: Path) -> Path:
    """The model with its weights in FP16, made once: bf16 keeps fewer digits of them, and half the memory will do.

    Raises:
        RuntimeError: it cannot be read or written.
        OSError: it cannot be moved into place.
    """
    import openvino as ov

    kept = cache / "half" / "model.xml"
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            ov.save_model(core.read_model(str(path)), Path(folder) / "half" / "model.xml", compress_to_fp16=True)
            with contextlib.suppress(FileExistsError):  # another process was quicker
                (Path(folder) / "half").rename(kept.parent)
    return kept


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1][:200]
