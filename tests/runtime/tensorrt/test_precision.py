"""What an ONNX file is, told without the onnx package, and what each TensorRT release reads of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from focus.runtime import BundleError, FocusError
from focus.runtime.tensorrt import RELEASES, BatchProfile, release_of
from focus.runtime.tensorrt._build import source_from_onnx
from focus.runtime.tensorrt._graph import graph_facts
from focus.runtime.tensorrt._table import require_readable
from support.toy_model import Toy


def toy(
    path: Path, says: str = "fp32", inputs: int | None = None, zero_point: int | None = None, opset: int = 17
) -> Path:
    """The toy, made to look like another precision; no engine runs it."""
    Toy().save(path, bundle=Toy().bundle().model_copy(update={"precision": says}).model_dump_json())
    model = onnx.load(path)
    model.opset_import[0].version = opset
    for put in model.graph.input if inputs is not None else ():
        put.type.tensor_type.elem_type = inputs
    if zero_point is not None:
        model.graph.initializer.append(onnx.helper.make_tensor("zero_point", zero_point, [], b"\0", raw=True))
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(1), "step"))
        for operator, names in (("QuantizeLinear", ("band_means", "quant")), ("DequantizeLinear", ("quant", "float"))):
            node = onnx.helper.make_node(operator, [names[0], "step", "zero_point"], [names[1]])
            model.graph.node.insert(0, node)
    path.write_bytes(model.SerializeToString())
    return path


def test_a_graph_is_seen_as_the_onnx_package_sees_it(tmp_path: Path) -> None:
    path = toy(tmp_path / "toy.onnx", zero_point=TensorProto.INT8)
    facts, model = graph_facts(path), onnx.load(path)
    assert facts.opset == 17 == model.opset_import[0].version
    assert facts.operators == {node.op_type for node in model.graph.node}
    assert facts.constants == {value.data_type for value in model.graph.initializer}
    assert facts.inputs == {"band_means": TensorProto.FLOAT, "composite": TensorProto.FLOAT}


KINDS = {
    "fp32": {},
    "fp16": {"inputs": TensorProto.FLOAT16},
    "int8": {"zero_point": TensorProto.INT8},
    "fp8": {"zero_point": TensorProto.FLOAT8E4M3FN},
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_precision_is_told_from_the_graph(tmp_path: Path, kind: str) -> None:
    says = "fp32" if kind == "fp8" else kind  # whoever quantises to FP8 keeps what the FP32 export says
    path = toy(tmp_path / "toy.onnx", says, **KINDS[kind])
    assert source_from_onnx(path).precision == source_from_onnx(path, kind).precision == kind


@pytest.mark.parametrize(
    ("wanted", "made_by"),
    [
        ("fp16", "focus-export --ckpt MODEL.pt --onnx FILE.onnx --precision fp16"),
        ("int8", "focus-calib quantize --onnx FP32.onnx --data DATA --out FILE.onnx"),
        ("fp8", "no command of FOCUS: NVIDIA's ModelOpt writes FP8 Q/DQ into the FP32 export"),
    ],
)
def test_an_fp32_file_asked_to_be_another(tmp_path: Path, wanted: str, made_by: str) -> None:
    path = toy(tmp_path / "toy.onnx")
    with pytest.raises(BundleError) as caught:
        source_from_onnx(path, wanted)
    assert str(caught.value) == (
        f"{path} is fp32, not {wanted}: TensorRT takes its types from the ONNX file; {wanted} is made by {made_by}"
    )


def test_a_file_that_is_not_what_it_says(tmp_path: Path) -> None:
    path = toy(tmp_path / "toy.onnx", "fp16")
    with pytest.raises(BundleError, match=r"says that it is fp16, its graph is fp32; make it again with focus-export"):
        source_from_onnx(path)


def test_a_cut_off_file(tmp_path: Path) -> None:
    path = toy(tmp_path / "toy.onnx")
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(BundleError, match=r"toy\.onnx is not a readable ONNX model"):
        source_from_onnx(path)
    with pytest.raises(BundleError, match=r"toy\.onnx is not a readable ONNX model"):
        graph_facts(path)


@pytest.mark.parametrize(
    ("version", "opset", "node", "reads"),
    [
        ("10.3.0", 20, False, True),
        ("10.3.0", 21, False, False),
        ("10.13.0.35", 23, True, False),
        ("10.14.1.48", 23, True, True),
        ("10.16.1", 23, True, True),
        ("11.4.0.106", 23, True, True),
        ("11.4.0.106", 24, True, True),
        ("11.4.0.106", 25, False, False),
        ("12.0.0", 20, False, True),
    ],
)
def test_the_table_decides_on_opset_and_form_of_attention(version: str, opset: int, node: bool, reads: bool) -> None:
    if reads:
        require_readable(version, opset, node, "focus.onnx")
        return
    with pytest.raises(FocusError, match=rf"focus.onnx has opset {opset}.*TensorRT {version} reads .*--opset 20"):
        require_readable(version, opset, node, "focus.onnx")


def test_the_table_is_in_order_and_too_old_is_refused() -> None:
    assert [release.since for release in RELEASES] == sorted((r.since for r in RELEASES), reverse=True)
    assert release_of("10.3.0").caveats and not release_of("10.3.0").attention_node
    with pytest.raises(FocusError, match=r"TensorRT 8\.6\.1 is too old; FOCUS builds with 10\.3 or newer"):
        release_of("8.6.1")
    with pytest.raises(FocusError, match="says that its version is 'dev'"):
        release_of("dev")


def test_batches() -> None:
    assert (str(BatchProfile()), str(BatchProfile.from_text("4")), str(BatchProfile.from_text("1,4,8"))) == (
        "1",
        "4",
        "1,4,8",
    )
    for wrong in ("0", "4,1,8", "1,2", "", "a", "1,,3", "-1,1,2"):
        with pytest.raises(ValueError, match="--batch must be a number such as 1, or MIN,OPT,MAX such as 1,4,8"):
            BatchProfile.from_text(wrong)
