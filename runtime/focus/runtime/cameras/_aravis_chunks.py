"""Chunk data: what a GigE or USB3 camera says of each frame, behind its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from focus.runtime._errors import CameraError, CameraLost
from focus.runtime.cameras._aravis_device import exposure_ms, gerror, said
from focus.runtime.sources._contract import FrameMeta

#: What is read, and as what; cameras write the names in their own way.
ROLES = {
    "frameid": "counted", "framecounter": "counted", "timestamp": "camera_ns", "exposuretime": "exposure_ms",
}  # fmt: skip

#: Share by which an exposure may be off before it is another one.
SAME_EXPOSURE = 0.01


class Chunk(NamedTuple):
    """What a camera says of one frame; None for what it does not say.

    Attributes:
        counted: number of the frame among those that the camera took, also where it did not send them all.
        camera_ns: the camera's clock at the exposure.
        exposure_ms: exposure time.
    """

    counted: int | None = None
    camera_ns: int | None = None
    exposure_ms: float | None = None


class Chunks:
    """Switches chunks on, and reads them.

    Args:
        camera: an Aravis camera, as it will be used, before its stream is made: chunks make its frames longer.
        names: such as FrameID, Timestamp and ExposureTime; none at all is fine.
    Raises:
        CameraError: it has no such chunks.
        ValueError: chunks that nobody reads.
    """

    def __init__(self, camera: Any, names: Sequence[str]) -> None:
        unknown = [name for name in names if name.lower() not in ROLES]
        if unknown:
            raise ValueError(f"--chunk must be FrameID, FrameCounter, Timestamp or ExposureTime, got {unknown[0]!r}")
        self._names = {ROLES[name.lower()]: f"Chunk{name}" for name in names}
        if not names:
            return
        model = camera.get_model_name()
        try:
            if not camera.are_chunks_available():
                raise CameraError(f"{model} has no chunk data; leave out --chunk")
            camera.set_chunks(",".join(names))
            self._parser: Any = camera.create_chunk_parser()
        except gerror() as error:
            raise CameraError(f"{model} refuses --chunk {' --chunk '.join(names)}: {said(error)}") from None
        self._ns_a_tick = _ns_a_tick(camera)
        self._skipped, self._exposure = SkippedFrames(), SameExposure(model, exposure_ms(camera))

    def complete(self, meta: FrameMeta, filled: Any) -> FrameMeta:
        """What is known of a frame, with what its chunks say.

        Args:
            meta: numbered among the frames that were sent.
            filled: Aravis' buffer; one that is not whole has no chunks.
        Raises:
            CameraLost: there are no chunks, or the exposure is another one.
        """
        if not self._names:
            return meta
        chunk = self._read(filled) if meta.intact else Chunk()
        self._exposure.require(chunk.exposure_ms)
        sequence = self._skipped(meta.sequence, chunk.counted)
        return meta._replace(sequence=sequence, camera_ns=chunk.camera_ns or meta.camera_ns)

    def _read(self, filled: Any) -> Chunk:
        parser = self._parser
        found: dict[str, Any] = {}
        try:
            for role, name in self._names.items():
                get = parser.get_float_value if role == "exposure_ms" else parser.get_integer_value
                found[role] = get(filled, name)
        except gerror() as error:
            raise CameraLost(f"a frame came without its chunk data ({said(error)}); leave out --chunk") from None
        if "camera_ns" in found:
            found["camera_ns"] = round(found["camera_ns"] * self._ns_a_tick)
        if "exposure_ms" in found:
            found["exposure_ms"] /= 1000  # GenICam says microseconds
        return Chunk(**found)


class SkippedFrames:
    """Numbers of frames by the camera's own count, where chunks say it: what it took and never sent is missing."""

    def __init__(self) -> None:
        self._ahead: int | None = None
        self._skipped = 0

    def __call__(self, sent: int, counted: int | None) -> int:
        """The frame's number.

        Args:
            sent: its number among those that were sent.
            counted: see ``Chunk``; None where that cannot be read, and then as many are skipped as before.
        """
        if counted is not None:
            ahead = counted - sent
            self._ahead = ahead if self._ahead is None else self._ahead
            self._skipped = max(self._skipped, ahead - self._ahead)
        return sent + self._skipped


class SameExposure:
    """Frames that are exposed for longer or shorter than the calibration was made for are no measurement.

    Args:
        camera: its name.
        exposure_ms: as it was when the camera was opened; None takes that of the first frame.
    """

    def __init__(self, camera: str, exposure_ms: float | None) -> None:
        self._camera, self._exposure_ms = camera, exposure_ms

    def require(self, exposure_ms: float | None) -> None:
        """Looks at a frame's exposure.

        Raises:
            CameraLost: it is another one; the camera is to be opened again, with the calibration for this exposure.
        """
        if exposure_ms is None:
            return
        held = self._exposure_ms = self._exposure_ms or exposure_ms
        if abs(exposure_ms - held) > SAME_EXPOSURE * held:
            raise CameraLost(
                f"{self._camera} exposes for {exposure_ms:g} ms, for {held:g} ms before; set ExposureAuto=Off"
            )


def _ns_a_tick(camera: Any) -> float:
    try:
        return 1e9 / float(camera.get_device().get_integer_feature_value("GevTimestampTickFrequency"))
    except (gerror(), ZeroDivisionError):
        return 1.0  # cameras that do not say it count nanoseconds, as the standard has it
