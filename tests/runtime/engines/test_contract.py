"""The engine contract on ONNX Runtime, and the files that it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from focus.runtime import BundleError
from focus.runtime.engines import engine_from_path
from support.toy_model import Toy


@pytest.fixture
def model(tmp_path):
    return Toy().save(tmp_path / "toy.onnx")


def inputs(windows: int = 2):
    rng = np.random.default_rng(0)
    return rng.standard_normal((windows, 12, 12), np.float32), rng.standard_normal((windows, 3, 12, 16), np.float32)


def test_outputs_follow_the_contract(model):
    means, composite = inputs()
    with engine_from_path(model, threads=1) as engine:
        outputs = engine.infer(means, composite)
    assert [value.shape for value in outputs] == [(2, 3), (2, 2, 3, 3, 12), (2, 2, 3, 3)]
    assert {value.dtype for value in outputs} == {np.dtype(np.float32)}
    np.testing.assert_allclose(outputs.attention.sum(axis=-1) + outputs.sink_mass, 1, rtol=1e-5)


def test_the_toy_attends_where_its_bands_say(model):
    """Guards the other tests: a network whose attention ignored the band means would let them pass for nothing."""
    toy = Toy()
    means, composite = inputs(1)
    means[:] = 0.0
    means[0, 7, 4] = 3.0
    with engine_from_path(model) as engine:
        outputs = engine.infer(means, composite)
    group = engine.bundle.group_of_band[4]
    shown = int(np.argmax(toy.weights[:, 4]))
    assert np.argmax(outputs.attention[0, 0, shown, group]) == 7
    assert np.argmax(outputs.logits[0]) == shown


def test_windows_of_a_batch_do_not_mix(model):
    means, composite = inputs(3)
    with engine_from_path(model) as engine:
        together = engine.infer(means, composite)
        alone = engine.infer(means[1:2], composite[1:2])
    for both, one in zip(together, alone, strict=True):
        np.testing.assert_allclose(both[1:2], one, rtol=1e-5, atol=1e-6)


def test_only_inside_its_block_and_only_its_shapes(model):
    means, composite = inputs()
    engine = engine_from_path(model)
    with engine:
        with pytest.raises(ValueError, match=r"reads band_means \[B, 12, 12\] and composite .*got \[2, 12, 11\]"):
            engine.infer(means[:, :, :11], composite)
        with pytest.raises(ValueError, match="reads band_means"):
            engine.infer(means, composite[:1])
    with pytest.raises(RuntimeError, match="inside its `with` block"):
        engine.infer(means, composite)
    with engine:
        assert engine.infer(means, composite).logits.shape == (2, 3)


def test_refuses_other_files(tmp_path, model):
    with pytest.raises(BundleError, match=r"no model file .*absent\.onnx; make one with focus-export"):
        engine_from_path(tmp_path / "absent.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(model.read_bytes()[:-200])
    with pytest.raises(BundleError, match=r"broken\.onnx is not a readable ONNX model \(.*\); copy or export it again"):
        engine_from_path(broken)
    with pytest.raises(BundleError, match=r"other\.onnx is an ONNX file but not a FOCUS model"):
        engine_from_path(Toy().save(tmp_path / "other.onnx", metadata=False))
    with pytest.raises(BundleError, match=r"has the inputs .*an engine needs band_means and composite.*--standalone"):
        engine_from_path(Toy(inputs=("cube", "picture")).save(tmp_path / "standalone.onnx"))
    with pytest.raises(BundleError, match=r"rig\.plan looks like a TensorRT plan"):
        engine_from_path(tmp_path / "rig.plan")
