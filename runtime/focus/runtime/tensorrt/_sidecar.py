"""``focus.plan.json`` beside a plan: everything that must fit before the plan is loaded.

TensorRT itself gives back nothing but a log line where a plan does not fit. Facts in front of the plan's own bytes, as
some tools write them, would keep ``trtexec`` from loading it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from focus.runtime._bundle import Bundle, first_fault
from focus.runtime._errors import BundleError
from focus.runtime._files import write_atomically
from focus.runtime.tensorrt._gpu import AMPERE
from focus.runtime.tensorrt._options import BatchProfile, BuildOptions
from focus.runtime.tensorrt._precision import Precision
from focus.runtime.tensorrt._table import version_numbers


class _Part(BaseModel):
    # JSON knows no nan; a plan that computes it is kept if the user insists.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class CheckFigures(_Part):
    """What the check after the build measured; see ``focus.runtime.agreement.Comparison``.

    Attributes:
        windows: how many, and ``origin``: of what.
        reference: what the plan was compared with.
        passed: whether all figures were within the limits of the build.
    """

    windows: int
    origin: str
    reference: str
    agreement: float
    spearman: float
    spearman_worst: float
    top: float
    top_worst: float
    logit_difference: float
    passed: bool


class PlanFacts(_Part):
    """What is known of a plan.

    Attributes:
        bundle: the model's facts.
        plan, plan_sha256, plan_bytes: the plan's file.
        onnx, onnx_sha256: the file that it was built from.
        cuda_version: what the driver offered at the build.
        compute_capability: such as ``8.7``.
        precision: of the graph.
        batch: windows of a pass.
        options: what the build was asked for.
        warnings: the builder's.
        check: None only while the plan is being checked.
    """

    schema_version: Literal[1] = 1
    bundle: Bundle
    plan: str
    plan_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    plan_bytes: int = Field(ge=1)
    onnx: str
    onnx_sha256: str
    tensorrt_version: str
    cuda_version: str
    gpu_name: str
    compute_capability: str = Field(pattern=r"^\d+\.\d+$")
    precision: Precision
    batch: BatchProfile
    options: BuildOptions
    warnings: tuple[str, ...] = ()
    check: CheckFigures | None = None

    @property
    def hardware_compatible(self) -> bool:
        """Whether it runs on every GPU from Ampere on."""
        return self.options.hardware_compatible

    @property
    def version_compatible(self) -> bool:
        """Whether newer TensorRT releases of the same major version load it."""
        return self.options.version_compatible

    @property
    def rebuild(self) -> str:
        """The command that builds it again."""
        words = ["focus-build", "--onnx", self.onnx, "--engine", self.plan]
        words += [] if self.batch == BatchProfile() else ["--batch", str(self.batch)]
        words += ["--hardware-compatible"] * self.hardware_compatible
        words += ["--version-compatible"] * self.version_compatible
        return " ".join([*words, "--overwrite"])


def sidecar_path(plan: Path) -> Path:
    """``focus.plan`` -> ``focus.plan.json``."""
    return plan.with_name(f"{plan.name}.json")


def write_sidecar(plan: Path, facts: PlanFacts) -> None:
    """Writes the facts beside the plan.

    Raises:
        OutputError: it cannot be written.
    """
    write_atomically(sidecar_path(plan), (facts.model_dump_json(indent=1) + "\n").encode())


def read_sidecar(plan: Path | str) -> PlanFacts:
    """The facts beside a plan.

    Raises:
        BundleError: there are none, they are damaged, or of another version of FOCUS.
    """
    path = sidecar_path(Path(plan))
    build = f"focus-build --onnx FOCUS.onnx --engine {plan}"
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BundleError(
            f"there is no {path.name} beside {plan}, and without it nobody knows what the plan is for; copy it along, "
            f"or build the plan again: {build}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"cannot read {path} ({error}); build the plan again: {build}") from None
    try:
        return PlanFacts.model_validate_json(content)
    except ValidationError as error:
        raise BundleError(
            f"{path} does not hold the facts that this version of FOCUS reads ({first_fault(error, 'file')}); "
            f"build the plan again: {build}"
        ) from None


def require_fits(
    facts: PlanFacts, plan_sha256: str, tensorrt_version: str, gpu_name: str, compute_capability: str
) -> None:
    """Refuses a plan that would not load here, or that is not the one that was built.

    Args:
        facts: from ``read_sidecar``.
        plan_sha256: of the plan's file as it is now.
        tensorrt_version: that would load it.
        gpu_name, compute_capability: of the GPU that would run it, as in ``GpuFacts``.
    Raises:
        BundleError: naming the first thing that differs, and the command that builds the plan again.
    """
    again = f"build it again here: {facts.rebuild}"
    if plan_sha256 != facts.plan_sha256:
        raise BundleError(
            f"{facts.plan} is not the plan that its {facts.plan}.json describes: it was changed, cut off, or replaced "
            f"since it was built; copy both files again, or {again}"
        )
    if not _version_fits(facts, tensorrt_version):
        raise BundleError(
            f"{facts.plan} was built by TensorRT {facts.tensorrt_version}, here is {tensorrt_version}; {again}"
            + (" (a version-compatible plan runs on newer releases of its major version)" * facts.version_compatible)
        )
    if (gpu_name, compute_capability) == (facts.gpu_name, facts.compute_capability):
        return
    if not facts.hardware_compatible or int(compute_capability.partition(".")[0]) < AMPERE:
        raise BundleError(
            f"{facts.plan} was built for {facts.gpu_name} (compute capability {facts.compute_capability}), here is "
            f"{gpu_name} ({compute_capability}); {again}"
            + (" (a hardware-compatible plan runs on Ampere, 8.0, and newer)" * facts.hardware_compatible)
        )


def _version_fits(facts: PlanFacts, version: str) -> bool:
    if version == facts.tensorrt_version:
        return True
    built, here = version_numbers(facts.tensorrt_version), version_numbers(version)
    return facts.version_compatible and built[0] == here[0] and built <= here
