"""Finds frames in a byte stream, also after bytes were lost or changed."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator

from focus.runtime._errors import CameraError, CameraLost
from focus.runtime.cameras._bytes import ByteStream
from focus.runtime.cameras._frame_header import FRAME_BYTES, FRAME_MAGIC, FrameHeader, frame_header_from_bytes
from focus.runtime.cameras._stream_header import STREAM, StreamHeader, stream_header_from_bytes, stream_length
from focus.runtime.sources._contract import PATIENCE_S

#: Bytes looked through at a time for the next frame.
CHUNK_BYTES = 65_536


class FrameReader:
    """Reads the stream header, then one frame after the other. Only headers are copied; lines go where they belong.

    Args:
        stream: at its first byte.
        first_limit_s: how long the peer may take to send the header and the first frame.
        limit_s: how long it may be silent afterwards.
    Raises:
        CameraError: it does not begin with a stream header.
        CameraLost: it fell silent or was closed.
    Attributes:
        header: the stream header.
        resyncs: how often the next frame had to be searched for.
    """

    def __init__(self, stream: ByteStream, first_limit_s: float, limit_s: float) -> None:
        self._stream, self._limit_s, self._next_limit_s = stream, limit_s, first_limit_s
        self._head = bytearray(FRAME_BYTES)
        self.resyncs = 0
        stream.wait(first_limit_s)
        self.header = self._read_stream_header(first_limit_s)

    def _read_stream_header(self, limit_s: float) -> StreamHeader:
        start = bytearray(STREAM.size)
        self._stream.fill(memoryview(start), limit_s)
        whole = bytearray(stream_length(bytes(start)))
        whole[: STREAM.size] = start
        self._stream.fill(memoryview(whole)[STREAM.size :], limit_s)
        return stream_header_from_bytes(bytes(whole))

    def until_next(self) -> Iterator[None]:
        """Yields now and then as long as nothing comes, and ends when the next frame begins.

        Raises:
            CameraLost: the peer fell silent.
        """
        end = time.monotonic() + self._next_limit_s
        while not self._stream.ready(min(PATIENCE_S, max(end - time.monotonic(), 0.0))):
            if time.monotonic() >= end:
                raise self._stream.silence(self._next_limit_s)
            yield None

    def next_header(self) -> FrameHeader:
        """The next intact frame header; whatever is in front of it is skipped.

        Raises:
            CameraError: its line is not as long as the stream header says.
            CameraLost: the peer fell silent, was closed, or sends no frames any more.
        """
        self._stream.fill(memoryview(self._head), self._next_limit_s)
        found = frame_header_from_bytes(self._head)
        if found is None:
            found = self._search()
        self._next_limit_s = self._limit_s
        if found.length != (0 if found.end else self.header.line_bytes):
            raise CameraError(
                f"{self.header.name} sent a line of {found.length} bytes, its stream header says "
                f"{self.header.line_bytes}; correct the writer"
            )
        return found

    def _search(self) -> FrameHeader:
        """The next intact frame header behind one that is damaged; what was read beyond it is given back."""
        self.resyncs += 1
        end = time.monotonic() + self._limit_s
        # At least one byte is dropped, or the same place would be found again.
        seen = bytes(self._head[1:])
        while time.monotonic() < end:
            start = seen.find(FRAME_MAGIC)
            if start < 0:
                # Its first bytes may be there already.
                seen = seen[1 - len(FRAME_MAGIC) :] + self._stream.some(CHUNK_BYTES, self._limit_s)
            elif len(seen) < start + FRAME_BYTES:
                seen = seen[start:] + self._stream.some(CHUNK_BYTES, self._limit_s)
            else:
                found = frame_header_from_bytes(seen[start : start + FRAME_BYTES])
                if found is not None:
                    self._stream.unread(seen[start + FRAME_BYTES :])
                    return found
                seen = seen[start + 1 :]
        raise CameraLost(f"{self.header.name} sent no frame for {self._limit_s:g} s, only other bytes; restart it")

    def read_line(self, header: FrameHeader, buffer: memoryview) -> bool:
        """Reads the header's line.

        Args:
            header: what ``next_header`` has just given.
            buffer: bytes, as long as the line.
        Returns: whether it is as it was sent.
        """
        self._stream.fill(buffer, self._limit_s)
        return not header.damaged and zlib.crc32(buffer) == header.payload_crc
