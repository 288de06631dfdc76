"""What stays float, found by what it does."""

from __future__ import annotations

import onnx
import pytest

from focus.calib._float_nodes import float_nodes
from focus.calib._quantize import _folded
from focus.exporter.export import ReadingGraph, onnx_from_net
from focus.runtime import BundleError
from support.bundles import small_bundle
from support.nets import small_net
from support.toy_model import Toy


@pytest.fixture(scope="module", params=["shipped", "two read blocks"])
def exported(request, shipped, tmp_path_factory):
    """Bundle, and the graph with its constants folded and every node's name replaced."""
    if request.param == "shipped":
        return shipped.bundle, _folded(shipped.file.path)
    net = small_net(read_blocks=2)
    bundle = small_bundle(net)
    path = tmp_path_factory.mktemp("exported") / "small.onnx"
    path.write_bytes(onnx_from_net(ReadingGraph(net, bundle.reading.heads), bundle).SerializeToString())
    return bundle.model_copy(update={"reading": bundle.reading.model_copy(update={"read_blocks": 2})}), _folded(path)


def test_each_read_block_has_its_float_softmax_and_no_patch_lane_weight_is_lost(exported):
    bundle, model = exported
    kept, read_blocks, whole = float_nodes(model), bundle.reading.read_blocks, bundle.backbone.blocks - 1
    softmaxes = [node for node in model.graph.node if node.op_type == "Softmax"]
    assert len(softmaxes) == whole + read_blocks  # the last block's patch lane attends to nothing
    assert len([node for node in softmaxes if node.name in kept]) == read_blocks
    weights = {tensor.name for tensor in model.graph.initializer}
    quantised = [
        node
        for node in model.graph.node
        if node.op_type in ("MatMul", "Conv") and node.name not in kept and weights.intersection(node.input)
    ]
    # Patch embedding, adapter, 4 products of each whole patch lane; the last one has keys and the sink's value alone.
    assert len(quantised) >= 1 + 1 + whole * 4 + 2


def test_all_that_follows_from_the_softmax_is_float_down_to_the_logits(exported):
    _, model = exported
    kept = float_nodes(model)
    makers = {name: node for node in model.graph.node for name in node.output}
    assert {makers[name].name for name in ("logits", "attention", "sink_mass")} <= kept
    reached = set()
    for node in model.graph.node:
        if reached.intersection(node.input) or (node.op_type == "Softmax" and node.name in kept):
            reached.update(node.output)
            assert node.name in kept


def test_products_of_two_activations_stay_float(exported):
    _, model = exported
    kept, weights = float_nodes(model), {tensor.name for tensor in model.graph.initializer}
    pairs = [node for node in model.graph.node if node.op_type == "MatMul" and not weights.intersection(node.input)]
    assert len(pairs) > 4 and {node.name for node in pairs} <= kept


def test_a_graph_by_hand(tmp_path):
    model = _folded(Toy().save(tmp_path / "toy.onnx"))
    kept = {node.op_type for node in model.graph.node if node.name in float_nodes(model)}
    assert {"Softmax", "Pad", "Slice", "ReduceSum", "ReduceMean", "Mul"} <= kept


def test_an_attention_without_a_softmax_is_refused():
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]>
        other (float[1, 4] x) => (float[1, 4] attention) { y = Relu(x)  attention = Identity(y) }"""
    )
    with pytest.raises(BundleError, match="attention of this model does not come from a softmax; make the file with"):
        float_nodes(model)
