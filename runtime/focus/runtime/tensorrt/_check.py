"""A plan is run before it is kept: FP16 attention has been wrong in more than one release of TensorRT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from focus.runtime._errors import BundleError
from focus.runtime.agreement import Comparison, Limits, NetInput, compare
from focus.runtime.engines import Engine, OnnxRuntimeEngine
from focus.runtime.tensorrt._precision import Precision
from focus.runtime.tensorrt._sidecar import CheckFigures

#: Most that a logit may differ, as a share of the largest. FP32 plans compute in TF32 where the GPU can; INT8 and FP8
#: round differently on a GPU than on a CPU.
MOST_LOGITS: dict[Precision, float] = {"fp32": 0.02, "fp16": 0.05, "int8": 0.2, "fp8": 0.2}


class CheckWindows(NamedTuple):
    """What a plan is checked on.

    Attributes:
        windows: at least one.
        origin: what they are, for the report.
    """

    windows: Sequence[NetInput]
    origin: str


class Reference(NamedTuple):
    """What a plan is compared with.

    Attributes:
        path: an ONNX file.
        said: what it is, for the report.
    """

    path: Path
    said: str


def reference_of(onnx: Path, given: Path | None = None) -> Reference:
    """The ONNX file that ONNX Runtime runs on the CPU beside the plan.

    Args:
        onnx: the file that the plan is built from.
        given: its FP32 twin, where the user has it; None takes ``onnx`` itself, whose FP16 or Q/DQ arithmetic ONNX
            Runtime carries out as the file says.
    Raises:
        BundleError: ``given`` is no FP32 export of the same model.
    """
    if given is None:
        return Reference(onnx, f"{onnx.name} itself in ONNX Runtime on the CPU")
    ours, theirs = OnnxRuntimeEngine(onnx).bundle, OnnxRuntimeEngine(given).bundle
    if theirs.precision != "fp32":
        raise BundleError(f"--reference {given} is {theirs.precision}; give the FP32 export of the same model")
    if ours.model_copy(update={"precision": "fp32"}) != theirs:
        raise BundleError(f"--reference {given} is another model than {onnx}; give the FP32 export of the same model")
    return Reference(given, f"{given.name} (FP32) in ONNX Runtime on the CPU")


def checked(
    plan: Engine,
    reference: Reference,
    on: CheckWindows,
    limits: Limits,
    progress: Callable[[int], None] | None = None,
) -> tuple[CheckFigures, str | None]:
    """Runs the plan and the reference on the same windows.

    Args:
        plan: not yet entered.
        reference: what it is compared with.
        on: the windows.
        limits: what it may lose.
        progress: called with the number of windows done.
    Returns: the figures, and what is wrong with them, None if nothing is.
    Raises:
        FocusError, DeviceError: the plan does not run.
    """
    with OnnxRuntimeEngine(reference.path) as exact, plan as built:
        found = compare(exact, built, on.windows, progress)
    shortfall = limits.shortfall(found)
    return _figures(found, reference, on, shortfall is None), shortfall


def _figures(found: Comparison, reference: Reference, on: CheckWindows, passed: bool) -> CheckFigures:
    return CheckFigures(
        windows=found.windows,
        origin=on.origin,
        reference=reference.said,
        agreement=found.agreement,
        spearman=found.spearman,
        spearman_worst=found.spearman_worst,
        top=found.top,
        top_worst=found.top_worst,
        logit_difference=found.logit_difference,
        passed=passed,
    )


def plan_engine(plan: Path) -> Engine:
    """What runs a plan."""
    from focus.runtime.engines import TensorRTEngine

    return TensorRTEngine(plan)
