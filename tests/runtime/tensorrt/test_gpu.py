"""What the driver may answer, with a driver that answers so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cuda.bindings import driver

from focus.kernels.cuda import DeviceError
from focus.runtime.tensorrt import GpuFacts, gpu_facts

OK = driver.CUresult.CUDA_SUCCESS

MAJOR = driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replaces calls of the driver; what is not said is a Jetson Orin's."""

    def say(**told: Any) -> None:
        orin = {
            "cuInit": lambda flags: (OK,),
            "cuDriverGetVersion": lambda: (OK, 12060),
            "cuDeviceGetCount": lambda: (OK, 1),
            "cuDeviceGet": lambda index: (OK, index),
            "cuDeviceGetAttribute": lambda kind, device: (OK, 8 if kind == MAJOR else 7),
            "cuDeviceGetName": lambda length, device: (OK, b"Orin" + bytes(length - 4)),
        }
        for name, answer in (orin | told).items():
            monkeypatch.setattr(driver, name, answer)

    return say


def test_the_facts_of_a_gpu(answers: Callable[..., None]) -> None:
    answers()
    assert gpu_facts() == GpuFacts("Orin", "8.7", "12.6")
    assert gpu_facts().ampere_or_newer and not GpuFacts("Tesla T4", "7.5", "12.6").ampere_or_newer


def no_library(flags: int) -> Any:
    raise RuntimeError('Failed to dlopen "libcuda.so.1"')


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (
            {"cuInit": no_library},
            r"no NVIDIA driver on this machine .* install it \(on a Jetson: JetPack\), or run",
        ),
        (
            {"cuInit": lambda f: (driver.CUresult.CUDA_ERROR_NO_DEVICE,)},
            r"finds no GPU; check nvidia-smi and",
        ),
        (
            {"cuInit": lambda f: (driver.CUresult.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH,)},
            r"does not fit its libraries \(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH\); reboot",
        ),
        (
            {"cuInit": lambda f: (driver.CUresult.CUDA_ERROR_UNKNOWN,)},
            r"does not start \(CUDA_ERROR_UNKNOWN\); check nvidia-smi",
        ),
        (
            {"cuDriverGetVersion": lambda: (OK, 11040)},
            r"driver is too old: it offers CUDA 11\.4, 12\.0 or newer is needed; install a newer driver",
        ),
        ({"cuDeviceGetCount": lambda: (OK, 0)}, r"there is no GPU 0, the driver finds 0; check CUDA_VISIBLE_DEVICES"),
    ],
)
def test_each_reason_for_no_gpu_is_one_line(answers: Callable[..., None], told: dict[str, Any], message: str) -> None:
    answers(**told)
    with pytest.raises(DeviceError, match=message) as caught:
        gpu_facts()
    assert "\n" not in str(caught.value)
