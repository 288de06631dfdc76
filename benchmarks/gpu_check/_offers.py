"""Engines that are there for the way from raw to maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from focus.runtime.engines import DeviceEngine, OrtCudaEngine, TensorRTEngine
from focus.runtime.engines._ort_cuda import has_cuda_provider
from gpu_check._case import Made
from gpu_check._section import Tell

#: Of the exported file: attention taken apart, which every TensorRT reads.
OPSET = 20


@dataclass(frozen=True)
class Offer:
    """An engine.

    Attributes:
        name: for people.
        make: gives one for a batch, not yet entered.
    """

    name: str
    make: Callable[[int], DeviceEngine]


def offers(made: Made, folder: Path, index: int, tell: Tell) -> list[Offer]:
    """TensorRT and ONNX Runtime where they are installed, with the stand-in last: it is taken where neither runs.

    Args:
        made: the model.
        folder: for files.
        index: which GPU.
        tell: gets a line now and then.
    """
    found = []
    onnx = folder / "focus-fp16.onnx"
    if find_spec("tensorrt") is not None:
        found.append(Offer("TensorRT, FP16", lambda batch: _tensorrt(made, onnx, batch, index, tell)))
    if has_cuda_provider():
        found.append(
            Offer("ONNX Runtime CUDA, FP16", lambda batch: OrtCudaEngine(_exported(made, onnx, tell), batch, gpu=index))
        )
    found.append(
        Offer("torch with CUDA graphs, FP16, a stand-in for an engine", lambda batch: _torch(made, batch, index))
    )
    return found


def _torch(made: Made, batch: int, index: int) -> DeviceEngine:
    from gpu_check._stand_in import TorchStandIn

    return TorchStandIn(made.net, made.case.bundle, batch, gpu=index)


def _exported(made: Made, path: Path, tell: Tell) -> Path:
    from focus.exporter.export import ReadingGraph, folded, onnx_from_net, to_half

    if not path.is_file():
        tell("end to end: exporting the FP16 ONNX")
        bundle = made.case.bundle.model_copy(update={"precision": "fp16"})
        graph = ReadingGraph(to_half(folded(made.net, OPSET)), bundle.reading.heads)
        path.write_bytes(onnx_from_net(graph, bundle, opset=OPSET).SerializeToString())
    return path


def _tensorrt(made: Made, onnx: Path, batch: int, index: int, tell: Tell) -> DeviceEngine:
    """Of a plan that is built here. It is kept whatever its own check says: the answers are checked afterwards."""
    from focus.runtime.agreement import Limits, NetInput
    from focus.runtime.tensorrt import BatchProfile, BuildOptions, gpu_facts
    from focus.runtime.tensorrt._build import build, source_from_onnx, tensorrt_module
    from focus.runtime.tensorrt._check import CheckWindows, reference_of

    _exported(made, onnx, tell)
    known = np.ones(made.case.bundle.patches, bool)
    windows = [NetInput(given.band_means, given.composite, known) for given in made.inputs]
    plan = onnx.with_name(f"focus-{batch}.plan")
    if not plan.is_file():
        tell(f"end to end: building a plan for batch {batch}")
        build(
            source_from_onnx(onnx),
            plan,
            BuildOptions(batch=BatchProfile(least=batch, best=batch, most=batch)),
            gpu_facts(index),
            tensorrt_module(),
            check=lambda: CheckWindows(windows, "random cubes"),
            reference=reference_of(onnx),
            limits=Limits(),
            keep_anyway=True,
        )
    return TensorRTEngine(plan, batch, gpu=index)
