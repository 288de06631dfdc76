"""Python, this package and the operating system."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from focus.runtime.doctor._machine import Machine


@dataclass(frozen=True)
class PythonFacts:
    """Python and the system below it.

    Attributes:
        focus: version of focus-hsi; None where it is not installed.
        version: of Python.
        implementation: CPython or another.
        system: name of the distribution.
        kernel: release of the kernel.
        machine: x86_64, aarch64, ...
        in_venv: whether this Python belongs to a virtual environment.
        sees_system_packages: whether packages of the system's Python are visible, as those of JetPack must be.
    """

    focus: str | None = None
    version: str = ""
    implementation: str = ""
    system: str = ""
    kernel: str = ""
    machine: str = ""
    in_venv: bool = False
    sees_system_packages: bool = True


def python_facts(machine: Machine) -> PythonFacts:
    """Looks at the running Python."""
    in_venv = sys.prefix != sys.base_prefix
    return PythonFacts(
        focus=_focus_version(),
        version=platform.python_version(),
        implementation=platform.python_implementation(),
        system=_system_name(machine),
        kernel=platform.release(),
        machine=platform.machine(),
        in_venv=in_venv,
        sees_system_packages=not in_venv
        or any(path.startswith("/usr/lib/python3") and path.endswith("dist-packages") for path in sys.path),
    )


def _focus_version() -> str | None:
    try:
        return version("focus-hsi")
    except PackageNotFoundError:
        return None


def _system_name(machine: Machine) -> str:
    for line in (machine.text("/etc/os-release") or "").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip("\"'")
    return platform.system()
