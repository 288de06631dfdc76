"""From a network to the bytes of a plan."""

from __future__ import annotations

import threading
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from focus.runtime._errors import FocusError
from focus.runtime.tensorrt._config import batch_of, builder_config
from focus.runtime.tensorrt._logger import build_logger, reason
from focus.runtime.tensorrt._network import new_builder, parsed_network
from focus.runtime.tensorrt._options import BatchProfile, BuildOptions
from focus.runtime.tensorrt._progress import Phases, Show, progress_monitor, stop_on_interrupt
from focus.runtime.tensorrt._timing_cache import load_timings, save_timings


class Built(NamedTuple):
    """A plan.

    Attributes:
        content: its bytes, such as ``trtexec --loadEngine`` reads.
        batch: windows of a pass.
        warnings: what the builder warned of, each once.
    """

    content: bytes
    batch: BatchProfile
    warnings: tuple[str, ...]


def built_plan(
    trt: ModuleType, onnx: Path, options: BuildOptions, timings: Path | None = None, show: Show | None = None
) -> Built:
    """Parses and builds.

    Args:
        trt: the module ``tensorrt``, or ``tensorrt_rtx``, whose classes have the same names.
        onnx: from focus-export or focus-calib quantize.
        options: see ``BuildOptions``.
        timings: the timing cache, read and written; None does without.
        show: told how far it is.
    Raises:
        BundleError: the parser refuses the file, or its batch is another.
        FocusError: the builder fails.
        KeyboardInterrupt: Ctrl-C, once the builder has stopped.
    """
    logger = build_logger(trt)
    builder = new_builder(trt, logger)
    parsed = parsed_network(trt, builder, logger, onnx)
    batch = batch_of(parsed.network, options.batch, onnx)
    config = builder_config(trt, builder, parsed.network, options, batch)
    load_timings(config, timings)
    with stop_on_interrupt() as stop:
        content = _serialized(trt, builder, parsed.network, config, stop, show)
    if content is None:
        raise FocusError(
            f"TensorRT {trt.__version__} built no plan of {onnx} ({reason(logger)}); close what else uses the GPU's "
            "memory, lower --workspace or --batch, or export the model again with focus-export --opset 20"
        )
    save_timings(config, timings)
    return Built(content, batch, tuple(logger.warnings))


def _serialized(
    trt: ModuleType, builder: Any, network: Any, config: Any, stop: threading.Event, show: Show | None
) -> bytes | None:
    monitor = progress_monitor(trt, Phases(show or _nothing), stop)
    config.progress_monitor = monitor
    plan = builder.build_serialized_network(network, config)
    return None if plan is None else bytes(plan)


def _nothing(_what: str, _share: float) -> None:
    """Nobody looks."""
