"""Byte streams that are nearly right, and what must be true of a reader of any bytes at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

import numpy as np

from focus.runtime._errors import FocusError
from focus.runtime.cameras._bytes import ByteStream
from focus.runtime.cameras._frame_header import FrameHeader
from focus.runtime.cameras._frames import FrameReader
from focus.runtime.cameras._stream_header import StreamHeader
from focus.runtime.cameras._writer import StreamWriter

HEADER = StreamHeader(3, 5, np.dtype("<u2"), np.array([500.0, 600.0, 700.0]), np.full(3, 9.0), "fuzzed", bits=12)
LINE = np.arange(15, dtype=np.uint16).reshape(3, 5)


def a_stream(lines: int = 4) -> bytes:
    """A whole stream."""
    reader, writer = os.pipe()
    sender = StreamWriter(writer, HEADER)
    for number in range(lines):
        sender.line(LINE + np.uint16(number), number, camera_ns=number, utc_ns=1)
    sender.end(lines)
    os.close(writer)
    with os.fdopen(reader, "rb") as end:
        return end.read()


#: Kinds of damage that ``damaged`` knows.
DAMAGES = ("flip", "cut", "insert", "delete", "repeat", "zero")


def damaged(data: bytes, changes: Sequence[tuple[str, int, int]]) -> bytes:
    """A stream with some changes.

    Args:
        changes: kind, place (taken modulo the length) and size or bit of each.
    """
    found = bytearray(data)
    for kind, place, size in changes:
        at = place % (len(found) + 1)
        if kind == "flip" and at < len(found):
            found[at] ^= 1 << size % 8
        elif kind == "cut":
            del found[at:]
        elif kind == "insert":
            found[at:at] = bytes((place * 31 + step * size) % 256 for step in range(size % 200))
        elif kind == "delete":
            del found[at : at + size % 200]
        elif kind == "repeat":
            found[at:at] = found[at : at + size % 200]
        elif kind == "zero":
            found[at : at + size % 100] = bytes(len(found[at : at + size % 100]))
    return bytes(found)


def read_all(data: bytes) -> tuple[list[tuple[FrameHeader, bool, bytes]], FocusError | None]:
    """What a reader makes of some bytes, and how it ended: as it should, or with one of our own errors.

    Anything else that is raised is a fault, and so is a reader that does not end.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    feeder = threading.Thread(target=_feed, args=(writer, data), daemon=True) if len(data) > 60_000 else None
    if feeder is None:
        _feed(writer, data)
    else:
        feeder.start()
    stream, frames = ByteStream(reader, "fuzz:"), []
    try:
        source = FrameReader(stream, 1.0, 1.0)
        line = bytearray(source.header.line_bytes)
        while not (head := source.next_header()).end:
            frames.append((head, source.read_line(head, memoryview(line)), bytes(line)))
    except FocusError as error:
        return frames, error
    finally:
        stream.close()
    return frames, None


def _feed(writer: int, data: bytes) -> None:
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(writer, left) :]
    except BrokenPipeError:
        return
    finally:
        os.close(writer)
