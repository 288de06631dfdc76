"""The GPU that a plan is built for and runs on, asked of the driver."""

from __future__ import annotations

from typing import Any, NamedTuple

from focus.runtime._errors import FocusError

#: The oldest CUDA that a driver must offer: TensorRT 10.3 is made for 12.
LEAST_CUDA = (12, 0)

#: The major compute capability from which hardware-compatible plans run.
AMPERE = 8

NO_DRIVER = (
    "no NVIDIA driver was found on this machine (libcuda.so.1); TensorRT plans are built on the machine that runs "
    "them: install the driver (on a Jetson: JetPack), or run the .onnx with ONNX Runtime or OpenVINO"
)
NO_GPU = (
    "the NVIDIA driver finds no GPU here; check nvidia-smi and CUDA_VISIBLE_DEVICES, or run the .onnx with ONNX "
    "Runtime or OpenVINO"
)


class GpuFacts(NamedTuple):
    """One GPU.

    Attributes:
        name: as the driver says it, e.g. ``NVIDIA H100 80GB HBM3``.
        compute_capability: ``9.0``.
        cuda_version: the newest CUDA that the driver offers, ``13.0``.
    """

    name: str
    compute_capability: str
    cuda_version: str

    @property
    def ampere_or_newer(self) -> bool:
        """Whether hardware-compatible plans run here."""
        return int(self.compute_capability.partition(".")[0]) >= AMPERE


def gpu_facts(index: int = 0) -> GpuFacts:
    """The GPU with this number.

    Raises:
        FocusError: no driver, one that is too old, or no GPU.
        ModuleNotFoundError: cuda-bindings is not installed; the message of the commands names the extra.
    """
    from cuda.bindings import driver

    try:
        _ask(driver.cuInit(0), driver)
        version = int(_ask(driver.cuDriverGetVersion(), driver))
    except RuntimeError:  # cuda-bindings looks for the library at the first call
        raise FocusError(NO_DRIVER) from None
    cuda = version // 1000, version % 1000 // 10
    if cuda < LEAST_CUDA:
        raise FocusError(
            f"the NVIDIA driver is too old: it offers CUDA {cuda[0]}.{cuda[1]}, TensorRT needs "
            f"{LEAST_CUDA[0]}.{LEAST_CUDA[1]} or newer; install a newer driver"
        )
    count = int(_ask(driver.cuDeviceGetCount(), driver))
    if index >= count:
        raise FocusError(f"there is no GPU {index}, the driver finds {count}; check CUDA_VISIBLE_DEVICES")
    device = _ask(driver.cuDeviceGet(index), driver)
    kinds = driver.CUdevice_attribute
    major, minor = (
        int(_ask(driver.cuDeviceGetAttribute(kind, device), driver))
        for kind in (
            kinds.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
            kinds.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
        )
    )
    name = bytes(_ask(driver.cuDeviceGetName(128, device), driver)).split(b"\0")[0].decode(errors="replace")
    return GpuFacts(name, f"{major}.{minor}", f"{cuda[0]}.{cuda[1]}")


def _ask(answer: tuple[Any, ...], driver: Any) -> Any:
    """The value of a driver call.

    Raises:
        FocusError: the driver refuses.
    """
    code, *values = answer
    codes = driver.CUresult
    if code == codes.CUDA_SUCCESS:
        return values[0] if values else None
    if code == codes.CUDA_ERROR_NO_DEVICE:
        raise FocusError(NO_GPU)
    if code in (codes.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, codes.CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE):
        raise FocusError(
            f"the NVIDIA driver does not fit its libraries ({code.name}); reboot, or install the driver anew"
        )
    raise FocusError(f"the NVIDIA driver answers {code.name}; check nvidia-smi, and reboot where it fails too")
