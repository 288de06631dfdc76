"""The verdict on the GPU: kernels, ONNX Runtime's CUDA provider, TensorRT."""

from __future__ import annotations

from dataclasses import replace

from focus.runtime.doctor._packages import PackageFacts
from focus.runtime.doctor._report import Ability, Facts

#: Oldest GPU that the kernels and TensorRT 10 run on (Turing).
OLDEST_CAPABILITY = (7, 5)

#: CUDA of the NVRTC that compiles the kernels of a wheel; older drivers do not load what it makes.
SHIPPED_CUDA = 13

KERNELS = "compute ingest and saliency on the GPU"
CUDA_PROVIDER = "run models on the GPU with ONNX Runtime"
TENSORRT = "build and run TensorRT plans (focus-build, focus-run --engine focus.plan)"

GPU_EXTRA = 'pip install "focus-hsi[gpu]"'
TENSORRT_EXTRA = 'pip install "focus-hsi[tensorrt]"'
#: On a Jetson TensorRT comes with JetPack, and the one of pip does not run there.
TENSORRT_OF_JETPACK = "sudo apt-get install python3-libnvinfer"
ENVIRONMENT_OF_JETPACK = "python3 -m venv --system-site-packages VENV"


def gpu_abilities(facts: Facts) -> tuple[Ability, ...]:
    """What will work on the GPU; without one the reason, and no command that would not help."""
    obstacle = _obstacle(facts)
    if obstacle is not None:
        names = {"gpu-kernels": KERNELS, "onnxruntime-cuda": CUDA_PROVIDER, "tensorrt": TENSORRT}
        return tuple(Ability(name, does, False, obstacle) for name, does in names.items())
    kernels = _kernels(facts)
    return (kernels, _on_kernels(kernels, _cuda_provider(facts)), _on_kernels(kernels, _tensorrt(facts)))


def _on_kernels(kernels: Ability, engine: Ability) -> Ability:
    """Engines on the GPU read what the kernels wrote there, so they are no use without."""
    if kernels.works or not engine.works:
        return engine
    return replace(engine, works=False, why=f"{engine.why}, but {kernels.why}", remedy=kernels.remedy)


def _obstacle(facts: Facts) -> str | None:
    """What keeps every GPU ability from working."""
    gpu = facts.gpu
    if not gpu.gpus:
        hint = "; install NVIDIA's driver" if gpu.hardware and not facts.jetson.found else ""
        return f"{gpu.reason or 'no GPU'}{hint}"
    known = [tuple(map(int, one.compute_capability.split("."))) for one in gpu.gpus if one.compute_capability]
    if known and max(known) < OLDEST_CAPABILITY:
        return f"the GPU has compute capability {gpu.gpus[0].compute_capability}, 7.5 (Turing) is needed"
    return None


def _kernels(facts: Facts) -> Ability:
    gpu = facts.gpu.gpus[0]
    carried = gpu.compute_capability in facts.gpu.shipped_kernels and _speaks(facts, SHIPPED_CUDA)
    needed = [facts.package(name) for name in ("cuda-bindings", *([] if carried else ["nvrtc"]))]
    missing = [package for package in needed if package.state in ("absent", "broken")]
    if missing:
        why = "; ".join(f"{one.name} {one.reason or 'is not installed'}" for one in missing)
        return Ability("gpu-kernels", KERNELS, False, why, _cuda_packages(facts))
    if carried:
        return Ability("gpu-kernels", KERNELS, True, f"{gpu.name}, kernels came compiled")
    compiler = facts.package("nvrtc").version or ""
    if not _speaks(facts, _major(compiler)):
        why = f"NVRTC {compiler} makes code that this driver does not load: it speaks CUDA {facts.gpu.cuda_version}"
        return Ability("gpu-kernels", KERNELS, False, why, _cuda_packages(facts))
    return Ability("gpu-kernels", KERNELS, True, f"{gpu.name}, NVRTC {compiler}")


def _speaks(facts: Facts, cuda: int) -> bool:
    """Whether the driver speaks this CUDA; assumed where it does not tell."""
    return facts.gpu.cuda_version is None or _major(facts.gpu.cuda_version) >= cuda


def _cuda_packages(facts: Facts) -> str:
    """Those that fit the driver: what is compiled for a newer CUDA than it speaks does not load."""
    if not _speaks(facts, SHIPPED_CUDA):
        return 'pip install "cuda-bindings==12.*" nvidia-cuda-nvrtc-cu12'
    return GPU_EXTRA


def _cuda_provider(facts: Facts) -> Ability:
    package = facts.package("onnxruntime")
    if "CUDAExecutionProvider" in package.details:
        return Ability("onnxruntime-cuda", CUDA_PROVIDER, True, f"onnxruntime {package.version} has its CUDA provider")
    why = package.reason or f"onnxruntime {package.version or ''} has no CUDA provider".replace("  ", " ")
    # Both packages bring the same module: the one installed last wins, so the other one has to go.
    remedy = f"pip uninstall --yes onnxruntime && {GPU_EXTRA} --force-reinstall"
    return Ability("onnxruntime-cuda", CUDA_PROVIDER, False, why, remedy)


def _tensorrt(facts: Facts) -> Ability:
    package = facts.package("tensorrt")
    if package.state == "loads":
        return Ability("tensorrt", TENSORRT, True, f"TensorRT {package.version} on {facts.gpu.gpus[0].name}")
    return Ability("tensorrt", TENSORRT, False, _tensorrt_missing(package), _tensorrt_remedy(facts))


def _tensorrt_missing(package: PackageFacts) -> str:
    if package.state == "broken":
        return f"TensorRT is installed but does not load: {package.reason}"
    return "TensorRT is not installed for this Python"


def _tensorrt_remedy(facts: Facts) -> str:
    if not facts.jetson.found:
        return TENSORRT_EXTRA
    if facts.python.sees_system_packages:
        return TENSORRT_OF_JETPACK
    return f"{TENSORRT_OF_JETPACK} && {ENVIRONMENT_OF_JETPACK}"


def _major(version: str) -> int:
    first = version.partition(".")[0]
    return int(first) if first.isdecimal() else 0
