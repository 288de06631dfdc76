"""Imports one library and says what it is; ``_child.look`` runs this in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from focus.runtime.doctor._child import tell


def main(name: str) -> None:
    """Tells the version of one of ``LOOKS``, and what else matters of it."""
    tell(LOOKS[name])


def _onnxruntime() -> dict[str, Any]:
    module = import_module("onnxruntime")
    return {"version": module.__version__, "details": module.get_available_providers()}


def _openvino() -> dict[str, Any]:
    module = import_module("openvino")
    return {"version": module.__version__.partition("-")[0], "details": module.Core().available_devices}


def _tensorrt() -> dict[str, Any]:
    module = import_module("tensorrt")
    return {"version": module.__version__, "details": []}


def _cuda_bindings() -> dict[str, Any]:
    import_module("cuda.bindings.driver")
    return {"version": import_module("cuda.bindings").__version__, "details": []}


def _nvrtc() -> dict[str, Any]:
    status, major, minor = import_module("cuda.bindings.nvrtc").nvrtcVersion()
    if int(status) != 0:
        raise RuntimeError(f"nvrtcVersion gives {status}")
    return {"version": f"{major}.{minor}", "details": []}


LOOKS: dict[str, Callable[[], dict[str, Any]]] = {
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
    "tensorrt": _tensorrt,
    "cuda-bindings": _cuda_bindings,
    "nvrtc": _nvrtc,
}
