"""GigE Vision and USB3 Vision cameras, through Aravis: ``gige://192.168.5.2``, ``usb3://SERIAL``."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from typing import Any, Literal

from focus.runtime._errors import CameraError, CameraLost
from focus.runtime.cameras._aravis_chunks import Chunks
from focus.runtime.cameras._aravis_device import aravis, exposure_ms, gerror, open_device, said, set_features
from focus.runtime.cameras._aravis_stream import Acquisition
from focus.runtime.cameras._facts import FIRST_LIMIT_S, SILENCE_LIMIT_S, Said, facts_of_camera
from focus.runtime.cameras._genicam import BITS_OF_FORMAT, dtype_of
from focus.runtime.cameras._layout import FrameLayout, layout_of
from focus.runtime.cameras._sequence import GIGE_16, WIDE_64, FrameNumbers
from focus.runtime.sources._contract import PATIENCE_S, FrameMeta, GetBuffer, Truth
from focus.runtime.sources._options import SourceOptions


class AravisCamera:
    """Copies each frame once, from memory that Aravis fills into the pipeline's buffer.

    Packets that are lost are asked for again, unless the user does not want it; a frame that stays incomplete comes as
    not intact.

    Args:
        where: an IP address or a serial number; "" for the only camera.
        protocol: which cameras to look among.
        options: what the user says about it.
        uri: for the record.
    Raises:
        CameraError: there is no such camera, somebody else controls it, its pixel format cannot be read, or Aravis is
            not installed.
    """

    truth: Truth | None = None

    def __init__(
        self,
        where: str,
        protocol: Literal["gige", "usb3"],
        options: SourceOptions | None = None,
        *,
        uri: str = "",
    ) -> None:
        options = options or SourceOptions()
        self._timeout_s = options.timeout_s or SILENCE_LIMIT_S
        self._protocol = protocol
        self._lost = threading.Event()
        self._aravis: Any = aravis()
        self._camera = open_device(self._aravis, where, protocol)
        lost = self._lost  # not self: Aravis would keep the whole camera alive
        self._camera.get_device().connect("control-lost", lambda _: lost.set())
        self._resend = options.resend is not False
        try:
            set_features(self._camera, options.features or ())
            if protocol == "gige":
                self._set_packets(options.packet_size)
            self._chunks = Chunks(self._camera, options.chunks or ())
            facts, self._layout = self._said(options, uri)
        except gerror() as error:  # it goes while it is asked, or does not answer yet
            raise CameraError(f"{protocol}://{where} does not say what it sends: {said(error)}") from None
        self.facts = facts_of_camera(facts, options)

    def _set_packets(self, size: int | None) -> None:
        try:
            if size is None:
                self._camera.gv_auto_packet_size()
            else:
                self._camera.gv_set_packet_size(size)
        except gerror() as error:
            raise CameraError(
                f"{self._camera.get_model_name()} takes no packets of {size} bytes: {said(error)}"
            ) from None

    def _said(self, options: SourceOptions, uri: str) -> tuple[Said, FrameLayout]:
        camera = self._camera
        model, serial = f"{camera.get_vendor_name()} {camera.get_model_name()}", camera.get_device_serial_number() or ""
        name = f"{model} {serial}"
        form, region = camera.get_pixel_format_as_string(), camera.get_region()
        dtype = dtype_of(form, name)
        layout = layout_of(region.height, region.width, region.width * dtype.itemsize, dtype, options)
        facts = Said(
            name=name,
            uri=uri,
            bands=layout.bands,
            samples=layout.samples,
            dtype=dtype,
            bits=BITS_OF_FORMAT[form],
            exposure_ms=exposure_ms(camera),
            camera=model,
            serial=serial,
            cube_lines=layout.cube_lines,
            mosaic=layout.mosaic,
            provenance={
                "format": f"{self._protocol} {form}",
                "features": list(options.features or ()),
                "chunks": list(options.chunks or ()),
            },
        )
        return facts, layout

    def start(self, get_buffer: GetBuffer) -> Iterator[FrameMeta | None]:
        """See ``FrameSource.start``; it never ends by itself.

        Raises:
            CameraLost: the camera fell silent, or another program took control of it.
        """
        acquisition = self._begin()
        try:
            yield from self._lines(acquisition, get_buffer)
        except CameraLost:
            self._lost.set()
            # A camera that does not answer takes seconds to be given up; its loss is to be said before that.
            threading.Thread(target=acquisition.end, name="focus-camera-end", daemon=True).start()
            raise
        finally:
            if not self._lost.is_set():
                acquisition.end()
            self._camera = None

    def close(self) -> None:
        """Gives up control of the camera; a second call does nothing."""
        self._camera = None

    def _begin(self) -> Acquisition:
        try:
            return Acquisition(self._aravis, self._camera, resend=self._resend)
        except gerror() as error:
            raise CameraLost(f"{self.facts.name} does not start: {said(error)}; plug it in again") from None

    def _lines(self, acquisition: Acquisition, get_buffer: GetBuffer) -> Iterator[FrameMeta | None]:
        number = FrameNumbers(WIDE_64 if self._protocol == "usb3" else GIGE_16, self.facts.name)
        limit_s = max(FIRST_LIMIT_S, self._timeout_s)
        while True:
            filled = yield from self._pop(acquisition, limit_s)
            limit_s = self._timeout_s
            try:
                sequence = number(filled.get_frame_id())
                if sequence is None:
                    continue
                intact = filled.get_status() == self._aravis.BufferStatus.SUCCESS
                meta = _meta(sequence, filled.get_timestamp(), filled.get_system_timestamp(), intact)
                meta = self._chunks.complete(meta, filled)
                yield from self._layout.lines_of(acquisition.bytes_of(filled), meta, get_buffer)
            finally:
                acquisition.give_back(filled)

    def _pop(self, acquisition: Acquisition, limit_s: float) -> Generator[None, None, Any]:
        """The next frame, whole or not; see ``FrameSource.start`` for what it yields."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if self._lost.is_set():
                raise CameraLost(f"{self.facts.name} went away, or another program controls it; check its cable")
            filled = acquisition.pop(round(1e6 * PATIENCE_S))
            if filled is not None:
                return filled
            yield None
        raise CameraLost(f"{self.facts.name} sent nothing for {limit_s:g} s; check its cable, power and trigger")


def _meta(sequence: int, camera_ns: int, system_ns: int, intact: bool) -> FrameMeta:
    """Times of a frame; Aravis' system time is UTC at the frame's first packet."""
    monotonic_ns, utc_ns = time.monotonic_ns(), time.time_ns()
    since_ns = utc_ns - system_ns if system_ns else 0
    # A clock that was set in between would put the frame anywhere.
    since_ns = since_ns if 0 <= since_ns < 10 * 10**9 else 0
    return FrameMeta(sequence, camera_ns or None, monotonic_ns - since_ns, utc_ns - since_ns, intact)
