"""From an ONNX file to TensorRT's network: always strongly typed, so that 10.3 and 11 build the same one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from focus.runtime._errors import BundleError, FocusError
from focus.runtime.tensorrt._logger import reason


class Parsed(NamedTuple):
    """A network and the parser that holds its weights: both must live until the plan is built."""

    network: Any
    parser: Any


def new_builder(trt: ModuleType, logger: Any) -> Any:
    """TensorRT's builder.

    Raises:
        FocusError: TensorRT does not start here.
    """
    try:
        builder = trt.Builder(logger)
    except (TypeError, RuntimeError):  # what the bindings make of a null pointer
        builder = None
    if builder is None:
        raise FocusError(
            f"TensorRT {trt.__version__} does not start here ({reason(logger)}); it needs a driver for its CUDA "
            "version: install a newer driver, or the tensorrt package for the driver's CUDA (tensorrt-cu12, -cu13)"
        )
    return builder


def parsed_network(trt: ModuleType, builder: Any, logger: Any, onnx: Path) -> Parsed:
    """Reads the file.

    Raises:
        BundleError: TensorRT's parser refuses it; the message is the parser's first one.
    """
    # Version 11 ignores the flag, because nothing else is left; 10 needs it.
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(onnx)):
        raise BundleError(
            f"TensorRT {trt.__version__} cannot read {onnx} ({_first_error(parser, logger)}); "
            "export it again with focus-export --opset 20"
        )
    return Parsed(network, parser)


def _first_error(parser: Any, logger: Any) -> str:
    count = parser.num_errors
    if not count:
        return reason(logger)
    error = parser.get_error(0)
    where = f"node {error.node()}, {error.node_name()} ({error.node_operator()}): " if error.node_operator() else ""
    more = f", and {count - 1} more" if count > 1 else ""
    return f"{where}{' '.join(error.desc().split())[:300]}{more}"


def input_shapes(network: Any) -> dict[str, tuple[int, ...]]:
    """Input name -> shape, -1 where it is dynamic."""
    puts = [network.get_input(index) for index in range(network.num_inputs)]
    return {put.name: tuple(put.shape) for put in puts}


def fix_batch(network: Any, batch: int) -> None:
    """Makes a dynamic batch one of this many windows: a static network is built without a thought for other sizes, and
    runs in a CUDA graph.
    """
    for index in range(network.num_inputs):
        put = network.get_input(index)
        shape: Sequence[int] = tuple(put.shape)
        if shape[0] == -1:
            put.shape = (batch, *shape[1:])
