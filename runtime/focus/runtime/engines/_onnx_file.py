"""What an ONNX file says of itself, without loading its weights.

The onnx package is not on the edge, and an engine that compiled the model earlier need not read it again. Of the file's
protobuf messages only those on the way to metadata and inputs are looked at; the graph is passed over.
"""

from __future__ import annotations

import hashlib
import mmap
from pathlib import Path
from typing import NamedTuple

from focus.runtime._bundle import Bundle
from focus.runtime._errors import BundleError
from focus.runtime.engines._protobuf import Span, messages, text

INPUTS = ("band_means", "composite")

# Field numbers of onnx.proto3.
MODEL_GRAPH, MODEL_METADATA = 7, 14
GRAPH_INPUT = 11
KEY, VALUE = 1, 2


class ModelFile(NamedTuple):
    """An exported model that an engine can run.

    Attributes:
        path: the file.
        bundle: its facts.
        sha256: hash of the whole file.
    """

    path: Path
    bundle: Bundle
    sha256: str


def read_model_file(path: Path) -> ModelFile:
    """Reads bundle and inputs, and hashes the file.

    Raises:
        BundleError: no such file, not ONNX, cut off, not a FOCUS model, or one with other inputs than an engine's.
    """
    if not path.is_file():
        raise BundleError(
            f"no model file {path}; make one with focus-export, or leave out --engine for the shipped one"
        )
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            raise _damaged(path, "it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            try:
                metadata, inputs = _metadata_and_inputs(content)
            except ValueError as error:
                raise _damaged(path, str(error)) from None
            digest = hashlib.sha256(content).hexdigest()
    bundle = Bundle.from_metadata(metadata, str(path))
    if set(inputs) != set(INPUTS):
        raise BundleError(
            f"{path} has the inputs {', '.join(sorted(inputs))}, an engine needs {' and '.join(INPUTS)}; "
            "export it without --standalone"
        )
    return ModelFile(path, bundle, digest)


def _damaged(path: Path, reason: str) -> BundleError:
    with path.open("rb") as file:
        if file.read(9)[8:] == b"{":  # safetensors
            return BundleError(
                f"{path} is a checkpoint, no ONNX model; focus-export --ckpt {path} --onnx FOCUS.onnx makes one of it"
            )
    return BundleError(f"{path} is not a readable ONNX model ({reason}); copy or export it again")


def _metadata_and_inputs(content: mmap.mmap) -> tuple[dict[str, str], list[str]]:
    metadata, inputs, graphs = {}, [], 0
    for number, span in messages(content, Span(0, len(content))):
        if number == MODEL_METADATA:
            pair = dict(messages(content, span))
            metadata[text(content, pair.get(KEY))] = text(content, pair.get(VALUE))
        elif number == MODEL_GRAPH:
            graphs += 1
            puts = [put for field, put in messages(content, span) if field == GRAPH_INPUT]
            inputs = [text(content, dict(messages(content, put)).get(KEY)) for put in puts]
    if not graphs:
        raise ValueError("it holds no graph")
    return metadata, inputs
