"""TensorRT plans: built from an exported model, with a sidecar that says what they are and where they run."""

from focus.runtime.tensorrt._gpu import GpuFacts, gpu_facts
from focus.runtime.tensorrt._options import BatchProfile, BuildOptions
from focus.runtime.tensorrt._sidecar import (
    CheckFigures,
    PlanFacts,
    read_sidecar,
    require_fits,
    sidecar_path,
    write_sidecar,
)
from focus.runtime.tensorrt._table import RELEASES, Release, release_of

__all__ = [
    "RELEASES",
    "BatchProfile",
    "BuildOptions",
    "CheckFigures",
    "GpuFacts",
    "PlanFacts",
    "Release",
    "gpu_facts",
    "read_sidecar",
    "release_of",
    "require_fits",
    "sidecar_path",
    "write_sidecar",
]
