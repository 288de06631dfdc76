"""What an ONNX file says of itself, without loading its weights.

The onnx package is not on the edge, and an engine that compiled the model earlier need not read it again. Of the file's
protobuf messages only those on the way to metadata and inputs are looked at; the graph is passed over.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from focus.runtime._bundle import Bundle
from focus.runtime._errors import BundleError

INPUTS = ("band_means", "composite")

# Field numbers of onnx.proto3 and wire types of protobuf.
MODEL_GRAPH, MODEL_METADATA = 7, 14
GRAPH_INPUT = 11
KEY, VALUE = 1, 2
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


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


class _Span(NamedTuple):
    start: int
    stop: int


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
    return BundleError(f"{path} is not a readable ONNX model ({reason}); copy or export it again")


def _metadata_and_inputs(content: mmap.mmap) -> tuple[dict[str, str], list[str]]:
    metadata, inputs, graphs = {}, [], 0
    for number, span in _messages(content, _Span(0, len(content))):
        if number == MODEL_METADATA:
            pair = dict(_messages(content, span))
            metadata[_text(content, pair.get(KEY))] = _text(content, pair.get(VALUE))
        elif number == MODEL_GRAPH:
            graphs += 1
            puts = [put for field, put in _messages(content, span) if field == GRAPH_INPUT]
            inputs = [_text(content, dict(_messages(content, put)).get(KEY)) for put in puts]
    if not graphs:
        raise ValueError("it holds no graph")
    return metadata, inputs


def _messages(content: mmap.mmap, span: _Span) -> Iterator[tuple[int, _Span]]:
    """Field numbers and places of a message's strings and messages; numbers are passed over."""
    place = span.start
    while place < span.stop:
        tag, place = _varint(content, place, span.stop)
        kind, number = tag & 7, tag >> 3
        if kind == VARINT:
            _, place = _varint(content, place, span.stop)
            continue
        if kind == BYTES:
            length, place = _varint(content, place, span.stop)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise ValueError("it is no protobuf")
        if place + length > span.stop:
            raise ValueError("it is cut off")
        if kind == BYTES:
            yield number, _Span(place, place + length)
        place += length


def _varint(content: mmap.mmap, place: int, stop: int) -> tuple[int, int]:
    value = shift = 0
    while place < stop and shift < 64:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
    raise ValueError("it is cut off" if place >= stop else "it is no protobuf")


def _text(content: mmap.mmap, span: _Span | None) -> str:
    if span is None:
        return ""
    return content[span.start : span.stop].decode("utf-8")
