"""``tcp://HOST:PORT``, ``unix:/path``, ``fifo:/path``: a framed byte stream that somebody else's program writes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CameraError
from focus.runtime.cameras._bytes import CONNECT_LIMIT_S, ByteStream, Place, connect
from focus.runtime.cameras._facts import FIRST_LIMIT_S, SILENCE_LIMIT_S, Said, facts_of_camera
from focus.runtime.cameras._frame_header import FrameHeader
from focus.runtime.cameras._frames import FrameReader
from focus.runtime.cameras._layout import FrameLayout, layout_of
from focus.runtime.cameras._stream_header import StreamHeader
from focus.runtime.sources._contract import FrameMeta, GetBuffer, Truth
from focus.runtime.sources._options import SourceOptions

#: A FIFO may still hold what was meant for the reader before us. Its writer starts anew once it finds that nobody
#: reads, which takes a moment.
FIFO_ATTEMPTS, FIFO_PAUSE_S = 3, 0.2


class StreamCamera:
    """Reads lines from a framed byte stream (docs/stream.md) straight into the pipeline's buffers.

    It connects at once, because the stream's first bytes say what the lines are. Over FIFOs and Unix sockets the
    writer's clocks are this machine's and are taken; over TCP the time of arrival is.

    Args:
        place: where the stream comes from.
        options: what the user says about it.
        first_timeout_s: how long the writer may take for its header and its first line.
    Raises:
        CameraError: nobody is there, the stream header is not valid, or something about the bands is not known.
        CameraLost: it broke off before the header was complete.
    Attributes:
        header: the stream header.
    """

    truth: Truth | None = None

    def __init__(
        self,
        place: Place,
        options: SourceOptions | None = None,
        *,
        first_timeout_s: float = FIRST_LIMIT_S,
    ) -> None:
        options = options or SourceOptions()
        timeout_s = options.timeout_s or SILENCE_LIMIT_S
        self._local = place.local
        self._stream, self._frames = _connected(place, max(first_timeout_s, timeout_s), timeout_s)
        self.header = self._frames.header
        try:
            said, self._layout = _said(self.header, place.uri, options)
            self.facts = facts_of_camera(said, options)
        except BaseException:
            self._stream.close()
            raise

    def start(self, get_buffer: GetBuffer) -> Iterator[FrameMeta | None]:
        """See ``FrameSource.start``; ends with the frame that says so.

        Raises:
            CameraLost: the writer went away or fell silent.
            CameraError: it sends lines of another size than it said.
        """
        pixels = bytearray(self.header.line_bytes if self._layout else 0)
        expected: int | None = None
        try:
            while True:
                yield from self._frames.until_next()
                frame = self._frames.next_header()
                if frame.end:
                    if expected is not None and frame.sequence > expected:
                        lines = 1 if self._layout is None else self._layout.lines
                        yield self._meta(frame, intact=False)._replace(sequence=frame.sequence * lines, ends=True)
                    return
                expected = frame.sequence + 1
                self._require_place(frame)
                if self._layout is None:
                    yield self._meta(frame, self._read_line(frame, get_buffer()))
                else:
                    intact = self._frames.read_line(frame, memoryview(pixels))
                    yield from self._layout.lines_of(pixels, self._meta(frame, intact), get_buffer)
        finally:
            self.close()

    def _require_place(self, frame: FrameHeader) -> None:
        lines = self.header.cube_lines
        if lines and frame.sequence % lines != frame.line:
            raise CameraError(
                f"{self.facts.name} sends line {frame.line} of a cube as number {frame.sequence}, expected the cube's "
                f"number x {lines} + {frame.line}; docs/stream.md says how lines are numbered"
            )

    def _read_line(self, frame: FrameHeader, buffer: NDArray[Any]) -> bool:
        if buffer.flags.c_contiguous:
            return self._frames.read_line(frame, buffer.reshape(-1).view(np.uint8).data)
        line = np.empty(buffer.shape, buffer.dtype)
        intact = self._frames.read_line(frame, line.reshape(-1).view(np.uint8).data)
        buffer[...] = line
        return intact

    def _meta(self, frame: FrameHeader, intact: bool) -> FrameMeta:
        monotonic_ns, utc_ns = (frame.monotonic_ns, frame.utc_ns) if self._local else (0, 0)
        return FrameMeta(
            frame.sequence, frame.camera_ns, monotonic_ns or time.monotonic_ns(), utc_ns or time.time_ns(), intact
        )

    def close(self) -> None:
        """Gives the connection back; a second call does nothing."""
        self._stream.close()


def _connected(place: Place, first_limit_s: float, limit_s: float) -> tuple[ByteStream, FrameReader]:
    """A stream whose header has been read.

    Raises:
        CameraError: what went wrong at the first attempt.
    """
    failed: CameraError | None = None
    for attempt in range(FIFO_ATTEMPTS if place.scheme == "fifo" else 1):
        if attempt:
            time.sleep(FIFO_PAUSE_S)
        stream = connect(place, CONNECT_LIMIT_S)
        try:
            return stream, FrameReader(stream, first_limit_s, limit_s)
        except CameraError as error:
            stream.close()
            failed = failed or error
        except BaseException:
            stream.close()
            raise
    raise failed or CameraError(f"cannot read {place.uri}")


def _said(header: StreamHeader, uri: str, options: SourceOptions) -> tuple[Said, FrameLayout | None]:
    """What the header says; and, where its lines are frames of a mosaic sensor, how those are to be read."""
    said = Said(
        name=header.name or uri,
        uri=uri,
        bands=header.bands,
        samples=header.samples,
        dtype=header.dtype,
        wavelengths_nm=header.wavelengths_nm,
        fwhm_nm=header.fwhm_nm,
        quantity=header.quantity,
        scale=header.scale,
        bits=header.bits or None,
        shift=header.shift,
        exposure_ms=header.exposure_ms or None,
        camera=header.name,
        cube_lines=header.cube_lines or None,
        provenance={
            "format": "framed stream",
            "kind": header.kind,
            "cube_lines": header.cube_lines,
            "quantity": header.quantity,
            "scale": header.scale,
        },
    )
    if options.mosaic is None:  # what the calibration says of a pattern is of the camera, not of this stream
        return said, None
    layout = layout_of(header.bands, header.samples, header.samples * header.dtype.itemsize, header.dtype, options)
    if header.cube_lines:
        raise CameraError(
            f"{said.name} sends snapshot cubes already, which are no frames of a mosaic; leave out --mosaic"
        )
    return replace(
        said,
        bands=layout.bands,
        samples=layout.samples,
        wavelengths_nm=None,
        fwhm_nm=None,
        cube_lines=layout.lines,
        mosaic=layout.mosaic,
    ), layout
