"""NVIDIA GPUs and their driver."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from focus.runtime.doctor._child import look
from focus.runtime.doctor._machine import Machine

#: Vendor of NVIDIA's PCI devices.
NVIDIA = "0x10de"

QUERY = "--query-gpu=name,compute_cap,memory.total,driver_version"


@dataclass(frozen=True)
class Gpu:
    """One GPU.

    Attributes:
        name: as the driver calls it.
        compute_capability: such as 8.7; None where it is not known.
        memory_bytes: of the GPU, or of the machine where they share it.
        integrated: whether it shares the processor's memory; None where it is not known.
    """

    name: str
    compute_capability: str | None = None
    memory_bytes: int | None = None
    integrated: bool | None = None


@dataclass(frozen=True)
class GpuFacts:
    """GPUs and driver.

    Attributes:
        hardware: whether there is any NVIDIA device, with a driver or without.
        gpus: that the driver offers.
        driver: its version.
        cuda_version: newest CUDA that the driver speaks.
        reason: why there are no GPUs.
        shipped_kernels: compute capabilities that this installation carries compiled kernels for.
    """

    hardware: bool = False
    gpus: tuple[Gpu, ...] = ()
    driver: str | None = None
    cuda_version: str | None = None
    reason: str | None = None
    shipped_kernels: tuple[str, ...] = ()


def gpu_facts(machine: Machine, look_into: Callable[[str, str], dict[str, Any]] = look) -> GpuFacts:
    """Asks libcuda, and nvidia-smi where that cannot be loaded."""
    return replace(_devices(machine, look_into("_cuda", "")), shipped_kernels=shipped_kernels(_kernels_folder()))


def shipped_kernels(folder: Path) -> tuple[str, ...]:
    """Compute capabilities of the files that `make cubins` left in a folder."""
    numbers = {path.stem.rpartition("-")[2] for path in folder.glob("*/kernels-*.cubin")}
    return tuple(f"{number[:-1]}.{number[-1]}" for number in sorted(filter(str.isdecimal, numbers), key=int))


def _kernels_folder() -> Path:
    # Looked up and not imported: the kernels bring NumPy and Numba.
    spec = find_spec("focus.kernels")
    places = (spec and spec.submodule_search_locations) or ["/nowhere"]
    return Path(next(iter(places))) / "cuda" / "cubins"


def _devices(machine: Machine, found: dict[str, Any]) -> GpuFacts:
    hardware, driver = _hardware(machine), _driver_version(machine)
    if "error" not in found:
        gpus = tuple(Gpu(**gpu) for gpu in found["gpus"])
        return GpuFacts(
            hardware or bool(gpus), gpus, driver, found["cuda_version"], None if gpus else "no GPU is visible"
        )
    listed, smi_driver = gpus_from_smi(machine.answer("nvidia-smi", QUERY, "--format=csv,noheader,nounits") or "")
    if listed:
        return GpuFacts(True, listed, driver or smi_driver, _smi_cuda_version(machine), f"libcuda: {found['error']}")
    return GpuFacts(hardware, (), driver, None, found["error"] if hardware else "no NVIDIA GPU in this machine")


def gpus_from_smi(text: str) -> tuple[tuple[Gpu, ...], str | None]:
    """GPUs and driver version from what nvidia-smi answers to ``QUERY``; lines of another form are left out."""
    gpus, driver = [], None
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == 4:
            name, capability, megabytes, driver = fields
            memory = int(megabytes) * 2**20 if megabytes.isdecimal() else None
            gpus.append(Gpu(name, capability if re.fullmatch(r"\d+\.\d", capability) else None, memory))
    return tuple(gpus), driver


def _hardware(machine: Machine) -> bool:
    vendors = machine.path("/sys/bus/pci/devices").glob("*/vendor")
    pci = any(machine.text(f"/sys/bus/pci/devices/{path.parent.name}/vendor") == NVIDIA for path in vendors)
    return pci or machine.text("/etc/nv_tegra_release") is not None


def _driver_version(machine: Machine) -> str | None:
    """Of the kernel module; its line has other numbers too, such as that of x86_64."""
    found = re.search(r"Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s", machine.text("/proc/driver/nvidia/version") or "")
    return None if found is None else found[1]


def _smi_cuda_version(machine: Machine) -> str | None:
    found = re.search(r"CUDA Version *: *(\d+\.\d+)", machine.answer("nvidia-smi", "-q", "-d", "COMPUTE") or "")
    return None if found is None else found[1]
