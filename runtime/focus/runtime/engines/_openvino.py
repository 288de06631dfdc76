"""OpenVINO on the CPU: several times faster than ONNX Runtime where the processor computes bfloat16."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from focus.runtime._errors import BundleError
from focus.runtime._files import file_sha256
from focus.runtime._processor import has_bf16, usable_cores
from focus.runtime.engines._batches import in_batches
from focus.runtime.engines._cache import cache_folder
from focus.runtime.engines._contract import Outputs
from focus.runtime.engines._onnx_file import INPUTS, ModelFile, read_model_file
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
        batch: windows of a pass; fewer are filled up, more take several passes.
    Raises:
        BundleError: no ONNX file, not ours, or damaged.
        ValueError: bf16 on a processor without it.
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
        if precision == "bf16" and not has_bf16():
            raise ValueError("this processor does not compute bf16 itself, and emulating it is slow; use fp32")
        self.file = read_model_file(Path(path))
        self.bundle = self.file.bundle
        self.precision: str = "int8" if self.bundle.precision == "int8" else precision or best_precision()
        self._threads, self._batch = threads or usable_cores(), batch
        self._request: ov.InferRequest | None = None

    def __enter__(self) -> Self:
        model = self._compiled()
        given = model.input("band_means")
        self._dtype, self._batch = given.get_element_type().to_dtype(), int(given.get_shape()[0])
        self._request = model.create_infer_request()
        bundle = self.bundle
        self.infer(
            np.zeros((1, bundle.patches, bundle.bands), np.float32), np.zeros((1, 3, *bundle.window), np.float32)
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
                kept = _kept_model(core, self.file, cache, self._batch, self.precision == "bf16")
                return core.compile_model(str(kept), "CPU", {**config, "CACHE_DIR": str(cache)})
        except (RuntimeError, OSError):
            shutil.rmtree(cache or "", ignore_errors=True)  # full disk, or cut off when the machine went down
        try:
            return core.compile_model(_of_batch(core, path, self._batch), "CPU", config)
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
        return in_batches(self._pass, self._batch, self._dtype, band_means, composite)

    def _pass(self, band_means: NDArray[Any], composite: NDArray[Any]) -> list[NDArray[np.float32]]:
        if self._request is None:
            raise RuntimeError(CLOSED)
        found = self._request.infer(dict(zip(INPUTS, (band_means, composite), strict=True)), share_inputs=True)
        return [np.array(found[name], np.float32) for name in Outputs._fields]  # the next pass writes over its own


def best_precision() -> Literal["fp32", "bf16"]:
    """What FP32 models are computed in here."""
    return "bf16" if has_bf16() else "fp32"


def _of_batch(core: ov.Core, path: Path, batch: int) -> ov.Model:
    """The model for passes of this many windows, unless it was exported for a number of its own. With a fixed batch
    OpenVINO fuses the additions into what comes before.

    Raises:
        RuntimeError: it cannot be read.
    """
    model = core.read_model(str(path))
    shapes = {name: model.input(name).get_partial_shape() for name in INPUTS}
    if all(shape[0].is_dynamic for shape in shapes.values()):
        model.reshape({name: [batch, *list(shape)[1:]] for name, shape in shapes.items()})
    return model


def _kept_model(core: ov.Core, file: ModelFile, cache: Path, batch: int, half: bool) -> Path:
    """The same in OpenVINO's own files, made once, which a later start maps into memory instead of reading them.

    Args:
        half: with weights in FP16. bf16 keeps fewer digits of them, and half the memory will do.
    Raises:
        BundleError: the file is not the one that was opened.
        RuntimeError: it cannot be read or written.
        OSError: it cannot be moved into place.
    """
    import openvino as ov

    kept = cache / f"{'half' if half else 'full'}-{batch}" / "model.xml"
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            made = Path(folder) / kept.parent.name
            ov.save_model(_of_batch(core, file.path, batch), made / kept.name, compress_to_fp16=half)
            # The folder is named after what the file held when it was opened, and must never hold anything else.
            if file_sha256(file.path) != file.sha256:
                raise BundleError(f"{file.path} has changed since it was opened; open it again")
            try:
                made.rename(kept.parent)
            except OSError:
                if not kept.exists():  # else another process was quicker
                    raise
    return kept


def _last_line(error: Exception) -> str:
    return str(error).strip().rpartition("\n")[2][:200]
