"""The header of a line on the wire, version 1; docs/stream.md has it byte by byte."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

VERSION = 1

# As in PNG, a byte above 127 and both kinds of line end show when a transfer in text mode has changed the bytes.
FRAME_MAGIC = b"\x89FRAME\r\n"

END_OF_STREAM, NO_CAMERA_CLOCK, DAMAGED = 1, 2, 4

#: magic, version, flags, length, sequence, camera, monotonic and UTC in ns, line in its cube, reserved, the line's CRC.
FRAME = struct.Struct("<8s2HIQ3q3I")
CRC = struct.Struct("<I")
FRAME_BYTES = FRAME.size + CRC.size


@dataclass(frozen=True)
class FrameHeader:
    """What is said of one line.

    Attributes:
        sequence: grows by one a line; uint64, so that it never wraps.
        camera_ns: the camera's own clock, or None.
        monotonic_ns, utc_ns: the writer's clocks when the line was read out; 0 where it does not know.
        payload_crc: CRC-32 of the line's bytes.
        length: bytes of the line; 0 in the frame that ends the stream.
        end: no line follows, and the stream is over as it should be.
        damaged: the writer knows that the line is not as the camera saw it.
        line: number of the line within its snapshot cube; 0 for push-broom.
    """

    sequence: int
    camera_ns: int | None
    monotonic_ns: int
    utc_ns: int
    payload_crc: int
    length: int
    end: bool = False
    damaged: bool = False
    line: int = 0

    def to_bytes(self) -> bytes:
        """The header as it is sent, ``FRAME_BYTES`` long."""
        flags = END_OF_STREAM * self.end | NO_CAMERA_CLOCK * (self.camera_ns is None) | DAMAGED * self.damaged
        content = FRAME.pack(
            FRAME_MAGIC,
            VERSION,
            flags,
            self.length,
            self.sequence,
            self.camera_ns or 0,
            self.monotonic_ns,
            self.utc_ns,
            self.line,
            0,
            self.payload_crc,
        )
        return content + CRC.pack(zlib.crc32(content))


def frame_header_from_bytes(data: bytes | bytearray) -> FrameHeader | None:
    """Reads a frame header of ``FRAME_BYTES``; None where it is damaged, or none at all."""
    if data[: len(FRAME_MAGIC)] != FRAME_MAGIC or CRC.unpack(data[-CRC.size :])[0] != zlib.crc32(data[: -CRC.size]):
        return None
    _, version, flags, length, sequence, camera, monotonic, utc, line, _, payload = FRAME.unpack(data[: FRAME.size])
    if version != VERSION:
        return None
    clock = None if flags & NO_CAMERA_CLOCK else camera
    ends, damaged = bool(flags & END_OF_STREAM), bool(flags & DAMAGED)
    return FrameHeader(sequence, clock, monotonic, utc, payload, length, ends, damaged, line)
