"""Asks the NVIDIA driver for its GPUs; ``_child.look`` runs this in a process of its own, as a driver may hang.

Through ctypes and not cuda-bindings, so that it also works where the extra is not installed.
"""

from __future__ import annotations

import ctypes
from typing import Any

from focus.runtime.doctor._child import tell

#: CUdevice_attribute of cuda.h.
INTEGRATED, MAJOR, MINOR = 18, 75, 76

#: CUresult of cuda.h that a user can do something about.
REASONS = {
    34: "libcuda is a stub without a driver",
    100: "the driver sees no GPU",
    803: "driver and libcuda are of different versions; reboot after an update of the driver",
    804: "this GPU does not support the CUDA compatibility package that is installed",
    999: "the driver does not answer; reboot, or see dmesg",
}


class DriverError(Exception):
    """The driver refused; the message is the reason."""


def main(name: str = "") -> None:
    """Tells what the driver says; ``name`` is the library, libcuda by default."""
    tell(lambda: gpus_from_driver(ctypes.CDLL(name or "libcuda.so.1")))


def gpus_from_driver(driver: Any) -> dict[str, Any]:
    """GPUs, as ``GpuFacts`` holds them.

    Args:
        driver: libcuda, loaded.
    Raises:
        DriverError: it refuses.
    """
    _require(driver.cuInit(0))
    version, count = ctypes.c_int(), ctypes.c_int()
    _require(driver.cuDriverGetVersion(ctypes.byref(version)))
    _require(driver.cuDeviceGetCount(ctypes.byref(count)))
    return {
        "cuda_version": f"{version.value // 1000}.{version.value % 1000 // 10}",
        "gpus": [_gpu(driver, ordinal) for ordinal in range(count.value)],
    }


def _gpu(driver: Any, ordinal: int) -> dict[str, Any]:
    device, name, size = ctypes.c_int(), ctypes.create_string_buffer(256), ctypes.c_size_t()
    _require(driver.cuDeviceGet(ctypes.byref(device), ordinal))
    _require(driver.cuDeviceGetName(name, len(name), device))
    _require(driver.cuDeviceTotalMem_v2(ctypes.byref(size), device))
    integrated, major, minor = (_attribute(driver, which, device) for which in (INTEGRATED, MAJOR, MINOR))
    return {
        "name": name.value.decode(errors="replace"),
        "compute_capability": f"{major}.{minor}",
        "memory_bytes": size.value,
        "integrated": bool(integrated),
    }


def _attribute(driver: Any, which: int, device: ctypes.c_int) -> int:
    value = ctypes.c_int()
    _require(driver.cuDeviceGetAttribute(ctypes.byref(value), which, device))
    return value.value


def _require(status: int) -> None:
    if status != 0:
        raise DriverError(REASONS.get(status, f"CUDA error {status}"))
