"""What the processor that this runs on can do."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

#: Instructions that compute with bfloat16, as the kernel names them. Without them bf16 is emulated, and slower.
BF16_FLAGS = frozenset({"amx_bf16", "avx512_bf16", "bf16"})


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


@cache
def processor_flags() -> frozenset[str]:
    """Instruction sets of the first core, as Linux names them (``flags`` on x86, ``Features`` on Arm)."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        key, _, words = line.partition(":")
        if key.strip() in {"flags", "Features"}:
            return frozenset(words.split())
    return frozenset()


@cache
def processor_name() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def has_bf16() -> bool:
    """Whether bfloat16 products are computed in hardware (AMX, AVX512-BF16, or Arm's bf16)."""
    return bool(processor_flags() & BF16_FLAGS)
