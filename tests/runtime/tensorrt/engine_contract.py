"""``TensorRTEngine`` against the real classes of one TensorRT version; ``test_contract.py`` runs this file once
a version. What TensorRT would do on a GPU is done by ONNX Runtime: the bytes of these plans are an ONNX file.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import tensorrt_bindings as trt

from focus.kernels.cuda import DeviceError
from focus.runtime import BundleError
from focus.runtime.engines import OnnxRuntimeEngine, TensorRTEngine, _device, engine_from_path
from focus.runtime.sources import Replay
from focus.runtime.tensorrt import BatchProfile, BuildOptions, PlanFacts, write_sidecar
from support.autospec import ModuleWith, instance_of
from support.host_driver import HostDriver, host_device
from support.runs import run
from support.scenes import cube
from support.toy_model import Toy

OUTPUTS = ("logits", "attention", "sink_mass")


class Played:
    """TensorRT's runtime, engine and context."""

    def __init__(self, driver: HostDriver) -> None:
        self.driver = driver
        self.addresses: dict[str, int] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        names = ["band_means", "composite", *OUTPUTS]
        self.context = instance_of(trt.IExecutionContext)
        self.context.set_input_shape.side_effect = lambda name, shape: self.shapes.update({name: shape}) is None
        self.context.set_tensor_address.side_effect = lambda name, at: self.addresses.update({name: at}) is None
        self.context.execute_async_v3.side_effect = self.execute
        self.engine = instance_of(
            trt.ICudaEngine,
            num_io_tensors=len(names),
            create_execution_context=self.context,
            get_tensor_dtype=trt.DataType.FLOAT,
        )
        self.engine.get_tensor_name.side_effect = names.__getitem__
        self.runtime = instance_of(trt.Runtime)
        self.runtime.deserialize_cuda_engine.side_effect = self.deserialize
        self.module: Any = ModuleWith(trt, Runtime=self.new_runtime)

    def new_runtime(self, logger: trt.ILogger) -> Any:
        assert isinstance(logger, trt.ILogger)
        self.logger = logger
        return self.runtime

    def deserialize(self, content: bytes) -> Any:
        self.session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
        return self.engine

    def execute(self, stream: int) -> bool:
        def infer() -> None:
            binding = self.session.io_binding()
            for put in self.session.get_inputs():
                shape = self.shapes[put.name]
                binding.bind_input(put.name, "cpu", 0, np.float32, shape, self.addresses[put.name])
            batch = self.shapes["composite"][0]
            for put in self.session.get_outputs():
                shape = (batch, *put.shape[1:])
                binding.bind_output(put.name, "cpu", 0, np.float32, shape, self.addresses[put.name])
            self.session.run_with_iobinding(binding)

        self.driver._do(stream, infer)
        return True


@pytest.fixture
def played(monkeypatch):
    driver = HostDriver()
    found = Played(driver)
    monkeypatch.setitem(sys.modules, "tensorrt", found.module)
    monkeypatch.setattr(_device, "CudaDevice", lambda *_, stream=None, **__: host_device(driver, stream=stream)[0])
    return found


def plan(folder: Path, **changes: Any) -> Path:
    """A plan and its sidecar."""
    path = Toy().save(folder / "focus.plan")
    content = path.read_bytes()
    facts: dict[str, Any] = {
        "bundle": Toy().bundle(),
        "plan": "focus.plan",
        "plan_sha256": hashlib.sha256(content).hexdigest(),
        "plan_bytes": len(content),
        "onnx": "focus.onnx",
        "onnx_sha256": "0" * 64,
        "tensorrt_version": trt.__version__,
        "cuda_version": "12.6",
        "gpu_name": "this host",
        "compute_capability": "8.7",
        "precision": "fp32",
        "batch": BatchProfile(),
        "options": BuildOptions(),
        **changes,
    }
    write_sidecar(path, PlanFacts(**facts))
    return path


def inputs(windows: int = 2):
    rng = np.random.default_rng(0)
    return rng.standard_normal((windows, 12, 12), np.float32), rng.standard_normal((windows, 3, 12, 16), np.float32)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_outputs_are_those_of_onnx_runtime(played, tmp_path, batch):
    path = plan(tmp_path, batch=BatchProfile(least=1, best=2, most=3))
    with engine_from_path(path, batch=batch) as engine:
        assert (engine.name, engine.precision) == ("tensorrt", "fp32")
        found = engine.infer(*inputs(5))
    with OnnxRuntimeEngine(path) as reference:
        expected = reference.infer(*inputs(5))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert not played.driver.held
    with pytest.raises(RuntimeError, match="the engine is closed"):
        engine.infer(*inputs())


def test_the_whole_way_through_is_recorded_and_replayed(played, tmp_path):
    path = plan(tmp_path)
    found, summary = run(Replay(cube(40, 45)), engine_from_path(path))
    expected, _ = run(Replay(cube(40, 45)), OnnxRuntimeEngine(path))
    assert played.driver.replayed == summary.windows - 1
    np.testing.assert_allclose(found.stacked("heatmap"), expected.stacked("heatmap"), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.stacked("scores"), expected.stacked("scores"), rtol=1e-3, atol=1e-4)


def refused(path: Path, message: str, kind: type[Exception] = BundleError) -> None:
    with pytest.raises(kind, match=message), engine_from_path(path):
        pass


def test_what_does_not_fit_is_said_before_tensorrt_sees_it(played, tmp_path):
    refused(
        plan(tmp_path, gpu_name="NVIDIA H100", compute_capability="9.0"), "was built for NVIDIA H100 .*, here is this"
    )
    refused(plan(tmp_path, tensorrt_version="10.1.0"), r"was built by TensorRT 10\.1\.0, here is .* focus-build --onnx")
    path = plan(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    refused(path, "was changed, cut off, or replaced")
    assert not played.runtime.deserialize_cuda_engine.called
    (tmp_path / "focus.plan.json").unlink()
    refused(path, r"there is no focus\.plan\.json beside")
    path.unlink()
    refused(path, r"no plan .*focus\.plan; build one with focus-build")


def test_what_tensorrt_refuses_is_said_with_its_reason(played, tmp_path):
    def says(text: str, given: Any) -> Any:
        def refuse(*_: Any) -> Any:
            played.logger.log(trt.ILogger.Severity.ERROR, text)
            return given

        return refuse

    path = plan(tmp_path)
    played.runtime.deserialize_cuda_engine.side_effect = says("magic tag does not match", None)
    refused(path, r"does not load .*\(magic tag does not match\); build it again here: focus-build")
    played.runtime.deserialize_cuda_engine.side_effect = played.deserialize
    played.engine.create_execution_context.side_effect = says("out of memory", None)
    refused(path, r"this host has no room for .*\(out of memory\); close what else runs on it", DeviceError)
    played.engine.create_execution_context.side_effect = lambda *_: played.context
    played.context.execute_async_v3.side_effect = says("an illegal address", False)
    refused(path, r"TensorRT does not run .*\(an illegal address\)", DeviceError)
    played.engine.get_tensor_name.side_effect = ["cube", "logits", "a", "b", "c"].__getitem__
    refused(path, r"has the tensors a, b, c, cube, logits of 1 types, an engine needs attention, ")
    assert not played.driver.held


def test_a_larger_batch_than_the_plan_reads(played, tmp_path):
    with pytest.raises(
        ValueError, match=r"reads at most 1 windows at once, --batch asks for 4; focus-build .*--batch 1,4,4"
    ):
        TensorRTEngine(plan(tmp_path), 4)


def test_only_version_compatible_plans_may_bring_code(played, tmp_path):
    for allowed in (False, True):
        path = plan(tmp_path, options=BuildOptions(version_compatible=allowed))
        with engine_from_path(path):
            assert played.runtime.engine_host_code_allowed is allowed


def test_a_call_that_this_version_lacks_fails(played, tmp_path):
    with pytest.raises(AttributeError):
        _ = played.context.execute_async
    with pytest.raises(AttributeError):
        _ = played.engine.get_binding_name
