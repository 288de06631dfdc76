"""Picks the engine for a file, by what the file is."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from focus.runtime._errors import BundleError
from focus.runtime.engines._contract import Engine
from focus.runtime.engines._onnxruntime import OnnxRuntimeEngine


def default_model() -> Path:
    """The trained model that the package ships: leaves, 204 bands, 400-1000 nm."""
    return Path(str(files("focus.runtime") / "models" / "leaf-vnir.onnx"))


def engine_from_path(path: Path | str | None = None, threads: int | None = None) -> Engine:
    """Opens a model file, or the shipped model.

    Args:
        path: a ``.onnx`` from focus-export; None takes the shipped model.
        threads: threads within one pass; None takes the cores this process may use.
    Raises:
        BundleError: the file is missing, damaged, not ours, or of a kind that no engine here runs.
    """
    file = default_model() if path is None else Path(path)
    if file.suffix in {".plan", ".engine"}:
        raise BundleError(
            f"{file} looks like a TensorRT plan, which this version does not run; give the .onnx it was built from"
        )
    return OnnxRuntimeEngine(file, threads)
