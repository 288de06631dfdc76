"""What TensorRT's builder makes of exported graphs: layers, types, and whether attention is fused.

TensorRT-RTX has TensorRT's parser, builder and classes, and builds without a GPU; a plan of it is not run here. ``make
test`` unpacks it, for x86-64.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from focus.calib._quantize import quantized_model
from focus.exporter.bench._networks import bundle_from_net, focus_net
from focus.exporter.bench._specs import ModelSpec
from focus.exporter.export import ReadingGraph, folded, onnx_from_net, to_half
from focus.exporter.model import FocusNet, load_checkpoint
from focus.runtime import Bundle, FocusError
from focus.runtime.agreement import simulated_windows
from focus.runtime.commands import CommandParser, command_parser, run_command
from focus.runtime.engines._open import default_model
from focus.runtime.simulate import vnir_204
from focus.runtime.tensorrt import BuildOptions
from focus.runtime.tensorrt._config import batch_of, builder_config
from focus.runtime.tensorrt._network import new_builder, parsed_network

NAME = "benchmarks/tensorrt_rtx.py"

MODELS = ("leaf-vnir", "vit-b16")

#: Name of a graph -> its precision and opset; from 23 on attention is one node. INT8 is made of the FP32 file.
GRAPHS = {"fp32": ("fp32", 20), "fp16": ("fp16", 20), "fp16-node": ("fp16", 23), "int8": ("fp32", 20)}

#: How the builder's log names a softmax that it takes into a fused attention.
FUSED = re.compile(r"Found \S*softmax\S* to be part of self-attention pattern", re.IGNORECASE)

#: Windows that INT8 ranges are taken from: the graph is what matters here, not how well it is calibrated.
WINDOWS = 1


@dataclass(frozen=True)
class Row:
    """What became of one graph.

    Attributes:
        layers: of the parsed network, by type in ``kinds``.
        plan_layers: that the builder leaves of them.
        attentions: of the patch lane in the graph; ``fused``: those that the builder takes as one.
        inputs, outputs: their types.
        seconds: to parse and build.
    """

    model: str
    graph: str
    layers: int
    kinds: dict[str, int]
    plan_layers: int
    attentions: int
    fused: int
    inputs: dict[str, str]
    outputs: dict[str, str]
    plan_mb: float
    seconds: float


def main(argv: list[str] | None = None) -> int:
    """Runs the command; see ``--help``."""
    return run_command(NAME, lambda: _run(_parser().parse_args(argv)))


def _parser() -> CommandParser:
    parser = command_parser(
        NAME, "Parses and builds exported graphs with TensorRT-RTX on the CPU.", "example:\n  python " + NAME
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, help="default: both")
    parser.add_argument("--graphs", nargs="+", choices=tuple(GRAPHS), default=tuple(GRAPHS), help="default: all")
    parser.add_argument("--sm", default="SM89", metavar="SMxx", help="architecture to build for (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows there")
    return parser


def _run(args: argparse.Namespace) -> int:
    trt, rows, console = rtx_module(), [], Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="focus-rtx-") as folder:
        for model in args.models:
            for graph, path, bundle in exported(model, args.graphs, Path(folder)):
                console.print(f"{model} {graph}: building", highlight=False)
                rows.append(built_row(trt, args.sm, model, graph, path, bundle))
    if args.json is not None:
        args.json.write_text(json.dumps({"version": trt.__version__, "rows": [asdict(row) for row in rows]}, indent=1))
    print(f"TensorRT-RTX {trt.__version__}, built for {args.sm} on the CPU")
    Console(highlight=False, width=110).print(_table(rows))
    return 0


def rtx_module() -> ModuleType:
    """TensorRT-RTX as ``scripts/tensorrt.sh`` unpacks it.

    Raises:
        FocusError: it is not there.
    """
    folder = Path(sys.prefix) / "share" / "focus" / "tensorrt-rtx"
    if not (folder / "tensorrt_rtx_bindings").is_dir():
        raise FocusError(f"TensorRT-RTX is not in {folder}; run scripts/tensorrt.sh {sys.prefix} (x86-64 only)")
    sys.path.insert(0, str(folder))
    return import_module("tensorrt_rtx_bindings")


def exported(model: str, graphs: list[str], folder: Path) -> Iterator[tuple[str, Path, Bundle]]:
    """Exports a model as each of the graphs: name, file and bundle."""
    net, bundle = load_checkpoint(default_model().with_suffix(".pt")) if model == "leaf-vnir" else random_vit()
    for graph in graphs:
        path = folder / f"{model}-{graph}.onnx"
        if graph == "int8":
            exact = folder / f"{model}-fp32.onnx"
            if not exact.exists():
                _export(net, bundle, "fp32", exact)
            made = quantized_model(exact, bundle, simulated_windows(bundle, WINDOWS))
            path.write_bytes(made.SerializeToString())
        else:
            _export(net, bundle, graph, path)
        yield graph, path, bundle


def _export(net: FocusNet, bundle: Bundle, graph: str, path: Path) -> None:
    precision, opset = GRAPHS[graph]
    shaped = folded(net, opset)
    reading = ReadingGraph(to_half(shaped) if precision == "fp16" else shaped, bundle.reading.heads)
    says = bundle.model_copy(update={"precision": precision})
    path.write_bytes(onnx_from_net(reading, says, opset=opset).SerializeToString())


def random_vit() -> tuple[FocusNet, Bundle]:
    """ViT-B/16 of random weights at 256 x 256, 204 bands."""
    spec = ModelSpec("vit-b16", "ViT-B/16", "vit_base_patch16_224", 256)
    wavelengths = vnir_204().wavelengths_nm
    net = focus_net(spec, wavelengths)
    flat = np.full(spec.bands, 0.2)
    return net, bundle_from_net(spec, net, wavelengths, flat, flat, np.array([[0.2] * 3, [0.1] * 3]))


def built_row(trt: ModuleType, architecture: str, model: str, graph: str, path: Path, bundle: Bundle) -> Row:
    """Parses and builds one file with what ``focus-build`` is made of.

    Raises:
        FocusError: TensorRT-RTX does not read or build it.
    """
    log = _log(trt)
    started = time.perf_counter()
    builder = new_builder(trt, log)
    parsed = parsed_network(trt, builder, log, path)
    network = parsed.network
    config = builder_config(trt, builder, network, BuildOptions(), batch_of(network, None, path))
    config.num_compute_capabilities = 1
    config.set_compute_capability(getattr(trt.ComputeCapability, architecture), 0)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise FocusError(f"TensorRT-RTX built no plan of {model} {graph}: {log.errors[:1]}; see the log")
    kinds = Counter(network.get_layer(index).type.name for index in range(network.num_layers))
    return Row(
        model,
        graph,
        network.num_layers,
        dict(kinds),
        sum(text.count("\nLayer(") for text in log.texts),
        bundle.backbone.blocks - bundle.reading.read_blocks,
        sum(FUSED.search(text) is not None for text in log.texts) or kinds["ATTENTION_OUTPUT"],
        _types(network.get_input(index) for index in range(network.num_inputs)),
        _types(network.get_output(index) for index in range(network.num_outputs)),
        plan.nbytes / 1e6,
        time.perf_counter() - started,
    )


def _types(tensors: Iterator[Any]) -> dict[str, str]:
    return {tensor.name: tensor.dtype.name for tensor in tensors}


def _log(trt: ModuleType) -> Any:
    class Log(trt.ILogger):  # type: ignore[misc, name-defined]  # a class of a module that may be absent
        def __init__(self) -> None:
            super().__init__()
            self.texts: list[str] = []
            self.errors: list[str] = []

        def log(self, severity: Any, msg: str) -> None:
            self.texts.append(msg)
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                self.errors.append(msg)

    return Log()


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("model", "graph", "inputs", "outputs", "layers", "in the plan", "attention fused", "plan, MB", "s"):
        table.add_column(name, justify="left" if name in ("model", "graph", "inputs", "outputs") else "right")
    for row in rows:
        table.add_row(
            row.model,
            row.graph,
            "/".join(sorted(set(row.inputs.values()))),
            "/".join(sorted(set(row.outputs.values()))),
            str(row.layers),
            str(row.plan_layers),
            f"{row.fused} of {row.attentions}",
            f"{row.plan_mb:.1f}",
            f"{row.seconds:.1f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
