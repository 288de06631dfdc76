"""V4L2 cameras, through linuxpy: ``/dev/hsi0``, ``/dev/video0``."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from focus.runtime._errors import CameraError, CameraLost
from focus.runtime.cameras._facts import FIRST_LIMIT_S, SILENCE_LIMIT_S, Said, facts_of_camera
from focus.runtime.cameras._layout import FrameLayout, layout_of
from focus.runtime.cameras._sequence import V4L2_32, FrameNumbers
from focus.runtime.sources._contract import PATIENCE_S, FrameMeta, GetBuffer, Truth
from focus.runtime.sources._options import SourceOptions

#: Formats that hold one value a pixel, and the bits of it. Drivers should put Y10 and Y12 at the lower end of 16 bits;
#: where one does not, --bit-shift says so.
BITS_OF_FORMAT = {"GREY": 8, "Y10": 10, "Y12": 12, "Y16": 16}

#: Frames that the driver may be ahead: at 330 lines/s a tenth of a second.
BUFFERS = 32


class V4L2Camera:
    """Copies each frame once, from the driver's mapped memory into the pipeline's buffer.

    The device's own format and size are taken; `v4l2-ctl --set-fmt-video` sets them.

    Args:
        path: the device, or a link to it.
        options: what the user says about it.
        uri: for the record.
    Raises:
        CameraError: it cannot be opened, is no camera, or sends a format with colours or compression.
        ModuleNotFoundError: linuxpy is not installed.
    """

    truth: Truth | None = None

    def __init__(self, path: Path | str, options: SourceOptions | None = None, *, uri: str = "") -> None:
        options = options or SourceOptions()
        self._video: Any = import_module("linuxpy.video.device")
        # What a link leads to today; it may lead elsewhere once the camera has come back.
        self._path = Path(path).resolve()
        self._timeout_s = options.timeout_s or SILENCE_LIMIT_S
        self._device = self._video.Device(self._path)
        try:
            said, self._layout = self._opened(options, uri or str(path))
            self.facts = facts_of_camera(said, options)
        except BaseException:
            self.close()
            raise

    def _opened(self, options: SourceOptions, uri: str) -> tuple[Said, FrameLayout]:
        try:
            self._device.open()
            self._capture = self._video.VideoCapture(self._device, size=BUFFERS)
            return self._said(options, uri)
        except OSError as error:  # also where it goes while it is asked, as one does that is just being plugged in
            reason = error.strerror or str(error)
            raise CameraError(f"cannot open {self._path} ({reason}); check the camera and your rights to it") from None

    def _said(self, options: SourceOptions, uri: str) -> tuple[Said, FrameLayout]:
        form = self._capture.get_format()
        name = form.pixel_format.name
        if name not in BITS_OF_FORMAT:
            raise CameraError(
                f"{uri} is set to {name}, expected {', '.join(BITS_OF_FORMAT)}; "
                f"run v4l2-ctl -d {self._path} --set-fmt-video=pixelformat=Y16 (or the format that it has)"
            )
        dtype = np.dtype("<u1" if name == "GREY" else "<u2")
        layout = layout_of(form.height, form.width, form.bytes_per_line, dtype, options)
        info = self._device.info
        said = Said(
            name=str(info.card),
            uri=uri,
            bands=layout.bands,
            samples=layout.samples,
            dtype=dtype,
            bits=BITS_OF_FORMAT[name],
            camera=str(info.card),
            cube_lines=layout.cube_lines,
            mosaic=layout.mosaic,
            provenance={"format": f"V4L2 {name}", "device": str(self._path), "driver": str(info.driver)},
        )
        return said, layout

    def start(self, get_buffer: GetBuffer) -> Iterator[FrameMeta | None]:
        """See ``FrameSource.start``; it never ends by itself.

        Raises:
            CameraLost: the device went away or fell silent.
        """
        number = FrameNumbers(V4L2_32, self.facts.name)
        ready = select.poll()
        ready.register(self._device.fileno(), select.POLLIN)
        limit_s = max(FIRST_LIMIT_S, self._timeout_s)
        try:
            with self._capture as capture:
                while True:
                    yield from self._wait(ready, limit_s)
                    limit_s = self._timeout_s
                    yield from self._read(capture.buffer, number, get_buffer)
        except OSError as error:
            raise CameraLost(f"{self.facts.name} went away ({error.strerror or error}); plug it in again") from None
        finally:
            self.close()

    def _wait(self, ready: select.poll, limit_s: float) -> Iterator[None]:
        """Until a frame is there; see ``FrameSource.start`` for what it yields."""
        end = time.monotonic() + limit_s
        while not (events := ready.poll(1000 * PATIENCE_S)):
            if time.monotonic() > end:
                raise CameraLost(f"{self.facts.name} sent nothing for {limit_s:g} s; check the camera and its cable")
            yield None
        if not events[0][1] & select.POLLIN:
            raise CameraLost(f"{self.facts.name} went away; plug it in again")

    def _read(self, memory: Any, number: FrameNumbers, get_buffer: GetBuffer) -> Iterator[FrameMeta]:
        """One frame out of the driver's queue, which gets its buffer back."""
        with memory.queue as filled, memoryview(memory.buffers[filled.index])[: filled.bytesused] as frame:
            sequence = number(int(filled.sequence))
            if sequence is not None:
                yield from self._layout.lines_of(frame, self._meta(filled, sequence), get_buffer)

    def _meta(self, filled: Any, sequence: int) -> FrameMeta:
        flags = self._video.BufferFlag
        now_ns, taken_ns = time.monotonic_ns(), filled.timestamp.secs * 10**9 + filled.timestamp.usecs * 1000
        monotonic = filled.flags & flags.TIMESTAMP_MASK == flags.TIMESTAMP_MONOTONIC
        arrived_ns = taken_ns if monotonic else now_ns
        utc_ns = time.time_ns() - (now_ns - arrived_ns)
        return FrameMeta(sequence, taken_ns or None, arrived_ns, utc_ns, not filled.flags & flags.ERROR)

    def close(self) -> None:
        """Gives the device back; a second call does nothing."""
        self._device.close()
