"""Picks the engine for a file, by what the file is and what is installed."""

from __future__ import annotations

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from focus.kernels.cuda import ARCHITECTURES, DeviceError, gpu_facts
from focus.runtime._errors import BundleError
from focus.runtime.engines._contract import Engine
from focus.runtime.engines._onnxruntime import OnnxRuntimeEngine
from focus.runtime.engines._openvino import OpenVinoEngine
from focus.runtime.engines._ort_cuda import OrtCudaEngine, has_cuda_provider
from focus.runtime.engines._tensorrt import TensorRTEngine

#: Of a ``.onnx``, and of a plan.
Backend = Literal["openvino", "onnxruntime", "onnxruntime-cuda", "tensorrt"]
BACKENDS: tuple[str, ...] = get_args(Backend)


def default_model() -> Path:
    """The trained model that the package ships: leaves, 204 bands, 400-1000 nm."""
    return Path(str(files("focus.runtime") / "models" / "leaf-vnir.onnx"))


def engine_from_path(
    path: Path | str | None = None, threads: int | None = None, *, backend: str | None = None, batch: int = 1
) -> Engine:
    """Opens a model file, or the shipped model.

    Args:
        path: a ``.onnx`` from focus-export, or a plan from focus-build; None takes the shipped model.
        threads: threads within one pass on the CPU; None takes the cores this process may use.
        backend: one of ``BACKENDS``; None takes TensorRT for a plan, and for a ``.onnx`` the GPU where ONNX Runtime has
            its CUDA provider and there is one, else OpenVINO where it is installed, else ONNX Runtime.
        batch: windows that will be read at once.
    Raises:
        BundleError: the file is missing, damaged, not ours, or of a kind that the backend does not run.
        ValueError: an unknown backend.
        ModuleNotFoundError: a backend that is not installed.
    """
    file = default_model() if path is None else Path(path)
    if backend is not None and backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r}; there are {', '.join(BACKENDS)}")
    if is_plan(file):
        if backend not in (None, "tensorrt"):
            raise BundleError(
                f"{file} is a TensorRT plan, which {backend} does not run; give the .onnx it was built from"
            )
        return TensorRTEngine(file, batch)
    if backend == "tensorrt":
        raise BundleError(
            f"{file} is no plan; focus-build --onnx {file} --engine {file.with_suffix('.plan')} makes one"
        )
    if backend == "onnxruntime-cuda" or (backend is None and has_cuda_provider() and _gpu_is_there()):
        return OrtCudaEngine(file, batch)
    if backend == "openvino" or (backend is None and find_spec("openvino") is not None):
        return OpenVinoEngine(file, threads, batch=batch)
    return OnnxRuntimeEngine(file, threads)


def _gpu_is_there() -> bool:
    """Whether there is a GPU that the kernels are made for."""
    try:
        return gpu_facts().architecture >= ARCHITECTURES[0]
    except DeviceError:
        return False


def is_plan(file: Path) -> bool:
    """Whether a file is a plan: by the sidecar beside it, or by its name where that is missing."""
    return file.with_name(f"{file.name}.json").is_file() or file.suffix in {".plan", ".engine", ".trt"}
