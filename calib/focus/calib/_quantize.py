"""FP32 to INT8: explicit Q/DQ with ranges from calibration windows (docs/decisions/0010-int8-with-nncf.md)."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from focus.calib._float_nodes import float_nodes
from focus.calib._nncf import nncf_alone
from focus.runtime import Bundle, BundleError, FocusError
from focus.runtime._bundle import METADATA_KEY
from focus.runtime.agreement import NetInput

if TYPE_CHECKING:
    from onnx import ModelProto


def require_quantizable(model: Path, bundle: Bundle) -> None:
    """Refuses a model that is no FP32 export, before the long work begins.

    Raises:
        BundleError: another precision, or a fixed batch of several windows.
    """
    import onnx

    if bundle.precision != "fp32":
        raise BundleError(f"{model} is {bundle.precision}, INT8 is made of an FP32 model; give the FP32 export")
    batch = onnx.load(str(model), load_external_data=False).graph.input[0].type.tensor_type.shape.dim[0].dim_value
    if batch > 1:
        raise BundleError(f"{model} reads {batch} windows at once; export it without --batch, or with --batch 1")


def quantized_model(model: Path, bundle: Bundle, windows: Sequence[NetInput]) -> ModelProto:
    """The INT8 twin of an exported model: weights int8 per output channel, activations int8 per tensor, all zero points
    0, as TensorRT wants it; the bundle is carried over with precision ``int8``.

    Args:
        model: an FP32 file of focus-export.
        bundle: its bundle.
        windows: to calibrate on, at least one.
    Raises:
        BundleError: the graph is none of focus-export's.
        FocusError: the quantised graph is not what TensorRT reads.
        ModuleNotFoundError: NNCF is not installed.
        ValueError: no window.
    """
    if not windows:
        raise ValueError("quantising needs at least one calibration window, got none")
    import onnx

    folded = _folded(model)
    kept = sorted(float_nodes(folded))
    with nncf_alone() as nncf:
        made: ModelProto = nncf.quantize(
            folded,
            nncf.Dataset(list(windows), _feeds),
            # "Performance" means symmetric: all zero points are 0.
            preset=nncf.QuantizationPreset.PERFORMANCE,
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(windows),
            ignored_scope=nncf.IgnoredScope(names=kept),
        )
    _require_symmetric(made)
    del made.metadata_props[:]
    int8 = bundle.model_copy(update={"precision": "int8"})
    onnx.helper.set_model_props(made, {METADATA_KEY: int8.model_dump_json()})
    onnx.checker.check_model(made)
    return made


def _feeds(window: NetInput) -> dict[str, np.ndarray]:
    return {"band_means": window.band_means[None], "composite": window.composite[None]}


def _folded(path: Path) -> ModelProto:
    """The model with its constant parts computed, so that all weights are initialisers that can be quantised."""
    import onnx
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory(prefix="focus-calib-") as folder:
        options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
        ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        model = onnx.load(options.optimized_model_filepath)
    used = {node.domain for node in model.graph.node}
    opsets = [opset for opset in model.opset_import if opset.domain in used | {""}]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    for index, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{index}"
    model.producer_name, model.producer_version = "focus-hsi", ""
    return model


def _require_symmetric(model: ModelProto) -> None:
    """TensorRT reads Q/DQ with int8 zero points of 0 and nothing else."""
    import onnx

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]
    if not nodes:
        raise FocusError("NNCF quantised nothing in this model; make the file with focus-export")
    for node in nodes:
        zero = constants.get(node.input[2]) if len(node.input) > 2 else None
        values = None if zero is None else onnx.numpy_helper.to_array(zero)
        if values is None or values.dtype != np.int8 or values.any():
            raise FocusError(
                f"this version of NNCF gave {node.name} a zero point that is not int8 0, which TensorRT refuses; "
                "install nncf 3.4"
            )
