"""Which precision an ONNX file brings along: TensorRT takes its types from the network and knows no precision flags."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast, get_args

from focus.runtime._bundle import Bundle
from focus.runtime._errors import BundleError
from focus.runtime.tensorrt._graph import GraphFacts

Precision = Literal["fp32", "fp16", "int8", "fp8"]
PRECISIONS: tuple[str, ...] = get_args(Precision)

#: What makes an ONNX file of each precision.
MADE_BY = {
    "fp32": "focus-export --ckpt MODEL.pt --onnx FILE.onnx --precision fp32",
    "fp16": "focus-export --ckpt MODEL.pt --onnx FILE.onnx --precision fp16",
    "int8": "focus-calib quantize --onnx FP32.onnx --data DATA --out FILE.onnx",
    "fp8": "no command of FOCUS: NVIDIA's ModelOpt writes FP8 Q/DQ into the FP32 export",
}


def precision_of(onnx: Path, bundle: Bundle, graph: GraphFacts, wanted: str | None = None) -> Precision:
    """The precision of a file, by its graph.

    Args:
        onnx: the file.
        bundle: what it says of itself.
        graph: what it holds.
        wanted: what the user expects; None takes it as it is.
    Raises:
        BundleError: it is of another precision than it says, or than the user expects.
    """
    found = graph.kind
    # Bundles know no FP8; whoever quantised to it has left what the FP32 export said.
    if found != "fp8" and found != bundle.precision:
        raise BundleError(
            f"{onnx} says that it is {bundle.precision}, its graph is {found}; make it again with {MADE_BY[found]}"
        )
    if wanted is not None and wanted != found:
        raise BundleError(
            f"{onnx} is {found}, not {wanted}: TensorRT takes its types from the ONNX file; "
            f"{wanted} is made by {MADE_BY[wanted]}"
        )
    return cast("Precision", found)
