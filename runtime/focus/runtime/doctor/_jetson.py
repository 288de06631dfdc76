"""NVIDIA Jetson: module, L4T, JetPack, and whether it runs at full speed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from focus.runtime.doctor._machine import Machine

#: First number of an L4T release -> the JetPack that brings it.
JETPACK_OF_L4T = {35: "5", 36: "6", 38: "7.0 or 7.1", 39: "7.2 or later"}

FREQUENCIES = "/sys/devices/system/cpu/cpu0/cpufreq"


@dataclass(frozen=True)
class JetsonFacts:
    """A Jetson; ``found`` is False elsewhere, and then all else is None.

    Attributes:
        found: whether this is a Jetson.
        model: of the module or developer kit.
        l4t: release of Jetson Linux, such as 36.4.3.
        jetpack: version of JetPack that the release belongs to.
        power_mode: name of the power mode (``nvpmodel -q``).
        clocks_locked: whether the processor's clock is held at the highest of the mode, as ``jetson_clocks`` does.
    """

    found: bool = False
    model: str | None = None
    l4t: str | None = None
    jetpack: str | None = None
    power_mode: str | None = None
    clocks_locked: bool | None = None


def jetson_facts(machine: Machine) -> JetsonFacts:
    """Looks for a Jetson."""
    model, release = machine.text("/proc/device-tree/model"), machine.text("/etc/nv_tegra_release")
    if release is None and not re.search("jetson|tegra", model or "", re.IGNORECASE):
        return JetsonFacts()
    l4t = l4t_from_release(release or "")
    return JetsonFacts(
        found=True,
        model=model,
        l4t=l4t,
        jetpack=None if l4t is None else JETPACK_OF_L4T.get(int(l4t.partition(".")[0])),
        power_mode=_power_mode(machine),
        clocks_locked=_clocks_locked(machine),
    )


def l4t_from_release(text: str) -> str | None:
    """36.4.3 from ``# R36 (release), REVISION: 4.3, ...``."""
    found = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", text)
    return None if found is None else f"{found[1]}.{found[2]}"


def _power_mode(machine: Machine) -> str | None:
    found = re.search(r"NV Power Mode: *(\S+)", machine.answer("nvpmodel", "-q") or "")
    if found is not None:
        return found[1]
    # Older releases let only root ask.
    found = re.search(r"pmode:0*(\d+)", machine.text("/var/lib/nvpmodel/status") or "")
    return None if found is None else f"number {found[1]}"


def _clocks_locked(machine: Machine) -> bool | None:
    low, high = (machine.text(f"{FREQUENCIES}/{name}") for name in ("scaling_min_freq", "scaling_max_freq"))
    return None if low is None or high is None else low == high
