"""``focus-calib quantize`` on the shipped model."""

from __future__ import annotations

import sys

import numpy as np
import onnx
import pytest
from repository.tree import run_python

from focus.calib.commands import main
from focus.runtime.agreement import compare
from focus.runtime.engines import OnnxRuntimeEngine, OpenVinoEngine
from focus.runtime.engines._open import default_model
from support.toy_model import Toy

SHIPPED = default_model()
MOVES = {"Gather", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze", "Cast"}


@pytest.fixture(scope="module")
def graph(int8):
    return onnx.load(int8).graph


def quantizers(graph):
    return [node for node in graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]


def test_weights_are_int8_by_channel_and_activations_by_tensor_all_with_zero_points_of_zero(graph):
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    assert {constants[node.input[2]].dtype.name for node in quantizers(graph)} == {"int8"}
    assert not any(constants[node.input[2]].any() for node in quantizers(graph))
    weights = [node for node in quantizers(graph) if node.input[0] in constants]
    # Patch embedding, adapter, 4 or more products in each of 5 patch lanes, keys and the sink's value of the last.
    assert len(weights) >= 1 + 1 + 5 * 4 + 2
    assert all(constants[node.input[0]].dtype == np.int8 and constants[node.input[1]].size > 1 for node in weights)
    activations = [node for node in quantizers(graph) if node.op_type == "QuantizeLinear"]
    assert activations and all(constants[node.input[1]].size == 1 for node in activations)


def test_the_prompt_lanes_softmax_and_the_read_out_stay_float(graph):
    makers = {name: node for node in graph.node for name in node.output}
    softmax = makers["attention"]
    while softmax.op_type in MOVES:
        softmax = makers[softmax.input[0]]
    assert softmax.op_type == "Softmax"
    reached, lane = set(softmax.output), [softmax]
    for node in graph.node:
        if reached.intersection(node.input):
            reached.update(node.output)
            lane.append(node)
    assert {"logits", "attention", "sink_mass"} <= reached
    assert not {"QuantizeLinear", "DequantizeLinear"} & {node.op_type for node in lane}
    products = [node for node in lane if node.op_type == "MatMul"]
    assert len(products) >= 5
    assert "DequantizeLinear" not in {
        makers[name].op_type for node in products for name in node.input if name in makers
    }


def test_the_bundle_is_carried_over(int8, shipped):
    found = OnnxRuntimeEngine(int8).bundle
    assert found.precision == "int8"
    assert found.model_copy(update={"precision": "fp32"}) == shipped.bundle


@pytest.mark.parametrize("kind", [OnnxRuntimeEngine, OpenVinoEngine])
def test_engines_run_it_and_it_says_and_shows_nearly_the_same(kind, int8, shipped, leaves, tmp_path, monkeypatch):
    monkeypatch.setenv("FOCUS_CACHE", str(tmp_path))
    with shipped as exact, kind(int8, 1) as coarse:
        assert coarse.precision == "int8"
        found = compare(exact, coarse, leaves)
        pair = [engine.infer(leaves[0].band_means[None], leaves[0].composite[None]) for engine in (exact, coarse)]
    assert found.agreement >= 0.95 and 0.98 < found.spearman < 1.0 and found.top > 0.9
    assert found.accuracy is not None and min(found.accuracy) > 0.8
    assert 0 < np.abs(pair[0].logits - pair[1].logits).max() < 1.0
    total = pair[1].attention.sum(-1) + pair[1].sink_mass
    assert (total > 0).all() and (total <= 1.01).all()


def test_the_file_is_small(int8):
    assert int8.stat().st_size < 0.5 * SHIPPED.stat().st_size


def command(training, out, *more):
    return main(
        ["quantize", "--onnx", str(SHIPPED), "--data", str(training), "--out", str(out), "--threads", "1", *more]
    )


def test_it_prints_what_int8_loses_and_whether_it_pays(quantized):
    path, said = quantized
    assert said.startswith("calibrated on 12 windows, checked on 12 others\nthat is few: give cubes for 16 or more")
    lines = {line.split("  ")[0]: line.split()[-3:] for line in said.splitlines()}
    for words in ("accuracy on 12 labelled windows", "agreement with FP32", "file, MB", "ONNX Runtime", "OpenVINO"):
        assert words in lines
    assert float(lines["Spearman correlation of M with FP32"][-1]) > 0.9
    assert float(lines["overlap of the top-5 bands with FP32"][-2]) > 0.9
    verdicts = [line for line in said.splitlines() if "on this processor" in line]
    assert len(verdicts) == 1 and verdicts[0].startswith(("INT8 pays", "INT8 does not pay"))
    assert said.endswith(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)\n")


def test_a_model_below_a_limit_is_not_written_and_an_earlier_file_stays(training, tmp_path, capsys):
    out = tmp_path / "int8.onnx"
    out.write_bytes(b"the one before")
    assert command(training, out, "--windows", "6", "--overwrite", "--least-spearman", "1") == 1
    said = capsys.readouterr()
    assert out.read_bytes() == b"the one before" and list(tmp_path.iterdir()) == [out]
    [told] = [line for line in said.err.splitlines() if line.startswith("focus-calib: ")]
    assert told.startswith("focus-calib: Spearman correlation of M with FP32 is 0.9")
    assert "below --least-spearman 1; nothing was written" in told and "--windows 6" in told
    assert "checked on 6 others" in said.out and "wrote" not in said.out and "pay" not in said.out


def toy(path, **fields):
    return Toy().save(path, **fields)


def half(path):
    bundle = Toy().bundle().model_copy(update={"precision": "fp16"})
    return toy(path, bundle=bundle.model_dump_json())


def batched(path):
    model = onnx.load(toy(path))
    for put in model.graph.input:
        put.type.tensor_type.shape.dim[0].dim_value = 4
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"--onnx": "none.onnx"}, "no model file none.onnx"),
        ({"--out": "int8.plan"}, "--out must name a file that ends in .onnx, got int8.plan"),
        ({"--out": "none/int8.onnx"}, "there is no folder none; make it first"),
        ({"--out": "there.onnx"}, "there.onnx exists; choose another --out, or replace it with --overwrite"),
        ({"--data": "none.hdr"}, "no file none.hdr; --data takes cubes, a CSV manifest"),
        ({"--data": "none/*.hdr"}, "no file none/*.hdr"),
        ({"--data": "."}, "holds no windows.npz of focus-train; name the cubes themselves, e.g. --data './*.hdr'"),
        ({"--data": "none.csv"}, "no manifest none.csv"),
        ({"--data": "sim:moon=1"}, "sim: has no option 'moon'"),
        ({"--windows": "0"}, "--windows must be 1 or more, got 0"),
        ({"--threads": "0"}, "--threads must be 1 or more, got 0"),
        ({"--least-top5": "90"}, "--least-top5 is a share, up to 1, got 90"),
        ({"--data": "TRAINING", "--scale": "2"}, "holds windows that are ingested already; leave out --scale"),
        ({"--data": "TRAINING", "--onnx": "toy.onnx"}, "not those of model toy"),
        ({"--onnx": "half.onnx"}, "half.onnx is fp16, INT8 is made of an FP32 model; give the FP32 export"),
        ({"--onnx": "batched.onnx"}, "reads 4 windows at once; export it without --batch"),
    ],
)
def test_wrong_input_is_one_line_and_code_2(arguments, message, training, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.onnx").write_bytes(b"")
    toy(tmp_path / "toy.onnx")
    half(tmp_path / "half.onnx")
    batched(tmp_path / "batched.onnx")
    before = sorted(tmp_path.iterdir())
    given = {"--onnx": str(SHIPPED), "--data": "sim:", "--out": "int8.onnx", **arguments}
    words = [str(training) if word == "TRAINING" else word for pair in given.items() for word in pair]
    assert main(["quantize", *words]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and said.startswith("focus-calib: ")
    assert sorted(tmp_path.iterdir()) == before


def test_a_limit_on_accuracy_needs_labels(training, tmp_path, capsys):
    file = np.load(training / "windows.npz")
    np.savez(tmp_path / "windows.npz", band_means=file["band_means"], composite=file["composite"])
    assert command(tmp_path, tmp_path / "int8.onnx", "--least-accuracy", "0.5") == 2
    assert "--least-accuracy needs labels, and --data has none" in capsys.readouterr().err


def test_the_missing_extra_is_named(training, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "nncf", None)
    assert command(training, tmp_path / "int8.onnx") == 2
    assert capsys.readouterr().err == ('focus-calib: nncf is not installed; run pip install "focus-hsi[quantize]"\n')


ALONE = """
import sys
from unittest.mock import MagicMock
from focus.calib._nncf import nncf_alone
with nncf_alone() as nncf:
    from nncf.telemetry.wrapper import telemetry
print(isinstance(telemetry, MagicMock) or telemetry is MagicMock, "torch" in sys.modules, "nncf" in sys.modules)
import openvino_telemetry
"""


def test_nncf_neither_reports_nor_loads_torch():
    done = run_python(ALONE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True False True\n"
