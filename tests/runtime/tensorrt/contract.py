"""The build against the real classes of one TensorRT version; ``test_contract.py`` runs this file once a version, in a
process of its own with that version's bindings on its paths.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import call

import numpy as np
import pytest
import tensorrt_bindings as trt

from focus.runtime import BundleError, FocusError
from focus.runtime.agreement import Limits, simulated_windows
from focus.runtime.engines import OnnxRuntimeEngine
from focus.runtime.tensorrt import BatchProfile, BuildOptions, GpuFacts, read_sidecar, require_fits
from focus.runtime.tensorrt._build import build, source_from_onnx
from focus.runtime.tensorrt._check import CheckWindows, reference_of
from focus.runtime.tensorrt._plan import built_plan
from support.autospec import ModuleWith, instance_of
from support.toy_model import Toy

GPU = GpuFacts("NVIDIA H100 80GB HBM3", "9.0", "13.0")
PLAN = b"the bytes of a plan"
NEW = int(trt.__version__.partition(".")[0]) >= 11


class Machine:
    """TensorRT with a builder and a parser that only keep to their classes.

    Attributes:
        trt: the module as our code gets it.
        said: level and text of what the builder logs.
    """

    def __init__(self, batch: int = -1) -> None:
        self.said: list[tuple[Any, str]] = []
        shapes = {"band_means": (batch, 12, 12), "composite": (batch, 3, 12, 16)}
        self.inputs = [instance_of(trt.ITensor, name=name, shape=shape) for name, shape in shapes.items()]
        self.network = instance_of(trt.INetworkDefinition, num_inputs=2)
        self.network.get_input.side_effect = lambda index: self.inputs[index]
        self.parser = instance_of(trt.OnnxParser, parse_from_file=True)
        self.profile = instance_of(trt.IOptimizationProfile)
        self.cache = instance_of(trt.ITimingCache, serialize=b"timings")
        self.config = instance_of(
            trt.IBuilderConfig, create_timing_cache=self.cache, get_timing_cache=self.cache, set_timing_cache=True
        )
        self.builder = instance_of(
            trt.Builder,
            create_network=self.network,
            create_builder_config=self.config,
            create_optimization_profile=self.profile,
        )
        self.builder.build_serialized_network.side_effect = self.serialize
        self.plan: bytes | None = PLAN
        self.trt: Any = ModuleWith(trt, Builder=self.new_builder, OnnxParser=self.new_parser)

    def new_builder(self, logger: trt.ILogger) -> Any:
        assert isinstance(logger, trt.ILogger)
        self.logger = logger
        return self.builder

    def new_parser(self, network: Any, logger: trt.ILogger) -> Any:
        assert network is self.network and logger is self.logger
        return self.parser

    def serialize(self, network: Any, config: Any) -> bytes | None:
        """As TensorRT does: logs, and reports to the monitor that the configuration was given."""
        assert network is self.network and config is self.config
        for level, text in self.said:
            self.logger.log(level, text)
        monitor = config.progress_monitor
        assert isinstance(monitor, trt.IProgressMonitor)
        monitor.phase_start("Building engine", None, 2)
        for step in range(2):
            monitor.phase_start("Tactics", "Building engine", 4)
            for inner in range(4):
                if not monitor.step_complete("Tactics", inner):
                    return None
            monitor.phase_finish("Tactics")
            if not monitor.step_complete("Building engine", step):
                return None
        monitor.phase_finish("Building engine")
        return self.plan


@pytest.fixture
def onnx(tmp_path: Path) -> Path:
    return Toy().save(tmp_path / "toy.onnx")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOCUS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tensorrt"


def whole_build(machine: Machine, onnx: Path, options: BuildOptions | None = None, **more: Any) -> Any:
    source = source_from_onnx(onnx)
    windows = simulated_windows(source.file.bundle, 3)
    return build(
        source,
        onnx.parent / "toy.plan",
        options or BuildOptions(),
        GPU,
        machine.trt,
        check=lambda: CheckWindows(windows, "simulated leaves"),
        reference=reference_of(onnx),
        limits=more.pop("limits", Limits(logits=0.05)),
        engine=more.pop("engine", lambda plan: OnnxRuntimeEngine(onnx)),
        **more,
    )


def test_this_is_the_version_it_is_said_to_be() -> None:
    assert trt.__version__.startswith(os.environ["TENSORRT_UNDER_TEST"])


def test_a_plan_and_its_sidecar(onnx: Path, cache: Path) -> None:
    machine, seen = Machine(), []
    outcome = whole_build(machine, onnx, progress=lambda *told: seen.append(told))
    plan = onnx.with_name("toy.plan")
    assert plan.read_bytes() == PLAN  # trtexec loads a plain plan and nothing else
    assert outcome.kept and outcome.shortfall is None
    facts = read_sidecar(plan)
    assert facts == outcome.facts and facts.bundle == Toy().bundle()
    assert (facts.tensorrt_version, facts.gpu_name, facts.compute_capability) == (trt.__version__, GPU.name, "9.0")
    assert (facts.precision, str(facts.batch), facts.onnx) == ("fp32", "1", "toy.onnx")
    assert facts.check is not None and facts.check.passed and facts.check.windows == 3
    assert facts.check.reference == "toy.onnx itself in ONNX Runtime on the CPU"
    require_fits(facts, facts.plan_sha256, trt.__version__, GPU.name, "9.0")
    [kept] = cache.iterdir()
    assert kept.name == f"nvidia-h100-80gb-hbm3-sm90-{trt.__version__}.timings" and kept.read_bytes() == b"timings"
    assert {path.name for path in onnx.parent.iterdir()} == {"toy.onnx", "toy.plan", "toy.plan.json", "cache"}
    shares = [done for what, done, _ in seen if what == "building: Building engine"]
    assert shares == sorted(shares) and shares[0] == 0.0 and shares[-1] == 1.0 and 0.125 in shares
    assert ("checking", 3, 3) in seen


def test_the_network_is_strongly_typed_and_nothing_sets_a_precision(onnx: Path) -> None:
    machine = Machine()
    built_plan(machine.trt, onnx, BuildOptions())
    machine.builder.create_network.assert_called_once_with(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    machine.parser.parse_from_file.assert_called_once_with(str(onnx))
    machine.config.set_flag.assert_not_called()
    machine.config.set_memory_pool_limit.assert_not_called()
    assert machine.config.builder_optimization_level == 3


def test_one_window_is_a_static_network(onnx: Path) -> None:
    machine = Machine()
    assert str(built_plan(machine.trt, onnx, BuildOptions()).batch) == "1"
    assert [put.shape for put in machine.inputs] == [(1, 12, 12), (1, 3, 12, 16)]
    machine.config.add_optimization_profile.assert_not_called()


def test_a_dynamic_batch_is_a_profile(onnx: Path) -> None:
    machine = Machine()
    built = built_plan(machine.trt, onnx, BuildOptions(batch=BatchProfile.from_text("1,4,8")))
    assert str(built.batch) == "1,4,8"
    assert machine.profile.set_shape.call_args_list == [
        call("band_means", (1, 12, 12), (4, 12, 12), (8, 12, 12)),
        call("composite", (1, 3, 12, 16), (4, 3, 12, 16), (8, 3, 12, 16)),
    ]
    machine.config.add_optimization_profile.assert_called_once_with(machine.profile)
    assert [put.shape[0] for put in machine.inputs] == [-1, -1]


def test_a_file_of_a_fixed_batch_keeps_it(onnx: Path) -> None:
    assert str(built_plan(Machine(batch=4).trt, onnx, BuildOptions()).batch) == "4"
    with pytest.raises(
        BundleError, match="reads 4 windows at once and nothing else, --batch asks for 1; take --batch 4"
    ):
        built_plan(Machine(batch=4).trt, onnx, BuildOptions(batch=BatchProfile()))


def test_options(onnx: Path) -> None:
    machine = Machine()
    options = BuildOptions(workspace_mib=512, optimisation_level=5, hardware_compatible=True, version_compatible=True)
    built_plan(machine.trt, onnx, options)
    machine.config.set_memory_pool_limit.assert_called_once_with(trt.MemoryPoolType.WORKSPACE, 512 << 20)
    machine.config.set_flag.assert_called_once_with(trt.BuilderFlag.VERSION_COMPATIBLE)
    assert machine.config.builder_optimization_level == 5
    assert machine.config.hardware_compatibility_level == trt.HardwareCompatibilityLevel.AMPERE_PLUS


def test_a_file_that_the_parser_refuses(onnx: Path) -> None:
    machine = Machine()
    machine.parser = instance_of(trt.OnnxParser, parse_from_file=False, num_errors=3)
    machine.parser.get_error.side_effect = lambda index: instance_of(
        trt.ParserError, desc="no importer\nregistered", node=7, node_name="node_att", node_operator="Attention"
    )
    with pytest.raises(BundleError) as caught:
        built_plan(machine.trt, onnx, BuildOptions())
    assert str(caught.value) == (
        f"TensorRT {trt.__version__} cannot read {onnx} (node 7, node_att (Attention): no importer registered, and 2 "
        "more); export it again with focus-export --opset 20"
    )


def test_a_build_that_fails_says_why_and_leaves_nothing(onnx: Path, cache: Path) -> None:
    machine = Machine()
    machine.plan, machine.said = None, [(trt.ILogger.ERROR, "Out of\nmemory"), (trt.ILogger.ERROR, "later")]
    with pytest.raises(FocusError, match=r"built no plan of .*toy\.onnx \(Out of memory\); close what else uses"):
        whole_build(machine, onnx)
    assert {path.name for path in onnx.parent.iterdir()} == {"toy.onnx", "cache"}
    assert not any(cache.iterdir())


def test_warnings_are_collected_and_each_is_kept_once(onnx: Path) -> None:
    machine, levels = Machine(), trt.ILogger
    machine.said = [(levels.WARNING, "slow"), (levels.INFO, "chatter"), (levels.WARNING, "slow"), (levels.WARNING, "b")]
    assert whole_build(machine, onnx).facts.warnings == ("slow", "b")


def test_a_builder_that_does_not_start(onnx: Path) -> None:
    def none(logger: Any) -> Any:
        logger.log(trt.ILogger.ERROR, "CUDA initialization failure with error: 35")
        raise TypeError("pybind11::init(): factory function returned nullptr")

    with pytest.raises(FocusError, match=r"does not start here \(CUDA initialization failure with error: 35\)"):
        built_plan(ModuleWith(trt, Builder=none), onnx, BuildOptions())  # type: ignore[arg-type]


def test_kept_timings_are_given_to_the_next_build(onnx: Path, cache: Path) -> None:
    whole_build(Machine(), onnx)
    again = Machine()
    whole_build(again, onnx)
    assert again.config.create_timing_cache.call_args_list == [call(b"timings")]
    again.config.set_timing_cache.assert_called_once_with(again.cache, ignore_mismatch=False)


def test_timings_that_do_not_fit_are_replaced_by_none(onnx: Path, cache: Path) -> None:
    whole_build(Machine(), onnx)
    again = Machine()
    again.config.set_timing_cache.side_effect = [False, True]
    whole_build(again, onnx)
    assert again.config.create_timing_cache.call_args_list == [call(b"timings"), call(b"")]


def test_no_folder_for_timings_is_no_reason_to_fail(onnx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOCUS_CACHE", str(onnx))
    machine = Machine()
    assert whole_build(machine, onnx).kept
    machine.config.set_timing_cache.assert_not_called()


def test_interrupting_stops_at_the_next_step_and_leaves_nothing(onnx: Path) -> None:
    machine, shares = Machine(), []
    before = signal.getsignal(signal.SIGINT)  # a job in the background ignores it

    def interrupt(what: str, share: float, total: float) -> None:
        shares.append(share)
        if len(shares) == 3:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        whole_build(machine, onnx, progress=interrupt)
    assert max(shares) < 0.5
    assert {path.name for path in onnx.parent.iterdir()} == {"toy.onnx", "cache"}
    assert signal.getsignal(signal.SIGINT) is before


class Wrong(OnnxRuntimeEngine):
    """Answers what it should, the other way round."""

    def infer(self, band_means: Any, composite: Any) -> Any:
        found = super().infer(band_means, composite)
        return found._replace(logits=-found.logits, attention=np.ascontiguousarray(found.attention[..., ::-1]))


@pytest.mark.parametrize("keep", [False, True])
def test_a_plan_that_says_something_else_is_kept_only_if_the_user_insists(onnx: Path, keep: bool) -> None:
    outcome = whole_build(Machine(), onnx, engine=lambda plan: Wrong(onnx), keep_anyway=keep)
    assert outcome.shortfall is not None and outcome.kept is keep
    assert onnx.with_name("toy.plan").exists() is keep
    if keep:
        sidecar = json.loads(onnx.with_name("toy.plan.json").read_text())
        assert sidecar["check"]["passed"] is False and sidecar["check"]["agreement"] < 0.98


class Broken(OnnxRuntimeEngine):
    """Overflows, as FP16 norms do."""

    def infer(self, band_means: Any, composite: Any) -> Any:
        found = super().infer(band_means, composite)
        return found._replace(**{name: np.full_like(value, np.nan) for name, value in found._asdict().items()})


def test_a_plan_that_computes_nan_fails(onnx: Path) -> None:
    assert not whole_build(Machine(), onnx, engine=lambda plan: Broken(onnx)).kept
    limits = Limits(-1, -1, -1, logits=0.05)
    outcome = whole_build(Machine(), onnx, engine=lambda plan: Broken(onnx), keep_anyway=True, limits=limits)
    assert outcome.shortfall is not None and outcome.kept
    check = read_sidecar(onnx.with_name("toy.plan")).check
    assert check is not None and not check.passed and np.isnan(check.logit_difference)


def test_the_plan_under_check_lies_beside_its_sidecar(onnx: Path) -> None:
    seen = SimpleNamespace()

    def engine(plan: Path) -> OnnxRuntimeEngine:
        seen.plan, seen.content, seen.facts = plan, plan.read_bytes(), read_sidecar(plan)
        return OnnxRuntimeEngine(onnx)

    whole_build(Machine(), onnx, engine=engine)
    assert seen.content == PLAN and seen.facts.check is None and not seen.plan.exists()
    require_fits(seen.facts, seen.facts.plan_sha256, trt.__version__, GPU.name, GPU.compute_capability)


def test_the_contract_refuses_what_this_version_does_not_have() -> None:
    """Guards the tests above: they would notice."""
    config = Machine().config
    with pytest.raises(AttributeError):
        config.set_flag(trt.BuilderFlag.NO_SUCH_FLAG)
    with pytest.raises(AttributeError):
        config.max_workspace_size = 1 << 30  # of TensorRT 8
    with pytest.raises(TypeError, match="set_timing_cache"):
        config.set_timing_cache(Machine().cache, ignore=False)
    with pytest.raises(TypeError, match="parse_from_file"):
        Machine().parser.parse_from_file()


def test_the_precision_flags_are_gone_in_11() -> None:
    machine = Machine()

    def as_for_10(config: Any) -> None:
        config.set_flag(machine.trt.BuilderFlag.FP16)

    if not NEW:
        as_for_10(machine.config)
        machine.config.set_flag.assert_called_once_with(trt.BuilderFlag.FP16)
        assert machine.config.int8_calibrator is not None
        return
    with pytest.raises(AttributeError, match="FP16"):
        as_for_10(machine.config)
    with pytest.raises(AttributeError, match="int8_calibrator"):
        machine.config.int8_calibrator = object()
    with pytest.raises(AttributeError, match="EXPLICIT_BATCH"):
        machine.trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH  # noqa: B018
