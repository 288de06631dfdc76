"""ONNX Runtime on the CPU: the default engine, and the one the others are compared with."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from focus.runtime._errors import BundleError
from focus.runtime._processor import usable_cores
from focus.runtime.engines._batches import in_batches
from focus.runtime.engines._contract import Outputs
from focus.runtime.engines._onnx_file import read_model_file
from focus.runtime.engines._shapes import CLOSED, require_shapes


class OnnxRuntimeEngine:
    """Runs an exported ``focus.onnx`` on the CPU.

    Args:
        path: the ONNX file.
        threads: threads within one pass; None takes the cores this process may use.
    Raises:
        BundleError: no ONNX file, not ours, or damaged.
    """

    name = "onnxruntime"

    def __init__(self, path: Path | str, threads: int | None = None) -> None:
        import onnxruntime as ort  # engines of a GPU need not have it

        self.file = read_model_file(Path(path))
        self.bundle = self.file.bundle
        self.precision: str = self.bundle.precision
        self._options = ort.SessionOptions()
        self._options.intra_op_num_threads = threads or usable_cores()
        self._options.log_severity_level = 3
        self._session: Any = None

    def __enter__(self) -> Self:
        import onnxruntime as ort

        path = self.file.path
        try:
            self._session = ort.InferenceSession(str(path), self._options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises a class of its own for each status
            if not type(error).__module__.startswith("onnxruntime"):
                raise
            raise BundleError(
                f"{path} is not a readable ONNX model ({_first_line(error)}); copy or export it again"
            ) from None
        put = next(put for put in self._session.get_inputs() if put.name == "band_means")
        self._dtype = np.float16 if put.type == "tensor(float16)" else np.float32
        self._batch = put.shape[0] if isinstance(put.shape[0], int) else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None

    def infer(self, band_means: NDArray[np.float32], composite: NDArray[np.float32]) -> Outputs:
        """See ``Engine.infer``."""
        if self._session is None:
            raise RuntimeError(CLOSED)
        require_shapes(self.bundle, band_means, composite)
        return in_batches(self._pass, self._batch, self._dtype, band_means, composite)

    def _pass(self, band_means: NDArray[Any], composite: NDArray[Any]) -> list[NDArray[np.float32]]:
        found: list[NDArray[np.float32]] = self._session.run(
            list(Outputs._fields), {"band_means": band_means, "composite": composite}
        )
        return found


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
