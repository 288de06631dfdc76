"""Which GPU there is, asked of NVIDIA's driver."""

from __future__ import annotations

from typing import Any, NamedTuple

from focus.kernels.cuda._memory import DeviceError

#: Oldest driver whose CUDA the bindings speak, as cuDriverGetVersion tells it.
OLDEST_CUDA = 12000

ON_THE_CPU = "or run the .onnx on the CPU (--backend openvino or onnxruntime)"


class Gpu(NamedTuple):
    """One GPU.

    Attributes:
        name: as the driver says it, e.g. ``NVIDIA H100 80GB HBM3``.
        architecture: compute capability times ten, 87 for 8.7.
        cuda: the newest CUDA that its driver offers, times a thousand, 12060 for 12.6.
        integrated: whether it shares the host's memory (Jetson).
        handle: the driver's.
    """

    name: str
    architecture: int
    cuda: int
    integrated: bool
    handle: Any


def driver_module() -> Any:
    """``cuda.bindings.driver``, initialised.

    Raises:
        DeviceError: the package or NVIDIA's driver is missing, or the driver does not start.
    """
    try:
        from cuda.bindings import driver
    except ImportError:
        raise DeviceError(
            'a GPU needs the package cuda-bindings, which is not installed; pip install "focus-hsi[gpu]"'
        ) from None
    try:
        (code,) = driver.cuInit(0)
    except RuntimeError:  # the bindings look for libcuda at the first call
        raise DeviceError(
            "no NVIDIA driver on this machine (libcuda.so.1 is not found); install it (on a Jetson: JetPack), "
            f"{ON_THE_CPU}"
        ) from None
    codes = driver.CUresult
    if code == codes.CUDA_ERROR_NO_DEVICE:
        raise DeviceError(f"the NVIDIA driver finds no GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES, {ON_THE_CPU}")
    if code in (codes.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, codes.CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE):
        raise DeviceError(
            f"the NVIDIA driver does not fit its libraries ({code.name}); reboot, or install the driver anew"
        )
    if int(code) != 0:
        raise DeviceError(
            f"the NVIDIA driver does not start ({code.name}); check nvidia-smi, and reboot where it fails too"
        )
    return driver


def checked(driver: Any, answer: tuple[Any, ...]) -> Any:
    """What a call of the driver gave.

    Raises:
        DeviceError: it failed.
    """
    code, *values = answer
    if int(code) != 0:
        _, text = driver.cuGetErrorString(code)
        raise DeviceError(f"the GPU reports {code.name}: {(text or b'').decode()}")
    return values[0] if len(values) == 1 else tuple(values)


def gpu_facts(index: int = 0, driver: Any = None) -> Gpu:
    """The GPU with this number.

    Args:
        index: as the driver counts.
        driver: from ``driver_module``; None gets it.
    Raises:
        DeviceError: no driver, one that is too old, or no such GPU.
    """
    driver = driver_module() if driver is None else driver
    cuda = int(checked(driver, driver.cuDriverGetVersion()))
    if cuda < OLDEST_CUDA:
        raise DeviceError(
            f"the NVIDIA driver is too old: it offers CUDA {cuda // 1000}.{cuda % 1000 // 10}, "
            f"{OLDEST_CUDA // 1000}.0 or newer is needed; install a newer driver"
        )
    count = int(checked(driver, driver.cuDeviceGetCount()))
    if not 0 <= index < count:
        raise DeviceError(f"there is no GPU {index}, the driver finds {count}; check CUDA_VISIBLE_DEVICES")
    handle = checked(driver, driver.cuDeviceGet(index))
    major, minor, integrated = (
        attribute_of(driver, handle, name)
        for name in ("COMPUTE_CAPABILITY_MAJOR", "COMPUTE_CAPABILITY_MINOR", "INTEGRATED")
    )
    name = bytes(checked(driver, driver.cuDeviceGetName(128, handle))).split(b"\0")[0].decode(errors="replace")
    return Gpu(name, 10 * major + minor, cuda, bool(integrated), handle)


def attribute_of(driver: Any, handle: Any, name: str) -> int:
    """A GPU's CU_DEVICE_ATTRIBUTE of this name."""
    attribute = getattr(driver.CUdevice_attribute, f"CU_DEVICE_ATTRIBUTE_{name}")
    return int(checked(driver, driver.cuDeviceGetAttribute(attribute, handle)))
