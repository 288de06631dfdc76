"""The engine contract on every backend, and the files that engines refuse."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus.kernels.cuda import DeviceError, Gpu
from focus.runtime import BundleError, _processor
from focus.runtime.engines import OpenVinoEngine, _open, engine_from_path
from focus.runtime.engines._cache import cache_folder
from support.host_engines import played_gpu
from support.toy_model import Toy

#: Of outputs that lie within 0..1 or near it: bf16 has 8 bits.
TOLERANCE = {"fp32": 1e-5, "bf16": 2e-2}


@pytest.fixture
def model(tmp_path):
    return Toy().save(tmp_path / "toy.onnx")


@pytest.fixture(params=["openvino", "onnxruntime", "onnxruntime-cuda"])
def backend(request):
    """Of a ``.onnx``. Plans are held by tests/runtime/tensorrt; the GPU is played by the host."""
    if request.param != "onnxruntime-cuda":
        yield request.param
        return
    with played_gpu():
        yield request.param


def inputs(windows: int = 2):
    rng = np.random.default_rng(0)
    return rng.standard_normal((windows, 12, 12), np.float32), rng.standard_normal((windows, 3, 12, 16), np.float32)


def test_outputs_follow_the_contract(model, backend):
    means, composite = inputs()
    with engine_from_path(model, threads=1, backend=backend) as engine:
        outputs = engine.infer(means, composite)
    assert [value.shape for value in outputs] == [(2, 3), (2, 2, 3, 3, 12), (2, 2, 3, 3)]
    assert {value.dtype for value in outputs} == {np.dtype(np.float32)}
    total = outputs.attention.sum(axis=-1) + outputs.sink_mass
    np.testing.assert_allclose(total, 1, rtol=TOLERANCE[engine.precision])


def test_the_toy_attends_where_its_bands_say(model, backend):
    """Guards the other tests: a network whose attention ignored the band means would let them pass for nothing."""
    toy = Toy()
    means, composite = inputs(1)
    means[:] = 0.0
    means[0, 7, 4] = 3.0
    with engine_from_path(model, backend=backend) as engine:
        outputs = engine.infer(means, composite)
    group = engine.bundle.group_of_band[4]
    shown = int(np.argmax(toy.weights[:, 4]))
    assert np.argmax(outputs.attention[0, 0, shown, group]) == 7
    assert np.argmax(outputs.logits[0]) == shown


def test_windows_of_a_batch_do_not_mix(model, backend):
    means, composite = inputs(3)
    with engine_from_path(model, backend=backend) as engine:
        together = engine.infer(means, composite)
        alone = engine.infer(means[1:2], composite[1:2])
    for both, one in zip(together, alone, strict=True):
        np.testing.assert_allclose(both[1:2], one, rtol=1e-5, atol=TOLERANCE[engine.precision])


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_any_number_of_windows_goes_through_any_batch(model, backend, batch):
    means, composite = inputs(3)
    with engine_from_path(model, backend=backend) as engine:
        alone = [engine.infer(means[i : i + 1], composite[i : i + 1]) for i in range(3)]
    with engine_from_path(model, backend=backend, batch=batch) as engine:
        together = engine.infer(means, composite)
    for index, found in enumerate(together):
        expected = np.concatenate([one[index] for one in alone])
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=TOLERANCE[engine.precision])


def test_only_inside_its_block_and_only_its_shapes(model, backend):
    means, composite = inputs()
    engine = engine_from_path(model, backend=backend)
    with engine:
        with pytest.raises(ValueError, match=r"reads band_means \[B, 12, 12\] and composite .*got \[2, 12, 11\]"):
            engine.infer(means[:, :, :11], composite)
        with pytest.raises(ValueError, match="reads band_means"):
            engine.infer(means, composite[:1])
    with pytest.raises(RuntimeError, match="inside its `with` block"):
        engine.infer(means, composite)
    with engine:
        assert engine.infer(means, composite).logits.shape == (2, 3)


def test_outputs_do_not_change_with_the_next_pass(model, backend):
    means, composite = inputs(1)
    with engine_from_path(model, backend=backend) as engine:
        first = engine.infer(means, composite)
        kept = [value.copy() for value in first]
        engine.infer(-means, composite + 1)
    for now, then in zip(first, kept, strict=True):
        np.testing.assert_array_equal(now, then)


def test_backends_agree(model):
    means, composite = inputs()
    with engine_from_path(model, backend="onnxruntime") as engine:
        exact = engine.infer(means, composite)
    with OpenVinoEngine(model, precision="fp32") as engine:
        assert engine.precision == "fp32"
        for found, expected in zip(engine.infer(means, composite), exact, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    with engine_from_path(model, backend="openvino") as engine:
        for found, expected in zip(engine.infer(means, composite), exact, strict=True):
            np.testing.assert_allclose(found, expected, atol=TOLERANCE[engine.precision])


@pytest.mark.parametrize(
    ("flags", "precision"), [({"avx2"}, "fp32"), ({"amx_bf16"}, "bf16"), ({"avx512_bf16"}, "bf16")]
)
def test_bf16_is_never_emulated(model, monkeypatch, flags, precision):
    monkeypatch.setattr(_processor, "processor_flags", lambda: frozenset(flags))
    assert engine_from_path(model, backend="openvino").precision == precision


def test_openvino_is_taken_where_it_is_installed(model, monkeypatch):
    assert engine_from_path(model).name == "openvino"
    monkeypatch.setattr(_open, "find_spec", lambda name: None)
    assert engine_from_path(model).name == "onnxruntime"
    with pytest.raises(ValueError, match="unknown backend 'tensorflow'; there are openvino, onnxruntime"):
        engine_from_path(model, backend="tensorflow")


def test_a_gpu_is_taken_where_onnx_runtime_can_use_it(model, monkeypatch):
    monkeypatch.setattr(_open, "has_cuda_provider", lambda: True)

    def no_gpu():
        raise DeviceError("no NVIDIA driver on this machine")

    monkeypatch.setattr(_open, "gpu_facts", no_gpu)
    assert engine_from_path(model).name == "openvino"
    monkeypatch.setattr(_open, "gpu_facts", lambda: Gpu("Titan V", 70, 12060, False, 0))
    assert engine_from_path(model).name == "openvino"  # older than what the kernels are made for
    monkeypatch.setattr(_open, "gpu_facts", lambda: Gpu("Orin", 87, 12060, True, 0))
    with played_gpu():
        assert engine_from_path(model).name == "onnxruntime-cuda"
        assert engine_from_path(model, backend="openvino").name == "openvino"


@pytest.mark.parametrize("asked", [1, 2, 7])
def test_a_file_for_a_fixed_number_of_windows_runs_on_the_gpu(tmp_path, asked):
    import onnx

    model = onnx.load(Toy().save(tmp_path / "free.onnx"))
    for put in [*model.graph.input, *model.graph.output]:
        put.type.tensor_type.shape.dim[0].dim_value = 3
    onnx.save(model, tmp_path / "fixed.onnx")
    with played_gpu():
        with engine_from_path(tmp_path / "fixed.onnx", backend="onnxruntime-cuda", batch=asked) as engine:
            found = engine.infer(*inputs(5))
        with engine_from_path(tmp_path / "free.onnx", backend="onnxruntime-cuda") as engine:
            expected = engine.infer(*inputs(5))
    np.testing.assert_allclose(found.logits, expected.logits, rtol=1e-5, atol=1e-6)


def test_backends_that_do_not_fit_the_file(model, tmp_path):
    with pytest.raises(BundleError, match=r"toy\.onnx is no plan; focus-build --onnx .*toy\.onnx --engine .*toy\.plan"):
        engine_from_path(model, backend="tensorrt")
    plan = tmp_path / "rig.plan"
    plan.write_bytes(b"plan")
    with pytest.raises(BundleError, match=r"rig\.plan is a TensorRT plan, which openvino does not run"):
        engine_from_path(plan, backend="openvino")
    with pytest.raises(BundleError, match=r"there is no rig\.plan\.json beside"):
        engine_from_path(plan)


def test_onnx_runtime_without_cuda_says_what_to_install(model, monkeypatch):
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(
        BundleError, match=r"has no CUDAExecutionProvider; pip uninstall onnxruntime, then pip install onnx"
    ):
        engine_from_path(model, backend="onnxruntime-cuda")


def test_another_model_of_the_same_name_size_and_date_is_compiled_anew(tmp_path, monkeypatch):
    """OpenVINO's own cache would go on running the first one."""
    monkeypatch.setenv("FOCUS_CACHE", str(tmp_path / "cache"))
    path, found = tmp_path / "toy.onnx", []
    means, composite = inputs(1)
    for band in (0, 5, 0):
        read = np.zeros((3, 12))
        read[:, band] = 1.0
        Toy(read=read).save(path)
        os.utime(path, (1e9, 1e9))
        with engine_from_path(path, backend="openvino") as engine:
            found.append(engine.infer(means, composite).logits)
    assert not np.allclose(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert len(list((tmp_path / "cache" / "openvino").iterdir())) == 2


@pytest.mark.parametrize("pattern", ["*.blob", "model.bin", "model.xml"])
def test_a_cut_off_cache_is_done_without(tmp_path, model, monkeypatch, pattern):
    monkeypatch.setenv("FOCUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_processor, "processor_flags", lambda: frozenset({"avx512_bf16"}))
    means, composite = inputs(1)
    with engine_from_path(model, backend="openvino") as engine:
        expected = engine.infer(means, composite).logits
    for file in (tmp_path / "cache").rglob(pattern if pattern == "*.blob" else "*"):
        if file.match(pattern):
            file.chmod(0o644)
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        elif file.suffix == ".blob":
            file.unlink()
    with engine_from_path(model, backend="openvino") as engine:
        np.testing.assert_allclose(engine.infer(means, composite).logits, expected, atol=TOLERANCE["bf16"])


def test_only_the_models_used_last_are_kept_and_nothing_else_is_touched(tmp_path, monkeypatch):
    monkeypatch.setenv("FOCUS_CACHE", str(tmp_path))
    home = tmp_path / "openvino"
    for name in ("lib", "python", "share", "docs", "include"):
        (home / name).mkdir(parents=True)
    for index in range(6):
        folder = cache_folder("openvino", f"{index}" * 64)
        assert folder.is_dir()
        os.utime(folder, (2e9 - index, 2e9 - index))  # a clock that runs backwards
    kept = {path.name[0] for path in home.iterdir() if path.name[0].isdigit()}
    assert len(kept) == 4 and "5" in kept
    assert {"lib", "python", "share", "docs", "include"} <= {path.name for path in home.iterdir()}


def test_a_user_without_a_home_does_without_a_cache(monkeypatch, tmp_path):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("FOCUS_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    assert cache_folder("openvino", "0" * 64) is None
    monkeypatch.setenv("FOCUS_CACHE", str(tmp_path))
    assert cache_folder("openvino", "0" * 64) is not None


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, model, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FOCUS_CACHE", str(tmp_path / "file"))
    assert cache_folder("openvino", "0" * 64) is None
    means, composite = inputs(1)
    with engine_from_path(model, backend="openvino") as engine:
        assert np.isfinite(engine.infer(means, composite).logits).all()


@given(st.integers(0, 4000), st.binary(max_size=8))
def test_a_damaged_file_is_said_to_be_one(tmp_path_factory, place, change):
    folder = tmp_path_factory.mktemp("damaged")
    content = Toy().save(folder / "toy.onnx").read_bytes()
    path = folder / "changed.onnx"
    path.write_bytes(content[: min(place, len(content) - 9)] + change)
    with pytest.raises(BundleError, match=r"changed\.onnx.*(not a readable ONNX model|not a FOCUS model|not valid)"):
        engine_from_path(path)


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
    with pytest.raises(BundleError, match=r"no plan .*rig\.plan; build one with focus-build --onnx FOCUS\.onnx"):
        engine_from_path(tmp_path / "rig.plan")


def test_a_file_that_changed_since_it_was_opened_is_not_kept_as_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setenv("FOCUS_CACHE", str(tmp_path / "cache"))
    path, first, second = tmp_path / "toy.onnx", np.zeros((3, 12)), np.zeros((3, 12))
    first[:, 0], second[:, 5] = 1.0, 1.0
    engine = engine_from_path(Toy(read=first).save(path), backend="openvino")
    Toy(read=second).save(path)
    with pytest.raises(BundleError, match=r"toy\.onnx has changed since it was opened; open it again"):
        engine.__enter__()
    means, composite = inputs(1)
    with engine_from_path(Toy(read=first).save(path), backend="openvino") as engine:
        found = engine.infer(means, composite).logits
    with engine_from_path(path, backend="onnxruntime") as engine:
        np.testing.assert_allclose(found, engine.infer(means, composite).logits, atol=TOLERANCE["bf16"])


def test_bf16_without_the_hardware_is_refused(model, monkeypatch):
    monkeypatch.setattr(_processor, "processor_flags", lambda: frozenset({"avx2"}))
    with pytest.raises(ValueError, match=r"does not compute bf16 itself.*use fp32"):
        OpenVinoEngine(model, precision="bf16")


def test_no_window_is_no_batch(model, backend):
    means, composite = inputs(1)
    with engine_from_path(model, backend=backend) as engine, pytest.raises(ValueError, match=r"got \[0, 12, 12\]"):
        engine.infer(means[:0], composite[:0])


@pytest.mark.parametrize("own", ["openvino", "onnxruntime"])
def test_a_file_with_a_batch_of_its_own_takes_any_number_of_windows(model, tmp_path, own):
    """As ``focus-export --batch 2`` makes it."""
    fixed = onnx.load(model)
    for put in fixed.graph.input:
        put.type.tensor_type.shape.dim[0].dim_value = 2
    onnx.save(fixed, tmp_path / "two.onnx")
    means, composite = inputs(3)
    with engine_from_path(model, threads=1, backend=own) as engine:
        wanted = engine.infer(means, composite)
    with engine_from_path(tmp_path / "two.onnx", threads=1, backend=own) as engine:
        found = engine.infer(means, composite)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=TOLERANCE[engine.precision])
