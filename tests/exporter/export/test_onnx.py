"""Exported files hold the contract of docs/architecture.md, say what torch says, and carry nothing that they should
not.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from focus.exporter.export import (
    ReadingGraph,
    StandaloneGraph,
    check_model,
    check_windows,
    folded,
    onnx_from_net,
    to_half,
)
from focus.exporter.model import FocusNet
from focus.kernels import contrast, saliency
from focus.runtime import Bundle
from focus.runtime._bundle import METADATA_KEY
from support.bundles import small_bundle
from support.nets import KINDS, groups, small_backbone, small_net


def export(
    net: FocusNet, bundle: Bundle, *, half: bool = False, standalone: bool = False, **options: int
) -> onnx.ModelProto:
    shaped = folded(net, options.get("opset", 20))
    reading = ReadingGraph(to_half(shaped) if half else shaped, bundle.reading.heads)
    return onnx_from_net(StandaloneGraph(reading, bundle) if standalone else reading, bundle, **options)


@pytest.mark.parametrize(
    ("kind", "precision", "standalone"),
    [
        *(
            (kind, "fp32", True) for kind in KINDS
        ),  # the standalone graph holds the engine's graph and gives all of its outputs
        *((kind, "fp16", True) for kind in ("class-token", "qk-norm", "pre-norm")),
        ("registers", "fp32", False),
        ("layer-scale", "fp16", False),
    ],
)
def test_exported_graph_agrees_with_torch(kind: str, precision: str, standalone: bool) -> None:
    net = small_net(kind)
    bundle = small_bundle(net).model_copy(update={"precision": precision})
    model = export(net, bundle, half=precision == "fp16", standalone=standalone)
    report = check_model(model, net, bundle, check_windows(bundle), standalone=standalone)
    assert report.passed, report
    assert set(report.differences) == {"logits", "attention", "sink_mass", "saliency", "heatmap", "curve"}


def test_a_wrong_model_does_not_pass_the_check() -> None:
    net = small_net()
    bundle = small_bundle(net)
    model = export(net, bundle)
    with torch.no_grad():
        net.adapter[3] *= 1.3
    report = check_model(model, net, bundle, check_windows(bundle), standalone=False)
    assert not report.passed


def test_maps_of_the_standalone_graph_are_those_of_the_kernel() -> None:
    net = small_net()
    bundle = small_bundle(net)
    windows = check_windows(bundle)
    graph = StandaloneGraph(ReadingGraph(folded(net), bundle.reading.heads), bundle)
    with torch.no_grad():
        logits, attention, _, cube, heatmap, curve = (value.numpy() for value in graph(torch.from_numpy(windows.cubes)))
    for row, shown in enumerate(logits.argmax(axis=1)):
        maps = saliency(
            attention[row, :, shown],
            contrast(windows.band_means[row], bundle.reference, bundle.brightness),
            bundle.band_weight[shown],
            bundle.group_share[shown],
            with_cube=True,
        )
        np.testing.assert_allclose(cube[row].reshape(bundle.bands, -1), maps.cube, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(heatmap[row].ravel(), maps.heatmap, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(curve[row], maps.curve, rtol=1e-4, atol=1e-6)


def test_a_missing_value_does_not_show_in_the_standalone_graph() -> None:
    net = small_net()
    bundle = small_bundle(net)
    graph = StandaloneGraph(ReadingGraph(folded(net), bundle.reading.heads), bundle)
    spectra = torch.from_numpy(check_windows(bundle).band_means[:1].copy())
    spectra[0, 1, 3] = 0.0
    assert bundle.reference[3] != 0.0 and float(bundle.band_weight[0, 3]) > 0.0
    heads = len(bundle.reading.heads)
    attention = torch.full((1, heads, net.classes, net.groups, bundle.patches), 0.1)
    cube = graph.saliency(torch.tensor([[1.0] + [0.0] * (net.classes - 1)]), attention, spectra).flatten(2)
    assert float(cube[0, 3, 1]) == 0.0 < float(cube[0, 3, 0])


def test_contract_of_the_engine_graph() -> None:
    net = small_net("oblong", classes=2)
    bundle = small_bundle(net)
    session = ort.InferenceSession(export(net, bundle).SerializeToString(), providers=["CPUExecutionProvider"])
    assert {put.name: put.shape[1:] for put in session.get_inputs()} == {
        "band_means": [15, 24],
        "composite": [3, 24, 40],
    }
    outputs = session.run(
        None, {"band_means": np.zeros((3, 15, 24), "f4"), "composite": np.zeros((3, 3, 24, 40), "f4")}
    )
    shapes = dict(zip([put.name for put in session.get_outputs()], [value.shape for value in outputs], strict=True))
    assert shapes == {"logits": (3, 2), "attention": (3, 3, 2, 5, 15), "sink_mass": (3, 3, 2, 5)}
    assert Bundle.from_metadata(session.get_modelmeta().custom_metadata_map, "test") == bundle


def test_half_precision_types_the_graph_but_not_norms_and_the_exposed_softmax() -> None:
    net = small_net()
    model = onnx.shape_inference.infer_shapes(export(net, small_bundle(net), half=True))
    half, single = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT
    kind = {
        info.name: info.type.tensor_type.elem_type
        for info in [*model.graph.input, *model.graph.output, *model.graph.value_info]
    }
    assert all(kind[put.name] == half for put in [*model.graph.input, *model.graph.output])
    seen: dict[str, list[int]] = {}
    for node in model.graph.node:
        seen.setdefault(node.op_type, []).append(kind[node.output[0]])
    assert set(seen["MatMul"]) == {half}
    assert set(seen["LayerNormalization"]) == {single}
    assert seen["Softmax"].count(single) == 1


@pytest.mark.parametrize("read_blocks", [1, 2])
def test_the_last_block_has_no_dead_patch_lane(read_blocks: int) -> None:
    """Matrix products over all the patches, counted: the last block adds one, the keys."""
    net = small_net(read_blocks=read_blocks)
    model = onnx.shape_inference.infer_shapes(export(net, small_bundle(net), batch=1))
    shapes = {
        info.name: tuple(size.dim_value for size in info.type.tensor_type.shape.dim)
        for info in [*model.graph.value_info, *model.graph.input, *model.graph.output]
    }
    tokens, weights = 1 + 16, {value.name for value in model.graph.initializer}
    lane = Counter(
        shapes[node.output[0]][-1]
        for node in model.graph.node
        if node.op_type == "MatMul" and node.input[1] in weights and shapes[node.output[0]][-2] == tokens
    )
    blocks, width = 3, 32
    full = blocks - 1
    assert lane[4 * width] == full  # MLP, first layer
    assert lane[width] == 5 * full + 1  # query, key, value, projection, MLP's second layer; and the last block's keys
    assert set(lane) == {width, 4 * width}


def test_what_does_not_depend_on_the_window_is_worked_out_beforehand() -> None:
    """No product of two constants, no scale of its own, and no operation on 5-d shapes in the patch lane."""
    net = small_net("layer-scale")
    model = export(net, small_bundle(net), batch=1)
    constant = {value.name for value in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type in {"MatMul", "LayerNormalization", "Mul", "Softmax", "Transpose"}:
            assert not all(name in constant for name in node.input if name), f"{node.op_type} of constants {node.input}"
    kinds = Counter(node.op_type for node in model.graph.node)
    assert kinds["Softmax"] == 3  # two blocks of the patch lane, and the prompts
    assert kinds["Transpose"] == 4 * 2 + 5  # queries, keys, values and output of a block; and the reading


def test_fixed_batch_and_opset() -> None:
    net = small_net()
    model = export(net, small_bundle(net), batch=1, opset=18)
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 18}
    with pytest.raises(ValueError, match="opset must be 18 to 23, got 17"):
        export(net, small_bundle(net), opset=17)


def test_the_file_says_nothing_of_the_machine_that_made_it() -> None:
    net = small_net()
    content = export(net, small_bundle(net)).SerializeToString()
    assert METADATA_KEY.encode() in content
    for trace in (b".py", b"site-packages", b"stack_trace"):
        assert trace not in content


def test_standalone_leaves_out_missing_samples_as_ingest_does() -> None:
    net = small_net()
    bundle = small_bundle(net)
    windows = check_windows(bundle)
    holed = windows.cubes[:1].copy()
    holed[0, 5, :4, :6] = np.nan
    holed[0, 7, 6:12, 6:12] = np.nan
    from focus.kernels import ingest, standardise

    found = ingest(holed[0], 6, np.array(bundle.composite_weights))
    means = standardise(found.band_means, np.array(bundle.mean), np.array(bundle.deviation))
    composite = ((found.composite - 0.15) / 0.1).astype(np.float32)
    model = export(net, bundle, standalone=True)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    logits = session.run(["logits"], {"cube": holed})[0]
    expected = net(torch.from_numpy(means[None]), torch.from_numpy(composite[None])).logits.detach().numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_regression_maps_show_the_first_target() -> None:
    net = FocusNet(small_backbone(), groups(), 1).eval()
    bundle = small_bundle(net, task="regression")
    bare = bundle.reading.model_copy(update={"band_share": None})
    bundle = bundle.model_copy(update={"reading": bare})
    report = check_model(export(net, bundle, standalone=True), net, bundle, check_windows(bundle), standalone=True)
    assert report.differences["saliency"] == 0.0  # an adapter of zeros shows nothing, and does not fail
