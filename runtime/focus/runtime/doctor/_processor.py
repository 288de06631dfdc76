"""Processor and memory."""

from __future__ import annotations

import os
from dataclasses import dataclass

from focus.runtime._processor import has_bf16, processor_flags, processor_name, usable_cores
from focus.runtime.doctor._machine import Machine

#: Instruction sets that make a difference to FOCUS -> the kernel's names for them.
INSTRUCTIONS = {
    "AVX2": {"avx2"},
    "AVX512": {"avx512f"},
    "AVX512-VNNI": {"avx512_vnni"},
    "AVX512-BF16": {"avx512_bf16"},
    "AMX-BF16": {"amx_bf16"},
    "AMX-INT8": {"amx_int8"},
    "NEON": {"asimd"},
    "Arm dot product": {"asimddp"},
    "Arm BF16": {"bf16"},
    "Arm I8MM": {"i8mm"},
    "SVE": {"sve"},
}


@dataclass(frozen=True)
class ProcessorFacts:
    """What computes, and in what.

    Attributes:
        name: of the processor.
        cores: that the machine has.
        usable_cores: that this process may use.
        instructions: keys of ``INSTRUCTIONS`` that it has.
        bf16: whether bfloat16 is computed in hardware.
        memory_bytes: of the machine; None where the kernel does not say.
        available_bytes: that programs can still have.
        swap_bytes: of swap, zram included.
    """

    name: str = ""
    cores: int = 0
    usable_cores: int = 0
    instructions: tuple[str, ...] = ()
    bf16: bool = False
    memory_bytes: int | None = None
    available_bytes: int | None = None
    swap_bytes: int | None = None


def processor_facts(machine: Machine) -> ProcessorFacts:
    """Looks at processor and memory."""
    flags, memory = processor_flags(), _memory(machine)
    return ProcessorFacts(
        name=processor_name(),
        cores=os.cpu_count() or 0,
        usable_cores=usable_cores(),
        instructions=tuple(name for name, wanted in INSTRUCTIONS.items() if wanted & flags),
        bf16=has_bf16(),
        memory_bytes=memory.get("MemTotal"),
        available_bytes=memory.get("MemAvailable"),
        swap_bytes=memory.get("SwapTotal"),
    )


def _memory(machine: Machine) -> dict[str, int]:
    """Entries of /proc/meminfo in bytes."""
    found = {}
    for line in (machine.text("/proc/meminfo") or "").splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words[1:] == ["kB"] and words[0].isdecimal():
            found[name] = int(words[0]) * 1024
    return found
