"""What kind of graph an ONNX file holds, seen without the onnx package, which an edge device does not have."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from focus.runtime._errors import BundleError
from focus.runtime.engines._protobuf import Span, fields, text

# Field numbers of onnx.proto3.
MODEL_GRAPH, MODEL_OPSET = 7, 8
OPSET_DOMAIN, OPSET_VERSION = 1, 2
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT = 1, 5, 11
NODE_OPERATOR, TENSOR_TYPE = 4, 2
VALUE_NAME, VALUE_TYPE, TYPE_TENSOR, TENSOR_ELEMENT = 1, 2, 1, 1

#: TensorProto.DataType of the kinds that matter here.
FLOAT, INT8, FLOAT16 = 1, 3, 10
FLOAT8 = frozenset({17, 18, 19, 20})


@dataclass
class GraphFacts:
    """What a graph is made of.

    Attributes:
        opset: of the default ONNX domain.
        inputs: name -> TensorProto.DataType.
        operators: names of the nodes' operators.
        constants: TensorProto.DataType of the initialisers.
    """

    opset: int = 0
    inputs: dict[str, int] = field(default_factory=dict)
    operators: set[str] = field(default_factory=set)
    constants: set[int] = field(default_factory=set)

    @property
    def kind(self) -> str:
        """``int8`` and ``fp8`` for explicit Q/DQ, else ``fp16`` or ``fp32`` by the type of the inputs."""
        if self.operators & {"QuantizeLinear", "DequantizeLinear"}:
            return "fp8" if self.constants & FLOAT8 else "int8"
        return "fp16" if set(self.inputs.values()) == {FLOAT16} else "fp32"


def graph_facts(path: Path) -> GraphFacts:
    """Reads an ONNX file's graph without its weights.

    Raises:
        BundleError: not ONNX, or cut off.
    """
    facts = GraphFacts()
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            for number, value in fields(content, Span(0, len(content))):
                if number == MODEL_GRAPH and isinstance(value, Span):
                    _read_graph(content, value, facts)
                elif number == MODEL_OPSET and isinstance(value, Span):
                    _read_opset(content, value, facts)
    except ValueError as error:
        raise BundleError(f"{path} is not a readable ONNX model ({error}); copy or export it again") from None
    return facts


def _read_opset(content: mmap.mmap, span: Span, facts: GraphFacts) -> None:
    entry = dict(fields(content, span))
    domain, version = entry.get(OPSET_DOMAIN), entry.get(OPSET_VERSION)
    if isinstance(version, int) and text(content, domain if isinstance(domain, Span) else None) in ("", "ai.onnx"):
        facts.opset = version


def _read_graph(content: mmap.mmap, span: Span, facts: GraphFacts) -> None:
    for number, value in fields(content, span):
        if not isinstance(value, Span):
            continue
        if number == GRAPH_NODE:
            facts.operators.update(text(content, part) for part in _parts(content, value, NODE_OPERATOR))
        elif number == GRAPH_INITIALIZER:
            facts.constants.update(_numbers(content, value, TENSOR_TYPE))
        elif number == GRAPH_INPUT:
            name = "".join(text(content, part) for part in _parts(content, value, VALUE_NAME))
            for kind in _parts(content, value, VALUE_TYPE):
                for tensor in _parts(content, kind, TYPE_TENSOR):
                    facts.inputs.update((name, element) for element in _numbers(content, tensor, TENSOR_ELEMENT))


def _parts(content: mmap.mmap, span: Span, wanted: int) -> Iterator[Span]:
    return (value for number, value in fields(content, span) if number == wanted and isinstance(value, Span))


def _numbers(content: mmap.mmap, span: Span, wanted: int) -> Iterator[int]:
    return (value for number, value in fields(content, span) if number == wanted and isinstance(value, int))
