"""What a figure was measured on."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from focus.runtime._processor import processor_flags, processor_name, usable_cores

#: What decides which arithmetic is fast; names as in /proc/cpuinfo, x86 and Arm.
FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "avx_vnni", "amx_bf16", "amx_int8", "bf16", "i8mm")

PACKAGES = ("focus-hsi", "numpy", "numba", "onnxruntime", "openvino", "torch", "timm", "grad-cam")


def machine_facts(threads: int) -> dict[str, Any]:
    """Processor, cores, flags, memory, system, versions and commit, for the record."""
    flags = processor_flags()
    return {
        "processor": processor_name(),
        "cores": usable_cores(),
        "threads": threads,
        "flags": [flag for flag in FLAGS if flag in flags],
        "memory_gb": round(_meminfo_kb("MemTotal") / 1e6, 1),
        "os": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name)) is not None},
        "commit": _commit(),
    }


def free_memory_gb() -> float:
    """What a new process may take: available memory, or what the control group leaves."""
    free = _meminfo_kb("MemAvailable") * 1024
    limit, used = (Path("/sys/fs/cgroup") / name for name in ("memory.max", "memory.current"))
    if limit.is_file() and used.is_file() and (text := limit.read_text().strip()).isdigit():
        free = min(free, int(text) - int(used.read_text()))
    return free / 1e9


def _meminfo_kb(key: str) -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name == key:
            return int(rest.split()[0])
    return 0


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit that the code is of, with ``+`` where files were changed since; None outside a repository."""
    here = Path(__file__).parent
    try:
        found = [
            subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True, timeout=20).stdout
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    return found[0].strip() + ("+" if found[1].strip() else "")
