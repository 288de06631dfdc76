"""``focus-build`` without its command line: checks, builds, runs the plan, and keeps it if it is right."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

from focus.runtime._errors import BundleError, FocusError, OutputError
from focus.runtime.agreement import Limits
from focus.runtime.engines import Engine, ModelFile
from focus.runtime.engines._onnx_file import read_model_file
from focus.runtime.tensorrt._check import CheckWindows, Reference, checked, plan_engine
from focus.runtime.tensorrt._gpu import GpuFacts
from focus.runtime.tensorrt._graph import graph_facts
from focus.runtime.tensorrt._options import BuildOptions
from focus.runtime.tensorrt._plan import Built, built_plan
from focus.runtime.tensorrt._precision import Precision, precision_of
from focus.runtime.tensorrt._sidecar import PlanFacts, sidecar_path, write_sidecar
from focus.runtime.tensorrt._table import require_readable
from focus.runtime.tensorrt._timing_cache import timing_cache_file

#: Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, float, float], None]


@dataclass(frozen=True)
class Source:
    """What a plan is built from.

    Attributes:
        file: the ONNX file.
        precision: of its graph.
        opset: of the default domain.
        attention_node: whether it holds an Attention node.
    """

    file: ModelFile
    precision: Precision
    opset: int
    attention_node: bool


@dataclass(frozen=True)
class Outcome:
    """What became of a build.

    Attributes:
        facts: of the plan, with the figures of its check.
        shortfall: what is wrong with them; None if nothing is.
        kept: whether it was written.
    """

    facts: PlanFacts
    shortfall: str | None
    kept: bool


def tensorrt_module() -> ModuleType:
    """The package ``tensorrt``.

    Raises:
        ModuleNotFoundError: it is not installed; the message of the commands names the extra.
        FocusError: it is, and does not load.
    """
    try:
        return import_module("tensorrt")
    except ModuleNotFoundError:
        raise
    except (ImportError, OSError) as error:
        first = str(error).strip().partition("\n")[0]
        raise FocusError(
            f"tensorrt is installed, but does not load ({first}); "
            'run pip install --force-reinstall "focus-hsi[tensorrt]"'
        ) from None


def source_from_onnx(onnx: Path, wanted: str | None = None) -> Source:
    """Looks at the file, without TensorRT.

    Args:
        onnx: from focus-export or focus-calib quantize.
        wanted: the precision that it must have; None takes any.
    Raises:
        BundleError: it is missing, damaged, not ours, or of another precision.
    """
    if not onnx.is_file():
        raise BundleError(f"no model file {onnx}; make one with focus-export --precision fp16")
    file, graph = read_model_file(onnx), graph_facts(onnx)
    precision = precision_of(onnx, file.bundle, graph, wanted)
    return Source(file, precision, graph.opset, "Attention" in graph.operators)


def build(
    source: Source,
    target: Path,
    options: BuildOptions,
    gpu: GpuFacts,
    trt: ModuleType,
    *,
    check: Callable[[], CheckWindows],
    reference: Reference,
    limits: Limits,
    keep_anyway: bool = False,
    engine: Callable[[Path], Engine] = plan_engine,
    progress: Progress | None = None,
) -> Outcome:
    """Builds a plan in a folder of its own beside the target, runs it there, and moves it and its sidecar into place.

    Args:
        source: from ``source_from_onnx``.
        target: the plan; replaced where it exists.
        options: see ``BuildOptions``.
        gpu: that builds it, and that it is for.
        trt: the module ``tensorrt``.
        check: gives the windows that the plan is run on.
        reference: what it is compared with.
        limits: what it may lose.
        keep_anyway: write a plan that lost more.
        engine: what runs a plan.
        progress: told how far it is.
    Raises:
        BundleError: TensorRT cannot read the file.
        FocusError: this TensorRT, GPU or disk does not do it; the target is as before.
    """
    require_readable(trt.__version__, source.opset, source.attention_node, str(source.file.path))
    if options.hardware_compatible and not gpu.ampere_or_newer:
        raise FocusError(
            f"--hardware-compatible plans run on Ampere (8.0) and newer, {gpu.name} is {gpu.compute_capability}; "
            "leave the option out"
        )
    tell = progress or _nothing
    on = check()
    with _folder_beside(target) as folder:
        built = built_plan(
            trt,
            source.file.path,
            options,
            timing_cache_file(gpu, trt.__version__),
            lambda what, share: tell(f"building: {what}", share, 1.0),
        )
        plan = Path(folder) / target.name
        _write(plan, built.content)
        facts = _facts(source, target, options, gpu, trt, built)
        write_sidecar(plan, facts)
        figures, shortfall = checked(
            engine(plan), reference, on, limits, lambda done: tell("checking", done, len(on.windows))
        )
        facts = facts.model_copy(update={"check": figures})
        write_sidecar(plan, facts)
        kept = shortfall is None or keep_anyway
        if kept:
            _move(plan, target)
    return Outcome(facts, shortfall, kept)


def _folder_beside(target: Path) -> tempfile.TemporaryDirectory[str]:
    """On the target's own disk, so that moving is one step; it goes away whatever happens, Ctrl-C included."""
    try:
        return tempfile.TemporaryDirectory(dir=target.parent, prefix=".focus-build-", ignore_cleanup_errors=True)
    except OSError as error:
        raise OutputError(f"cannot write to {target.parent}: {error.strerror}; choose another --engine") from None


def _write(plan: Path, content: bytes) -> None:
    try:
        plan.write_bytes(content)
    except OSError as error:
        raise OutputError(f"cannot write {plan}: {error.strerror}; free some space or choose another place") from None


def _move(plan: Path, target: Path) -> None:
    """The plan first: whoever reads between the two moves finds a hash that does not fit, and is told so."""
    try:
        plan.replace(target)
        sidecar_path(plan).replace(sidecar_path(target))
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror}; choose another --engine") from None


def _facts(
    source: Source, target: Path, options: BuildOptions, gpu: GpuFacts, trt: ModuleType, built: Built
) -> PlanFacts:
    return PlanFacts(
        bundle=source.file.bundle,
        plan=target.name,
        plan_sha256=hashlib.sha256(built.content).hexdigest(),
        plan_bytes=len(built.content),
        onnx=source.file.path.name,
        onnx_sha256=source.file.sha256,
        tensorrt_version=str(trt.__version__),
        cuda_version=gpu.cuda_version,
        gpu_name=gpu.name,
        compute_capability=gpu.compute_capability,
        precision=source.precision,
        batch=built.batch,
        options=options,
        warnings=built.warnings,
    )


def _nothing(_what: str, _done: float, _total: float) -> None:
    """Nobody looks."""


def require_target(target: Path, overwrite: bool) -> None:
    """Refuses a target before the long work begins.

    Raises:
        ValueError: its name does not end in ``.plan`` or ``.engine``.
        OutputError: it exists, or its folder does not.
    """
    if target.suffix not in (".plan", ".engine"):
        raise ValueError(f"--engine must name a file that ends in .plan or .engine, got {target}")
    if not target.parent.is_dir():
        raise OutputError(f"there is no folder {target.parent}; make it first")
    if target.is_dir():
        raise BundleError(f"{target} is a folder; name a file")
    for file in (target, sidecar_path(target)):
        if file.exists() and not overwrite:
            raise OutputError(f"{file} exists; choose another --engine, or replace it with --overwrite")
