"""GigE Vision and USB3 Vision cameras, through Aravis: ``gige://192.168.5.2``, ``usb3://SERIAL``."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CameraError, CameraLost
from focus.runtime.cameras._aravis_device import open_device, set_features
from focus.runtime.cameras._facts import CameraOptions, Said, facts_of_camera
from focus.runtime.cameras._layout import FrameLayout
from focus.runtime.cameras._sequence import GIGE_16, WIDE_64, Unwrapper
from focus.runtime.sources._contract import FrameMeta, GetBuffer, Truth

#: Formats of one value a pixel in whole bytes, and the bits of it, at the lower end (GenICam PFNC).
BITS_OF_FORMAT = {"Mono8": 8, "Mono10": 10, "Mono12": 12, "Mono14": 14, "Mono16": 16}

#: Memory for frames that Aravis may be ahead, and how many frames that is at least and at most.
STREAM_BYTES, FEWEST_FRAMES, MOST_FRAMES = 64 * 2**20, 8, 256

SILENCE_LIMIT_S = 1.8
FIRST_LIMIT_S = 10.0

#: How long a pop waits before the camera's loss is looked for.
PATIENCE_US = 100_000


class AravisCamera:
    """Copies each frame once, from memory that Aravis fills into the pipeline's buffer.

    Packets that are lost are asked for again; a frame that stays incomplete comes as not intact.

    Args:
        where: an IP address or a serial number; "" for the only camera.
        protocol: which cameras to look among.
        options: what the user says about it.
        uri: for the record.
    Raises:
        CameraError: there is no such camera, somebody else controls it, or its pixel format cannot be read.
        ModuleNotFoundError: PyGObject is not installed.
    """

    truth: Truth | None = None

    def __init__(
        self,
        where: str,
        protocol: Literal["gige", "usb3"],
        options: CameraOptions | None = None,
        *,
        uri: str = "",
    ) -> None:
        options = options or CameraOptions()
        self._timeout_s = options.timeout_s or SILENCE_LIMIT_S
        self._protocol = protocol
        self._lost = threading.Event()
        self._aravis: Any = aravis()
        self._camera = open_device(self._aravis, where, protocol)
        self._camera.get_device().connect("control-lost", lambda _: self._lost.set())
        set_features(self._camera, options.features or ())
        if protocol == "gige":
            self._set_packets(options.packet_size)
        said, self._layout = self._said(options, uri)
        self.facts = facts_of_camera(said, options)

    def _set_packets(self, size: int | None) -> None:
        try:
            if size is None:
                self._camera.gv_auto_packet_size()
            else:
                self._camera.gv_set_packet_size(size)
        except gerror() as error:
            raise CameraError(f"{self._camera.get_model_name()} takes no packets of {size} bytes: {error}") from None

    def _said(self, options: CameraOptions, uri: str) -> tuple[Said, FrameLayout]:
        camera = self._camera
        name = f"{camera.get_vendor_name()} {camera.get_model_name()} {camera.get_device_serial_number()}"
        form, region = camera.get_pixel_format_as_string(), camera.get_region()
        if form not in BITS_OF_FORMAT:
            raise CameraError(
                f"{name} is set to {form}, expected {', '.join(BITS_OF_FORMAT)}; add --set PixelFormat=Mono12, "
                "or another of them that the camera has"
            )
        dtype = np.dtype("<u1" if form == "Mono8" else "<u2")
        layout = FrameLayout(
            region.height,
            region.width,
            region.width * dtype.itemsize,
            dtype,
            bool(options.transpose),
            options.status_lines or 0,
        )
        said = Said(
            name=name,
            uri=uri,
            bands=layout.bands,
            samples=layout.samples,
            dtype=dtype,
            bits=BITS_OF_FORMAT[form],
            provenance={"format": f"{self._protocol} {form}", "features": list(options.features or ())},
        )
        return said, layout

    def start(self, get_buffer: GetBuffer) -> Iterator[FrameMeta]:
        """See ``FrameSource.start``; it never ends by itself.

        Raises:
            CameraLost: the camera fell silent, or another program took control of it.
        """
        try:
            stream = self._camera.create_stream(None, None)
            memory = self._give_memory(stream)
            self._camera.start_acquisition()
        except gerror() as error:
            raise CameraLost(f"{self.facts.name} does not start: {error}; plug it in again") from None
        try:
            yield from self._lines(stream, memory, get_buffer)
        finally:
            self._stop()

    def _give_memory(self, stream: Any) -> list[NDArray[np.uint8]]:
        """Hands Aravis frames of our own memory, because taking the bytes of its own copies them."""
        payload = int(self._camera.get_payload())
        count = min(max(STREAM_BYTES // payload, FEWEST_FRAMES), MOST_FRAMES)
        memory = [np.zeros(payload, np.uint8) for _ in range(count)]
        for number, frame in enumerate(memory, 1):  # 0 would be a null pointer, which comes back as None
            stream.push_buffer(self._aravis.Buffer.new_full(payload, frame.ctypes.data, number, None))
        return memory

    def _lines(self, stream: Any, memory: list[NDArray[np.uint8]], get_buffer: GetBuffer) -> Iterator[FrameMeta]:
        number, last = _Numbers(self._protocol), -1
        limit_s = max(FIRST_LIMIT_S, self._timeout_s)
        while True:
            filled = self._pop(stream, limit_s)
            limit_s = self._timeout_s
            try:
                sequence = number(filled.get_frame_id())
                # A frame that was given up and then completed after all comes too late.
                if sequence <= last:
                    continue
                intact = filled.get_status() == self._aravis.BufferStatus.SUCCESS
                copied = intact and self._layout.copy(memory[filled.get_user_data() - 1], get_buffer())
                meta = _meta(sequence, filled.get_timestamp(), filled.get_system_timestamp(), copied)
            finally:
                stream.push_buffer(filled)
            last = sequence
            yield meta

    def _pop(self, stream: Any, limit_s: float) -> Any:
        """The next frame, whole or not."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if self._lost.is_set():
                raise CameraLost(f"{self.facts.name} went away, or another program controls it; check its cable")
            filled = stream.timeout_pop_buffer(PATIENCE_US)
            if filled is not None:
                return filled
        raise CameraLost(f"{self.facts.name} sent nothing for {limit_s:g} s; check its cable, power and trigger")

    def _stop(self) -> None:
        try:
            # A camera that has gone cannot be asked to stop, and asking takes its time.
            if not self._lost.is_set():
                self._camera.stop_acquisition()
        except gerror():
            return


class _Numbers:
    """Frame ids made numbers that grow: 16 bits that wrap and skip 0 in GigE Vision 1.x, 64 bits in everything else."""

    def __init__(self, protocol: Literal["gige", "usb3"]) -> None:
        self._wide = protocol == "usb3"
        self._unwrap = Unwrapper(WIDE_64 if self._wide else GIGE_16)

    def __call__(self, value: int) -> int:
        # A camera does not say beforehand that its ids are wide; the first one beyond 16 bits does.
        if not self._wide and not GIGE_16.lowest <= value <= GIGE_16.highest:
            self._wide, self._unwrap = True, Unwrapper(WIDE_64)
        return self._unwrap(value)


def _meta(sequence: int, camera_ns: int, system_ns: int, intact: bool) -> FrameMeta:
    """Times of a frame; Aravis' system time is UTC at the frame's first packet."""
    monotonic_ns, utc_ns = time.monotonic_ns(), time.time_ns()
    since_ns = utc_ns - system_ns if system_ns else 0
    # A clock that was set in between would put the frame anywhere.
    since_ns = since_ns if 0 <= since_ns < 10 * 10**9 else 0
    return FrameMeta(sequence, camera_ns or None, monotonic_ns - since_ns, utc_ns - since_ns, intact)


def aravis() -> Any:
    """The library.

    Raises:
        ModuleNotFoundError: PyGObject is not installed.
        CameraError: Aravis is not.
    """
    gi = import_module("gi")
    try:
        gi.require_version("Aravis", "0.8")
        return import_module("gi.repository.Aravis")
    except (ImportError, ValueError) as error:
        raise CameraError(f"Aravis 0.8 is not there ({error}); see docs/cameras.md for its packages") from None


def gerror() -> type[Exception]:
    """What Aravis raises."""
    error: type[Exception] = import_module("gi.repository.GLib").Error
    return error
