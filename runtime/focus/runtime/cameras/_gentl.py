"""Cameras behind a GenTL producer of their maker, through harvesters: ``gentl:producer.cti``."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CameraError, CameraLost
from focus.runtime.cameras._facts import FIRST_LIMIT_S, SILENCE_LIMIT_S, Said, facts_of_camera
from focus.runtime.cameras._genicam import BITS_OF_FORMAT, buffer_count, dtype_of
from focus.runtime.cameras._gentl_device import GentlDevice, gentl_errors, producer_path, said
from focus.runtime.cameras._layout import FrameLayout, layout_of
from focus.runtime.cameras._sequence import GIGE_16, WIDE_64, FrameNumbers
from focus.runtime.sources._contract import PATIENCE_S, FrameMeta, GetBuffer, Truth
from focus.runtime.sources._options import SourceOptions

#: From the loss of a camera until its producer is told to give it up.
END_AFTER_S = 0.2


class GentlCamera:
    """Copies each frame once, from memory that the producer fills into the pipeline's buffer.

    A frame that stays incomplete comes as not intact.

    Args:
        where: ``producer.cti`` or ``producer.cti,SERIAL``.
        options: what the user says about it.
        uri: for the record.
    Raises:
        CameraError: there is no such producer or camera, somebody else controls it, or its pixel format cannot be read.
        ModuleNotFoundError: harvesters is not installed.
    """

    truth: Truth | None = None

    def __init__(self, where: str, options: SourceOptions | None = None, *, uri: str = "") -> None:
        options = options or SourceOptions()
        self._timeout_s = options.timeout_s or SILENCE_LIMIT_S
        path, _, serial = where.partition(",")
        self._device = GentlDevice(producer_path(path), serial)
        try:
            self._device.set(options.features or ())
            facts, self._layout = self._said(options, uri)
            self.facts = facts_of_camera(facts, options)
        except BaseException:
            self._device.close()
            raise

    def _said(self, options: SourceOptions, uri: str) -> tuple[Said, FrameLayout]:
        features, name = self._device.features, self._device.name
        try:
            form = str(features.PixelFormat.value)
            rows, columns = int(features.Height.value), int(features.Width.value)
        except gentl_errors(AttributeError) as error:
            raise CameraError(f"{name} does not say what its frames are: {said(error)}") from None
        dtype = dtype_of(form, name)
        layout = layout_of(rows, columns, columns * dtype.itemsize, dtype, options)
        facts = Said(
            name=name,
            uri=uri,
            bands=layout.bands,
            samples=layout.samples,
            dtype=dtype,
            bits=BITS_OF_FORMAT[form],
            exposure_ms=self._device.exposure_ms,
            camera=self._device.model,
            serial=self._device.serial,
            cube_lines=layout.cube_lines,
            mosaic=layout.mosaic,
            provenance={"format": f"GenTL {form}", "features": list(options.features or ())},
        )
        return facts, layout

    def start(self, get_buffer: GetBuffer) -> Iterator[FrameMeta | None]:
        """See ``FrameSource.start``; it never ends by itself.

        Raises:
            CameraLost: the camera fell silent, or its producer says that it is gone.
        """
        try:
            yield from self._all_lines(get_buffer)
        except CameraLost:
            # A producer takes its time to give up a camera, and the interpreter with it; the loss is said before that.
            end = threading.Timer(END_AFTER_S, self.close)
            end.daemon = True
            end.start()
            raise
        except BaseException:
            self.close()
            raise

    def _all_lines(self, get_buffer: GetBuffer) -> Iterator[FrameMeta | None]:
        try:
            yield from self._lines(self._begin(), get_buffer)
        except gentl_errors() as error:
            raise CameraLost(f"{self.facts.name} went away ({said(error)}); check its cable") from None

    def _begin(self) -> list[None]:
        """Starts the camera; gives a list that grows by one with each frame that stays incomplete."""
        acquirer, core = self._device.acquirer, import_module("harvesters.core")
        incomplete: list[None] = []

        def count(callback: object, context: object = None) -> None:
            incomplete.append(None)

        acquirer.add_callback(acquirer.Events.INCOMPLETE_BUFFER, type("Count", (core.Callback,), {"emit": count})())
        acquirer.num_buffers = max(acquirer.min_num_buffers, buffer_count(self._layout.frame_bytes))
        acquirer.start()
        return incomplete

    def _lines(self, incomplete: list[None], get_buffer: GetBuffer) -> Iterator[FrameMeta | None]:
        number, last = FrameNumbers(WIDE_64 if self._device.wide_ids else GIGE_16, self.facts.name), None
        limit_s = max(FIRST_LIMIT_S, self._timeout_s)
        while True:
            filled = yield from self._fetch(incomplete, limit_s)
            limit_s = self._timeout_s
            try:
                sequence = number(int(filled.frame_id))
                if sequence is None:
                    continue
                # The producer gives frames that stay incomplete no number; those before this one are free.
                damaged = min(len(incomplete), sequence - last - 1 if last is not None else 0)
                for earlier in range(sequence - damaged, sequence):
                    yield from self._layout.lines_of(b"", _meta(earlier, None, False), get_buffer)
                incomplete.clear()
                last = sequence
                yield from self._layout.lines_of(_bytes_of(filled), _meta(sequence, _camera_ns(filled)), get_buffer)
            finally:
                filled.parent.queue_buffer(filled)

    def _fetch(self, incomplete: list[None], limit_s: float) -> Generator[None, None, Any]:
        """The next whole frame; see ``FrameSource.start`` for what it yields."""
        start, seen = time.monotonic(), len(incomplete)
        while time.monotonic() - start < limit_s:
            filled = self._device.acquirer.try_fetch(timeout=PATIENCE_S, is_raw=True)
            if filled is not None:
                return filled
            if len(incomplete) > seen:
                start, seen = time.monotonic(), len(incomplete)
            yield None
        raise CameraLost(f"{self.facts.name} sent nothing for {limit_s:g} s; check its cable, power and trigger")

    def close(self) -> None:
        """Gives the camera back; a second call does nothing."""
        self._device.close()


def _bytes_of(filled: Any) -> NDArray[np.uint8]:
    """The bytes of a frame, where they lie."""
    return np.frombuffer(filled.raw_buffer, np.uint8)[int(filled.image_offset) :]


def _camera_ns(filled: Any) -> int | None:
    try:
        return int(filled.timestamp_ns)
    except gentl_errors():
        return None  # not every producer has a clock


def _meta(sequence: int, camera_ns: int | None, intact: bool = True) -> FrameMeta:
    return FrameMeta(sequence, camera_ns, time.monotonic_ns(), time.time_ns(), intact)
