"""Step 1: what there is."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from focus.exporter.bench._machine import machine_facts
from focus.runtime._processor import usable_cores
from gpu_check._gpu import OneGpu


def gpu_machine(gpu: OneGpu, engines: bool) -> dict[str, Any]:
    """The GPU, its driver, the engines that could run a network on it, and the machine around it.

    Args:
        gpu: which.
        engines: look for them, which loads them all.
    """
    facts = gpu.device.gpu
    return {
        "gpu": facts.name,
        "compute_capability": f"{facts.architecture / 10:.1f}",
        "memory_gb": round(gpu.memory_bytes() / 1e9, 1),
        "multiprocessors": gpu.attribute("MULTIPROCESSOR_COUNT"),
        "l2_mb": round(gpu.attribute("L2_CACHE_SIZE") / 1e6, 1),
        "integrated": facts.integrated,
        "driver": _driver_version(),
        "cuda": f"{facts.cuda // 1000}.{facts.cuda % 1000 // 10}",
        "engines": {name: found() for name, found in ENGINES.items()} if engines else {},
        "host": machine_facts(usable_cores()),
    }


def _driver_version() -> str:
    """NVIDIA's own number; on a Jetson there is none."""
    try:
        words = Path("/proc/driver/nvidia/version").read_text().split()
    except OSError:
        return "not told"
    return next((word for word in words if word.count(".") in (1, 2) and word[0].isdigit()), "not told")


def _tensorrt() -> str:
    if find_spec("tensorrt") is None:
        return "not installed"
    try:
        import tensorrt
    except (ImportError, OSError) as error:
        return f"does not load: {str(error).partition(chr(10))[0][:120]}"
    return str(tensorrt.__version__)


def _onnxruntime() -> str:
    if find_spec("onnxruntime") is None:
        return "not installed"
    import onnxruntime

    has = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    return f"{onnxruntime.__version__}, {'with' if has else 'without'} its CUDA provider"


def _torch() -> str:
    if find_spec("torch") is None:
        return "not installed"
    import torch

    return f"{torch.__version__}, {'with' if torch.cuda.is_available() else 'without'} CUDA"


ENGINES = {"TensorRT": _tensorrt, "ONNX Runtime": _onnxruntime, "torch": _torch}
