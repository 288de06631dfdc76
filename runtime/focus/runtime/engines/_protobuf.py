"""The fields of a protobuf message, without the protobuf package and without reading what nobody asks for."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import NamedTuple

# Wire types of protobuf.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Span(NamedTuple):
    """Where a string or a message lies in the file."""

    start: int
    stop: int


def fields(content: mmap.mmap, span: Span) -> Iterator[tuple[int, Span | int]]:
    """Field numbers of a message with the places of its strings and messages, and with its whole numbers.

    Raises:
        ValueError: no protobuf, or cut off.
    """
    place = span.start
    while place < span.stop:
        tag, place = _varint(content, place, span.stop)
        kind, number = tag & 7, tag >> 3
        if kind == VARINT:
            value, place = _varint(content, place, span.stop)
            yield number, value
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
            yield number, Span(place, place + length)
        place += length


def messages(content: mmap.mmap, span: Span) -> Iterator[tuple[int, Span]]:
    """The same without the numbers."""
    for number, value in fields(content, span):
        if isinstance(value, Span):
            yield number, value


def text(content: mmap.mmap, span: Span | None) -> str:
    """A string; empty where there is none.

    Raises:
        ValueError: it is not UTF-8.
    """
    if span is None:
        return ""
    return content[span.start : span.stop].decode("utf-8")


def _varint(content: mmap.mmap, place: int, stop: int) -> tuple[int, int]:
    value = shift = 0
    while place < stop and shift < 64:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
    raise ValueError("it is cut off" if place >= stop else "it is no protobuf")
