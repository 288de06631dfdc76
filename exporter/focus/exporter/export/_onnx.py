"""Torch to ONNX."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable
from typing import Any

import onnx
import torch
from torch import Tensor

from focus.exporter.export._graphs import ReadingGraph, StandaloneGraph
from focus.runtime import Bundle, FocusError
from focus.runtime._bundle import METADATA_KEY

#: Opsets that the exporter writes. Up to 20 attention is decomposed, as TensorRT before 10.14 needs it.
OPSETS = range(18, 24)


def onnx_from_net(
    graph: ReadingGraph | StandaloneGraph, bundle: Bundle, *, opset: int = 20, batch: int | None = None
) -> onnx.ModelProto:
    """Exports a graph, with the bundle in its metadata, as one self-contained model.

    Args:
        graph: from the network in the wanted precision.
        bundle: goes into the metadata.
        opset: of the default ONNX domain, one of ``OPSETS``.
        batch: None makes the batch dimension dynamic.
    Raises:
        ValueError: an opset outside ``OPSETS``, or a batch below 1.
    """
    if opset not in OPSETS:
        raise ValueError(f"opset must be {OPSETS.start} to {OPSETS.stop - 1}, got {opset}")
    if batch is not None and batch < 1:
        raise ValueError(f"batch must be at least 1, got {batch}")
    inputs = example_inputs(graph, bundle, 2 if batch is None else batch)
    shapes = {name: {0: torch.export.Dim("batch", min=1)} for name in inputs} if batch is None else None
    program = _export(graph, inputs, shapes, opset)
    model = program.model_proto
    if model.ByteSize() >= onnx.checker.MAXIMUM_PROTOBUF:
        raise FocusError(
            f"the model is {model.ByteSize() / 1e9:.1f} GB, one ONNX file holds 2 GB; export it with --precision fp16"
        )
    _forget_sources(model)
    model.producer_name, model.producer_version = "focus-hsi", ""
    onnx.helper.set_model_props(model, {METADATA_KEY: bundle.model_dump_json()})
    onnx.checker.check_model(model, full_check=True)
    return model


def example_inputs(graph: ReadingGraph | StandaloneGraph, bundle: Bundle, batch: int) -> dict[str, Tensor]:
    """Zeros of the graph's inputs by name."""
    lines, samples = bundle.window
    if isinstance(graph, StandaloneGraph):
        return {"cube": torch.zeros(batch, bundle.bands, lines, samples)}
    kind = graph.net.prompts.dtype
    return {
        "band_means": torch.zeros(batch, bundle.patches, bundle.bands, dtype=kind),
        "composite": torch.zeros(batch, 3, lines, samples, dtype=kind),
    }


def _export(
    graph: ReadingGraph | StandaloneGraph, inputs: dict[str, Tensor], shapes: dict[str, Any] | None, opset: int
) -> Any:
    # The exporter's own progress lines and its advice to library authors are noise to somebody who exports a model.
    for name in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        return torch.onnx.export(
            graph,
            args=(),
            kwargs=inputs,
            dynamo=True,
            opset_version=opset,
            external_data=False,
            input_names=list(inputs),
            output_names=list(graph.names),
            dynamic_shapes=shapes,
            verbose=False,
        )


def _forget_sources(model: onnx.ModelProto) -> None:
    """Removes what the exporter noted of its own machine: stack traces with paths, in every node and value."""
    del model.metadata_props[:]
    graphs: Iterable[onnx.GraphProto | onnx.FunctionProto] = (model.graph, *model.functions)
    for graph in graphs:
        parts = [graph, *graph.node, *graph.value_info]
        if isinstance(graph, onnx.GraphProto):
            parts += [*graph.input, *graph.output, *graph.initializer]
        for part in parts:
            del part.metadata_props[:]
            part.doc_string = ""
