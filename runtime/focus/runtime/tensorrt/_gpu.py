"""The GPU that a plan is built for and runs on."""

from __future__ import annotations

from typing import NamedTuple

#: The oldest GPUs that hardware-compatible plans run on.
AMPERE = 8


class GpuFacts(NamedTuple):
    """One GPU, as sidecars name it.

    Attributes:
        name: as the driver says it, e.g. ``NVIDIA H100 80GB HBM3``.
        compute_capability: ``9.0``.
        cuda_version: the newest CUDA that the driver offers, ``13.0``.
    """

    name: str
    compute_capability: str
    cuda_version: str

    @property
    def ampere_or_newer(self) -> bool:
        """Whether hardware-compatible plans run here."""
        return int(self.compute_capability.partition(".")[0]) >= AMPERE


def gpu_facts(index: int = 0) -> GpuFacts:
    """The GPU with this number.

    Raises:
        DeviceError: cuda-bindings or the driver is missing, too old, or finds no such GPU.
    """
    from focus.kernels import cuda  # loads the kernels, for which the other parts of this package need not wait

    gpu = cuda.gpu_facts(index)
    major, minor = divmod(gpu.architecture, 10)
    return GpuFacts(gpu.name, f"{major}.{minor}", f"{gpu.cuda // 1000}.{gpu.cuda % 1000 // 10}")
