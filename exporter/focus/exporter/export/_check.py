"""An exported model has to say what torch says, or it is not written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray

from focus.exporter.export._graphs import ReadingGraph, StandaloneGraph
from focus.exporter.export._windows import CheckWindows
from focus.exporter.model import FocusNet
from focus.runtime import Bundle

#: Largest difference that may pass, as a share of the largest absolute value that torch computes in float32.
LIMITS = {"fp32": 1e-3, "fp16": 5e-2}


@dataclass(frozen=True)
class CheckReport:
    """Largest difference of each output to torch in float32, as a share of that output's largest absolute value."""

    differences: dict[str, float]
    limit: float

    @property
    def passed(self) -> bool:
        """Whether every output is within the limit; NaN is not."""
        return all(value <= self.limit for value in self.differences.values())


def check_model(
    model: onnx.ModelProto, net: FocusNet, bundle: Bundle, windows: CheckWindows, *, standalone: bool
) -> CheckReport:
    """Runs the model in ONNX Runtime and the network in torch, float32, on the same windows, and compares every
    output and the maps.

    Args:
        model: from ``onnx_from_net``.
        net: the float32 network that it was made of.
        windows: from ``check_windows``.
        standalone: which of the two graphs it is.
    """
    wanted = _from_torch(net, bundle, windows)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = (
        {"cube": windows.cubes} if standalone else {"band_means": windows.band_means, "composite": windows.composite}
    )
    kinds = {put.name: np.float16 if put.type == "tensor(float16)" else np.float32 for put in session.get_inputs()}
    batch = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value or len(windows.cubes)
    names = [put.name for put in session.get_outputs()]
    parts = []
    for start in range(0, len(windows.cubes), batch):
        index = np.arange(start, start + batch) % len(windows.cubes)
        parts.append(session.run(None, {name: values[index].astype(kinds[name]) for name, values in given.items()}))
    found = {name: np.concatenate([part[i] for part in parts])[: len(windows.cubes)] for i, name in enumerate(names)}
    if not standalone:
        found |= _maps(torch.from_numpy(found["attention"].astype(np.float32)), found["logits"], net, bundle, windows)
    return CheckReport({name: _difference(found[name], wanted[name]) for name in wanted}, LIMITS[bundle.precision])


@torch.no_grad()
def _from_torch(net: FocusNet, bundle: Bundle, windows: CheckWindows) -> dict[str, NDArray[np.float32]]:
    reading = ReadingGraph(net, bundle.reading.heads)
    outputs = reading(torch.from_numpy(windows.band_means), torch.from_numpy(windows.composite))
    found = dict(zip(ReadingGraph.names, (value.numpy() for value in outputs), strict=True))
    return found | _maps(outputs[1], found["logits"], net, bundle, windows)


def _maps(
    attention: torch.Tensor, logits: NDArray[np.float32], net: FocusNet, bundle: Bundle, windows: CheckWindows
) -> dict[str, NDArray[np.float32]]:
    graph = StandaloneGraph(ReadingGraph(net, bundle.reading.heads), bundle)
    saliency = graph.saliency(
        torch.from_numpy(logits.astype(np.float32)), attention, torch.from_numpy(windows.band_means)
    ).numpy()
    return {"saliency": saliency, "heatmap": saliency.sum(1), "curve": saliency.max(axis=(2, 3))}


def _difference(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    apart = np.max(np.abs(found.astype(np.float64) - wanted))
    return float(apart / max(float(np.max(np.abs(wanted))), 1e-12))
