"""GPUs: through the driver, through nvidia-smi, or the reason why not."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys

import pytest

from focus.runtime.doctor._child import look
from focus.runtime.doctor._cuda import INTEGRATED, MAJOR, MINOR, DriverError, gpus_from_driver
from focus.runtime.doctor._gpus import Gpu, gpu_facts, gpus_from_smi, shipped_kernels
from support.tools import tool

LIBCUDA = r"""
#include <stddef.h>
#include <string.h>
int cuInit(unsigned flags) { return 0; }
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = 10 + ordinal; return 0; }
int cuDeviceGetName(char *name, int length, int device) {
    strncpy(name, device == 10 ? "First GPU" : "Second GPU", length);
    return 0;
}
int cuDeviceTotalMem_v2(size_t *size, int device) { *size = (size_t)80 << 30; return 0; }
int cuDeviceGetAttribute(int *value, int which, int device) {
    *value = which == 75 ? 9 : 0;
    return 0;
}
"""

SMI = "NVIDIA H100 80GB HBM3, 9.0, 81559, 550.54.15\n"
NO_DRIVER = {"error": "OSError: libcuda.so.1: cannot open shared object file: No such file or directory"}
NO_GPU = {"cuda_version": "12.6", "gpus": []}


class FakeDriver:
    """libcuda with an Orin, as ctypes would call it."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.attributes = {INTEGRATED: 1, MAJOR: 8, MINOR: 7}

    def cuInit(self, flags):
        return self.status

    def cuDriverGetVersion(self, version):
        version._obj.value = 12060
        return 0

    def cuDeviceGetCount(self, count):
        count._obj.value = 1
        return 0

    def cuDeviceGet(self, device, ordinal):
        device._obj.value = 40 + ordinal
        return 0

    def cuDeviceGetName(self, name, length, device):
        assert (length, device.value) == (256, 40)
        name.value = b"Orin"
        return 0

    def cuDeviceTotalMem_v2(self, size, device):
        assert isinstance(size._obj, ctypes.c_size_t)
        size._obj.value = 7_990_000_000
        return 0

    def cuDeviceGetAttribute(self, value, which, device):
        value._obj.value = self.attributes[which]
        return 0


def test_gpus_from_the_driver():
    orin = {"name": "Orin", "compute_capability": "8.7", "memory_bytes": 7_990_000_000, "integrated": True}
    assert gpus_from_driver(FakeDriver()) == {"cuda_version": "12.6", "gpus": [orin]}


@pytest.mark.parametrize(("status", "reason"), [(100, "the driver sees no GPU"), (35, "CUDA error 35")])
def test_a_driver_that_refuses(status, reason):
    with pytest.raises(DriverError, match=reason):
        gpus_from_driver(FakeDriver(status))


def test_a_library_that_is_not_there_or_is_none():
    assert "cannot open shared object file" in look("_cuda", "libnowhere.so.1")["error"]
    assert "cuInit" in look("_cuda", "libm.so.6")["error"]


def test_facts_from_the_driver(fake):
    fake.write("/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5\n")
    found = gpu_facts(fake.machine, lambda module, name: gpus_from_driver(FakeDriver()))
    assert found.hardware
    assert found.gpus == (Gpu("Orin", "8.7", 7_990_000_000, True),)
    assert (found.driver, found.cuda_version, found.reason) == ("550.54.15", "12.6", None)


def test_the_open_kernel_module_has_its_version_too(fake):
    line = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder)\n"
    fake.write("/proc/driver/nvidia/version", line)
    assert gpu_facts(fake.machine, lambda module, name: NO_GPU).driver == "580.65.06"


def test_facts_from_nvidia_smi_where_libcuda_cannot_be_loaded(fake):
    fake.program("nvidia-smi", f'case "$1" in -q) echo "CUDA Version  : 12.4";; *) echo "{SMI.strip()}";; esac')
    found = gpu_facts(fake.machine, lambda module, name: NO_DRIVER)
    assert found.gpus == (Gpu("NVIDIA H100 80GB HBM3", "9.0", 81559 * 2**20),)
    assert (found.driver, found.cuda_version) == ("550.54.15", "12.4")
    assert "libcuda.so.1" in found.reason


def test_a_card_without_a_driver(fake):
    fake.write("/sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n")
    fake.program("nvidia-smi", "echo NVIDIA-SMI has failed because it could not communicate with the driver; exit 9")
    found = gpu_facts(fake.machine, lambda module, name: NO_DRIVER)
    assert (found.hardware, found.gpus) == (True, ())
    assert "libcuda.so.1" in found.reason


def test_no_card(fake):
    fake.write("/sys/bus/pci/devices/0000:00:02.0/vendor", "0x8086\n")
    found = gpu_facts(fake.machine, lambda module, name: NO_DRIVER)
    assert (found.hardware, found.reason) == (False, "no NVIDIA GPU in this machine")


def test_a_driver_that_shows_no_gpu(fake):
    assert gpu_facts(fake.machine, lambda module, name: NO_GPU).reason == "no GPU is visible"


def test_lines_of_nvidia_smi():
    gpus, driver = gpus_from_smi("Orin (nvgpu), [N/A], [N/A], 540.4.0\nnot a line\n")
    assert (gpus, driver) == ((Gpu("Orin (nvgpu)"),), "540.4.0")
    assert gpus_from_smi("") == ((), None)


def test_kernels_that_this_installation_carries(tmp_path):
    assert shipped_kernels(tmp_path / "absent") == ()
    (tmp_path / "0123456789abcdef").mkdir()
    for name in ("kernels-110.cubin", "kernels-87.cubin", "kernels-87.log", "kernels-x.cubin"):
        (tmp_path / "0123456789abcdef" / name).write_text("")
    assert shipped_kernels(tmp_path) == ("8.7", "11.0")


def test_the_command_asks_a_real_library(tmp_path, monkeypatch):
    compiler = tool("gcc", "gcc")
    source = tmp_path / "cuda.c"
    source.write_text(LIBCUDA)
    library = tmp_path / "libcuda.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    code = "from focus.runtime.commands.doctor import main; main(['--json'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    gpu = json.loads(done.stdout)["facts"]["gpu"]
    assert [one["name"] for one in gpu["gpus"]] == ["First GPU", "Second GPU"]
    assert gpu["gpus"][0] == {
        "name": "First GPU", "compute_capability": "9.0", "memory_bytes": 80 * 2**30, "integrated": False,
    }  # fmt: skip
    assert (gpu["hardware"], gpu["cuda_version"], gpu["reason"]) == (True, "13.0", None)
