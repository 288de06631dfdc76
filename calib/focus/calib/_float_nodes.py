"""Which nodes of a FOCUS graph stay in float: the prompt lane's softmax and all that is read from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from focus.runtime import BundleError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

#: Nodes that only move numbers: between the softmax and the output ``attention`` there are no others.
MOVES = frozenset(
    {"Cast", "Concat", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose"}
    | {"Unsqueeze"}
)
PRODUCTS = frozenset({"Einsum", "Gemm", "MatMul"})


def float_nodes(model: ModelProto) -> frozenset[str]:
    """Names of the nodes that must not be quantised. They are found by what they do, not by what they are called.

    - The prompt lane: the softmax behind the output ``attention``, those of earlier read blocks (rows of the same
      length: [SINK], N patches, G prompts), the products that make their scores, and everything that follows from
      them, which is the pooling of the spectra, the prompts' projection and MLP, and the read-out down to ``logits``.
    - Products of two activations, and whole attention nodes: they hold no weights, and engines fuse the patch lane's
      attention in float.

    Args:
        model: a graph of focus-export whose nodes have names of their own, with its constants folded.
    Raises:
        BundleError: the attention does not come from a softmax.
    """
    from onnx import shape_inference

    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    shown = _softmax_behind("attention", makers)
    inferred = shape_inference.infer_shapes(model).graph
    row = _last_length(inferred, shown)
    softmaxes = [
        node
        for node in graph.node
        if node is shown or (node.op_type == "Softmax" and row and _last_length(inferred, node) == row)
    ]
    kept = {node.name for softmax in softmaxes for node in _scores(softmax, makers)}
    kept |= {node.name for node in _followers(graph, softmaxes)}
    weights = {tensor.name for tensor in graph.initializer}
    kept |= {
        node.name
        for node in graph.node
        if node.op_type == "Attention" or (node.op_type in PRODUCTS and not weights.intersection(node.input))
    }
    return frozenset(kept)


def _softmax_behind(output: str, makers: dict[str, NodeProto]) -> NodeProto:
    name = output
    while name in makers and makers[name].op_type in MOVES:
        name = makers[name].input[0]
    if name not in makers or makers[name].op_type != "Softmax":
        raise BundleError(
            f"the output {output} of this model does not come from a softmax; make the file with focus-export"
        )
    return makers[name]


def _last_length(graph: GraphProto, node: NodeProto) -> int:
    """Length of the rows that a node puts out; 0 where the file does not tell."""
    for value in graph.value_info:
        if value.name == node.output[0]:
            sizes = value.type.tensor_type.shape.dim
            return sizes[-1].dim_value if sizes else 0
    return 0


def _scores(softmax: NodeProto, makers: dict[str, NodeProto]) -> Iterator[NodeProto]:
    """The nodes between a softmax and the products that its scores are made of, both included."""
    waiting, seen = [softmax.input[0]], set()
    yield softmax
    while waiting:
        name = waiting.pop()
        if name in seen or name not in makers:
            continue
        seen.add(name)
        yield makers[name]
        if makers[name].op_type not in PRODUCTS:
            waiting.extend(makers[name].input)


def _followers(graph: GraphProto, starts: list[NodeProto]) -> Iterator[NodeProto]:
    """Every node that depends on one of these; a graph's nodes are sorted, so one pass is enough."""
    reached = {name for node in starts for name in node.output}
    for node in graph.node:
        if reached.intersection(node.input):
            reached.update(node.output)
            yield node
