"""What a framed byte stream says of itself before its first line; docs/stream.md has it byte by byte.

One stream header, then frames. A frame is a header and one line, [C, samples], band after band. All numbers are
little-endian. Every header carries its own CRC-32 (zlib's), and a frame's header also that of its line, so that a
reader knows which lines are damaged and finds the next frame after bytes were lost.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CameraError
from focus.runtime.cameras._frame_header import CRC, VERSION

# As in PNG, a byte above 127 and both kinds of line end show when a transfer in text mode has changed the bytes.
STREAM_MAGIC = b"\x89FOCUS\r\n"

#: Sample types by their number on the wire; all little-endian.
DTYPES: dict[int, np.dtype[Any]] = {1: np.dtype("<u1"), 2: np.dtype("<u2"), 3: np.dtype("<i2"), 4: np.dtype("<f4")}

KINDS: tuple[Literal["push-broom", "snapshot"], ...] = ("push-broom", "snapshot")
QUANTITIES: tuple[Literal["counts", "reflectance"], ...] = ("counts", "reflectance")

HAS_WAVELENGTHS, HAS_FWHM = 1, 2

#: magic, version, kind, length, sample type, bits, shift, quantity, bands, samples, lines a cube, flags, name's bytes,
#: scale, exposure in ms.
STREAM = struct.Struct("<8s2HI4H3I2H2d")
# No camera comes near; a damaged or foreign header must not ask for all the memory there is.
MOST_BANDS, MOST_SAMPLES, MOST_LINE_BYTES = 65_536, 65_536, 256 * 2**20


@dataclass(frozen=True, eq=False)
class StreamHeader:
    """What a stream says of itself.

    Attributes:
        bands, samples: C and S; a line is [C, S].
        dtype: of the samples, one of ``DTYPES``.
        wavelengths_nm: float64 [C], or None.
        fwhm_nm: float64 [C], or None.
        name: of the camera, for people.
        kind: "push-broom", or "snapshot", whose cubes come as ``cube_lines`` lines that share one camera time.
        cube_lines: lines of a snapshot cube; 0 for push-broom.
        quantity: whether stored value / scale is reflectance, or the samples are raw counts.
        scale: see quantity; 1 for counts.
        bits: depth of the camera's words; 0 where it is not known.
        shift: unused low bits of a stored word.
        exposure_ms: 0 where it is not known.
    """

    bands: int
    samples: int
    dtype: np.dtype[Any]
    wavelengths_nm: NDArray[np.float64] | None = None
    fwhm_nm: NDArray[np.float64] | None = None
    name: str = "camera"
    kind: Literal["push-broom", "snapshot"] = "push-broom"
    cube_lines: int = 0
    quantity: Literal["counts", "reflectance"] = "counts"
    scale: float = 1.0
    bits: int = 0
    shift: int = 0
    exposure_ms: float = 0.0

    @property
    def line_bytes(self) -> int:
        """Bytes of one line."""
        return self.bands * self.samples * self.dtype.itemsize

    def to_bytes(self) -> bytes:
        """The header as it is sent.

        Raises:
            ValueError: facts that the format cannot say.
        """
        _checked(self)
        name = self.name.encode()
        tables = [table for table in (self.wavelengths_nm, self.fwhm_nm) if table is not None]
        flags = HAS_WAVELENGTHS * (self.wavelengths_nm is not None) | HAS_FWHM * (self.fwhm_nm is not None)
        start = STREAM.pack(
            STREAM_MAGIC,
            VERSION,
            KINDS.index(self.kind),
            STREAM.size + sum(8 * len(table) for table in tables) + len(name) + CRC.size,
            _number_of(self.dtype),
            self.bits,
            self.shift,
            QUANTITIES.index(self.quantity),
            self.bands,
            self.samples,
            self.cube_lines,
            flags,
            len(name),
            self.scale,
            self.exposure_ms,
        )
        content = start + b"".join(np.asarray(table, "<f8").tobytes() for table in tables) + name
        return content + CRC.pack(zlib.crc32(content))


def stream_length(start: bytes) -> int:
    """Bytes of the whole stream header.

    Args:
        start: its first ``STREAM.size`` bytes.
    Raises:
        CameraError: they are no stream header of this version.
    """
    magic, version, _, length, *_ = STREAM.unpack(start)
    if magic != STREAM_MAGIC:
        raise CameraError("the stream does not begin with a FOCUS stream header; docs/stream.md says what to send")
    if version != VERSION:
        raise CameraError(f"the stream is of version {version}, this program reads {VERSION}; update the older side")
    most = STREAM.size + 16 * MOST_BANDS + 0xFFFF + CRC.size
    if not STREAM.size + CRC.size <= length <= most:
        raise CameraError(f"the stream header says that it is {length} bytes long; docs/stream.md says how to count")
    return int(length)


def stream_header_from_bytes(data: bytes) -> StreamHeader:
    """Reads a whole stream header.

    Raises:
        CameraError: it is damaged, or says what no camera can send.
    """
    if len(data) < STREAM.size + CRC.size or stream_length(data[: STREAM.size]) != len(data):
        raise CameraError("the stream header is cut short; start the writer again")
    if CRC.unpack(data[-CRC.size :])[0] != zlib.crc32(data[: -CRC.size]):
        raise CameraError("the stream header is damaged (its checksum does not match); start the writer again")
    _, _, kind, _, sample, bits, shift, quantity, bands, samples, lines, flags, named, scale, exposure = STREAM.unpack(
        data[: STREAM.size]
    )
    tables = bool(flags & HAS_WAVELENGTHS) + bool(flags & HAS_FWHM)
    if STREAM.size + 8 * bands * tables + named + CRC.size != len(data):
        raise CameraError("the stream header's length does not match its bands and name; see docs/stream.md")
    if sample not in DTYPES or kind >= len(KINDS) or quantity >= len(QUANTITIES):
        raise CameraError(
            f"the stream header has sample type {sample}, kind {kind}, quantity {quantity}, not all known"
        )
    table = np.frombuffer(data, "<f8", bands * tables, STREAM.size).reshape(tables, bands).astype(np.float64)
    header = StreamHeader(
        bands,
        samples,
        DTYPES[sample],
        table[0] if flags & HAS_WAVELENGTHS else None,
        table[-1] if flags & HAS_FWHM else None,
        data[len(data) - CRC.size - named : -CRC.size].decode(errors="replace"),
        KINDS[kind],
        lines,
        QUANTITIES[quantity],
        scale,
        bits,
        shift,
        exposure,
    )
    try:
        _checked(header)
    except ValueError as error:
        raise CameraError(f"the stream header cannot be used: {error}") from None
    return header


def _number_of(dtype: np.dtype[Any]) -> int:
    for number, known in DTYPES.items():
        if known == dtype:
            return number
    raise ValueError(f"a stream carries samples of {_names(DTYPES.values())}, got {dtype}")


def _names(dtypes: Iterable[np.dtype[Any]]) -> str:
    return ", ".join(str(dtype) for dtype in dtypes)


def _checked(header: StreamHeader) -> None:
    """Refuses what the format can say and no camera can send.

    Raises:
        ValueError: naming it.
    """
    if not (1 <= header.bands <= MOST_BANDS and 1 <= header.samples <= MOST_SAMPLES):
        raise ValueError(f"{header.bands} bands x {header.samples} samples, expected 1 to {MOST_BANDS} of each")
    if header.line_bytes > MOST_LINE_BYTES:
        raise ValueError(f"a line has {header.line_bytes} bytes, at most {MOST_LINE_BYTES} are read")
    for name, table in (("wavelengths", header.wavelengths_nm), ("FWHM", header.fwhm_nm)):
        if table is not None and not (len(table) == header.bands and np.all(np.isfinite(table)) and np.all(table > 0)):
            raise ValueError(f"{name} must be {header.bands} positive numbers in nm")
    if not (0 <= header.bits <= 8 * header.dtype.itemsize and 0 <= header.shift <= 16):
        raise ValueError(f"{header.bits} bits shifted by {header.shift} do not fit into {header.dtype}")
    if not (np.isfinite(header.scale) and header.scale > 0):
        raise ValueError(f"the scale must be positive, got {header.scale}")
    if len(header.name.encode()) > 0xFFFF:
        raise ValueError(f"the name must be at most {0xFFFF} bytes long, got {len(header.name.encode())}")
    if (header.kind == "snapshot") != (header.cube_lines > 0):
        raise ValueError(f"a {header.kind} stream cannot have {header.cube_lines} lines a cube")
