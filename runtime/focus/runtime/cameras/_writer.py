"""Writes the framed byte stream of docs/stream.md."""

from __future__ import annotations

import os
import select
import time
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.cameras._frame_header import FrameHeader
from focus.runtime.cameras._stream_header import StreamHeader


class StreamWriter:
    """Sends a stream header, then lines.

    Args:
        descriptor: a pipe or socket; it stays the caller's.
        header: sent at once.
    Attributes:
        waited_s: how long the reader was waited for, in all; 0 where the descriptor blocks.
    Raises:
        OSError: the reader has gone away; from every method.
    """

    def __init__(self, descriptor: int, header: StreamHeader) -> None:
        self._descriptor, self._header = descriptor, header
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self.waited_s = 0.0
        self.send(header.to_bytes())

    def line(
        self,
        values: NDArray[Any],
        sequence: int,
        *,
        camera_ns: int | None = None,
        monotonic_ns: int = 0,
        utc_ns: int = 0,
        line: int = 0,
        damaged: bool = False,
    ) -> None:
        """Sends one line.

        Args:
            values: [C, S] of the header's dtype.
            sequence, camera_ns, monotonic_ns, utc_ns, line, damaged: see ``FrameHeader``.
        Raises:
            ValueError: values of another shape or dtype than the header says.
        """
        payload = self.payload(values)
        crc = zlib.crc32(payload)
        head = FrameHeader(sequence, camera_ns, monotonic_ns, utc_ns, crc, len(payload), damaged=damaged, line=line)
        self.send(head.to_bytes(), payload)

    def payload(self, values: NDArray[Any]) -> memoryview:
        """A line's bytes; a copy only where they do not lie one after the other.

        Raises:
            ValueError: see ``line``.
        """
        header = self._header
        if values.shape != (header.bands, header.samples) or values.dtype != header.dtype:
            raise ValueError(
                f"a line must be {header.dtype} [{header.bands}, {header.samples}], "
                f"got {values.dtype} {list(values.shape)}"
            )
        return np.ascontiguousarray(values).reshape(-1).view(np.uint8).data

    def end(self, sequence: int) -> None:
        """Says that the stream is over as it should be."""
        self.send(FrameHeader(sequence, None, 0, 0, 0, 0, end=True).to_bytes())

    def send(self, *parts: bytes | memoryview) -> None:
        """Sends bytes as they are."""
        left: Sequence[bytes | memoryview] = parts
        while left:
            try:
                sent = os.writev(self._descriptor, left)
            except BlockingIOError:
                self._wait()
            else:
                left = _unsent(left, sent)

    def _wait(self) -> None:
        start = time.monotonic()
        self._poll.poll()
        self.waited_s += time.monotonic() - start


def _unsent(parts: Sequence[bytes | memoryview], sent: int) -> list[bytes | memoryview]:
    left: list[bytes | memoryview] = []
    for part in parts:
        if sent < len(part):
            left.append(memoryview(part)[sent:])
        sent = max(0, sent - len(part))
    return left
