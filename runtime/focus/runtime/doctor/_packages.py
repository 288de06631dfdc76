"""Libraries: which are there, in which version, and whether those that matter load."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple

from focus.runtime.doctor._child import look

State = Literal["loads", "installed", "broken", "absent"]


class Library(NamedTuple):
    """A library to look for.

    Attributes:
        name: how it is called here.
        module: top-level module that it brings.
        distributions: names under which package managers know it.
        loaded: whether it is loaded to see if it works; others are too slow for that, or have nothing that breaks.
    """

    name: str
    module: str
    distributions: tuple[str, ...]
    loaded: bool = False


LIBRARIES = (
    Library("onnxruntime", "onnxruntime", ("onnxruntime", "onnxruntime-gpu"), loaded=True),
    Library("openvino", "openvino", ("openvino",), loaded=True),
    Library("tensorrt", "tensorrt", ("tensorrt", "tensorrt-cu13", "tensorrt-cu12"), loaded=True),
    Library("cuda-bindings", "cuda", ("cuda-bindings",), loaded=True),
    Library("nvrtc", "cuda", ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12"), loaded=True),
    Library("nncf", "nncf", ("nncf",)),
    Library("onnx", "onnx", ("onnx",)),
    Library("torch", "torch", ("torch",)),
    Library("timm", "timm", ("timm",)),
    Library("lightning-fabric", "lightning_fabric", ("lightning-fabric",)),
    Library("starlette", "starlette", ("starlette",)),
    Library("uvicorn", "uvicorn", ("uvicorn",)),
    Library("prometheus-client", "prometheus_client", ("prometheus-client",)),
    Library("pynmeagps", "pynmeagps", ("pynmeagps",)),
    Library("pyserial", "serial", ("pyserial",)),
    Library("ray", "ray", ("ray",)),
    Library("zarr", "zarr", ("zarr",)),
    Library("linuxpy", "linuxpy", ("linuxpy",)),
    Library("harvesters", "harvesters", ("harvesters",)),
)


@dataclass(frozen=True)
class PackageFacts:
    """One library.

    Attributes:
        name: of the library.
        state: ``loads``; ``installed`` where loading was not tried; ``broken`` where it fails; ``absent``.
        version: None where it is not known.
        details: execution providers of ONNX Runtime, devices of OpenVINO.
        reason: why it does not load.
    """

    name: str
    state: State = "absent"
    version: str | None = None
    details: tuple[str, ...] = ()
    reason: str | None = None


def package_facts(look_into: Callable[[str, str], dict[str, Any]] = look) -> tuple[PackageFacts, ...]:
    """Looks for all of ``LIBRARIES``, several at a time."""
    with ThreadPoolExecutor(len(LIBRARIES)) as pool:
        return tuple(pool.map(lambda library: _package(library, look_into), LIBRARIES))


def _package(library: Library, look_into: Callable[[str, str], dict[str, Any]]) -> PackageFacts:
    versions = {name: _version(name) for name in library.distributions}
    installed = {name: number for name, number in versions.items() if number is not None}
    number = next(iter(installed.values()), None)
    if not library.loaded:
        return PackageFacts(library.name, "absent" if number is None else "installed", number)
    if not _has_module(library.module):
        if number is None:
            return PackageFacts(library.name)
        return PackageFacts(library.name, "broken", number, reason=f"its module {library.module} is missing")
    found = look_into("_imports", library.name)
    error = found.get("error")
    if error is None:
        return PackageFacts(library.name, "loads", found["version"], tuple(found["details"]), _clash(installed))
    if number is None and (library.module == "cuda" or "No module named" in error):
        # "cuda" is a namespace of many packages, so that it is there says little.
        return PackageFacts(library.name)
    return PackageFacts(library.name, "broken", number, reason=error)


def _clash(installed: dict[str, str]) -> str | None:
    if {"onnxruntime", "onnxruntime-gpu"} <= installed.keys():
        return "onnxruntime and onnxruntime-gpu are both installed and overwrite each other's files"
    return None


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _has_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
