"""Picks the engine for a file, by what the file is and what is installed."""

from __future__ import annotations

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from focus.runtime._errors import BundleError
from focus.runtime.engines._contract import Engine
from focus.runtime.engines._onnxruntime import OnnxRuntimeEngine
from focus.runtime.engines._openvino import OpenVinoEngine

Backend = Literal["openvino", "onnxruntime"]
BACKENDS: tuple[str, ...] = get_args(Backend)


def default_model() -> Path:
    """The trained model that the package ships: leaves, 204 bands, 400-1000 nm."""
    return Path(str(files("focus.runtime") / "models" / "leaf-vnir.onnx"))


def engine_from_path(
    path: Path | str | None = None, threads: int | None = None, *, backend: str | None = None, batch: int = 1
) -> Engine:
    """Opens a model file, or the shipped model.

    Args:
        path: a ``.onnx`` from focus-export; None takes the shipped model.
        threads: threads within one pass; None takes the cores this process may use.
        backend: one of ``BACKENDS``; None takes OpenVINO where it is installed, ONNX Runtime elsewhere.
        batch: windows that will be read at once.
    Raises:
        BundleError: the file is missing, damaged, not ours, or of a kind that no engine here runs.
        ValueError: an unknown backend.
        ModuleNotFoundError: a backend that is not installed.
    """
    file = default_model() if path is None else Path(path)
    if file.suffix in {".plan", ".engine"}:
        raise BundleError(
            f"{file} looks like a TensorRT plan, which this version does not run; give the .onnx it was built from"
        )
    if backend is not None and backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r}; there are {', '.join(BACKENDS)}")
    if backend == "openvino" or (backend is None and find_spec("openvino") is not None):
        return OpenVinoEngine(file, threads, batch=batch)
    return OnnxRuntimeEngine(file, threads)
