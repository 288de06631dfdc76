"""The verdict: what of FOCUS will work on a machine with these facts."""

from __future__ import annotations

from focus.runtime.doctor._camera_abilities import camera_abilities
from focus.runtime.doctor._gpu_abilities import gpu_abilities
from focus.runtime.doctor._packages import PackageFacts
from focus.runtime.doctor._report import Ability, Facts

#: What each extra of this package is looked for by.
TRAINING = ("torch", "timm", "onnx", "lightning-fabric")
QUANTISING = ("nncf", "onnx")
SERVING = ("starlette", "uvicorn", "prometheus-client")
POSITIONS = ("pynmeagps", "pyserial")
ARCHIVES = ("ray", "zarr")


def abilities_of(facts: Facts) -> tuple[Ability, ...]:
    """All abilities, those on the processor first."""
    return (
        _onnxruntime(facts),
        _openvino(facts),
        *gpu_abilities(facts),
        _extra(facts, "quantise", "make INT8 models (focus-calib quantize)", "quantize", QUANTISING),
        _extra(facts, "train", "train and export models (focus-train, focus-export)", "export", TRAINING),
        _extra(facts, "live-page", "show a run while it goes on (focus-run --serve)", "serve", SERVING),
        _extra(facts, "positions", "say where each line was taken (focus-run --gps)", "gps", POSITIONS),
        _extra(facts, "archives", "map archives of cubes (focus-map; Python 3.11 or newer)", "archive", ARCHIVES),
        *camera_abilities(facts),
    )


def install(extra: str) -> str:
    """The command that installs an extra."""
    return f'pip install "focus-hsi[{extra}]"'


def said(package: PackageFacts) -> str:
    """A library's name, version and state in a few words."""
    named = f"{package.name} {package.version}" if package.version else package.name
    if package.state == "broken":
        return f"{named} is installed but does not load: {package.reason}"
    return f"{named} is not installed" if package.state == "absent" else named


def _onnxruntime(facts: Facts) -> Ability:
    package = facts.package("onnxruntime")
    remedy = None if package.state == "loads" else "pip install --force-reinstall onnxruntime"
    does = "run models on the processor with ONNX Runtime, FP32 or INT8"
    return Ability("onnxruntime", does, package.state == "loads", said(package), remedy)


def _openvino(facts: Facts) -> Ability:
    package = facts.package("openvino")
    precision = "bf16" if facts.processor.bf16 else "FP32, as this processor does not compute bf16"
    does = f"run models on the processor with OpenVINO, in {precision}"
    if package.state == "loads":
        chosen = "" if facts.gpu.gpus else "; focus-run takes it by itself"
        return Ability("openvino", does, True, said(package) + chosen)
    remedy = install("openvino") if package.state == "absent" else "pip install --force-reinstall openvino"
    return Ability("openvino", does, False, said(package), remedy)


def _extra(facts: Facts, name: str, does: str, extra: str, needed: tuple[str, ...]) -> Ability:
    packages = [facts.package(library) for library in needed]
    missing = [package for package in packages if package.state in ("absent", "broken")]
    if missing:
        return Ability(name, does, False, "; ".join(map(said, missing)), install(extra))
    return Ability(name, does, True, ", ".join(map(said, packages)))
