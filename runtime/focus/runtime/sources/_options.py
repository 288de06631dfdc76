"""What a user may say about a source, beside its URI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from focus.runtime._calibration import Calibration
from focus.runtime.cubes import WavelengthOption, useless_options
from focus.runtime.sources._bands import Bands

#: Options of focus-run that are not named like their field.
OPTION_OF_FIELD = {
    "wavelengths_nm": "wavelengths", "resample_to": "resample", "exposure_ms": "exposure",
    "any_camera": "any-camera", "bits": "bit-depth", "shift": "bit-shift",
    "status_lines": "status-lines", "features": "set", "chunks": "chunk", "packet_size": "packet-size",
    "timeout_s": "timeout",
}  # fmt: skip

#: Options that only cameras have, and those that only files have.
CAMERA_FIELDS = ("mosaic", "transpose", "status_lines", "features", "chunks", "resend", "packet_size", "timeout_s")
FILE_FIELDS = ("variable", "axes")


@dataclass(frozen=True, eq=False)
class SourceOptions:
    """Each field only where the source does not say it itself, or is to be overruled; None leaves it to the source.

    Attributes:
        variable: name of the variable, for files that hold several (MATLAB, HDF5, NetCDF, NPZ).
        axes: order of the axes of a file, see ``open_cube``.
        wavelengths_nm: band centres, a table's path, or START:STOP, see ``open_cube``.
        quantity: what the samples are: reflectance (stored value / scale) or counts.
        scale: see quantity.
        bits: depth of the camera's words; the highest count is saturated.
        shift: unused low bits of a stored word.
        calibration: makes reflectance of counts; also the place to look for a camera's wavelengths.
        exposure_ms: exposure time.
        any_camera: the calibration is used although it is of another camera.
        raw: the counts as they are, without a calibration, dark 0 and gain 1: to record references.
        resample_to: bands to resample to.
        mosaic: pattern of a snapshot mosaic sensor, ``4x4`` or ``4x4+TOP+LEFT``, see ``Mosaic``; None takes what the
            calibration says. With it, ``wavelengths_nm`` are in the order of the pattern, row by row.
        transpose: rows of a frame are samples and its columns are bands (V4L2, GigE, USB3, GenTL).
        status_lines: rows at the end of a frame that hold a counter or status (V4L2, GigE, USB3, GenTL).
        features: ``Feature=value``, set in this order before the first line (GigE, USB3, GenTL).
        chunks: what the camera says of each frame behind its pixels: FrameID, Timestamp, ExposureTime (GigE, USB3).
        resend: whether packets that are lost are asked for again (GigE); None does.
        packet_size: bytes of a packet (GigE); None lets the camera and the network find it.
        timeout_s: a silence of the camera that is longer means that it is lost.
        fill: quantity and scale are for files that do not say them; of others they are not overruled.
    Raises:
        ValueError: an exposure or a timeout that is none.
    """

    variable: str | None = None
    axes: str | None = None
    wavelengths_nm: WavelengthOption = None
    quantity: Literal["reflectance", "counts"] | None = None
    scale: float | None = None
    bits: int | None = None
    shift: int | None = None
    calibration: Calibration | None = None
    exposure_ms: float | None = None
    any_camera: bool | None = None
    raw: bool | None = None
    resample_to: Bands | None = None
    mosaic: str | None = None
    transpose: bool | None = None
    status_lines: int | None = None
    features: Sequence[str] | None = None
    chunks: Sequence[str] | None = None
    resend: bool | None = None
    packet_size: int | None = None
    timeout_s: float | None = None
    fill: bool | None = None

    def __post_init__(self) -> None:
        if self.exposure_ms is not None and not 0 < self.exposure_ms < 1e7:
            raise ValueError(f"--exposure must be milliseconds, more than 0, got {self.exposure_ms:g}")
        if self.timeout_s is not None and not 0 < self.timeout_s < 3600:
            raise ValueError(f"--timeout must be seconds, more than 0, got {self.timeout_s:g}")

    def for_one_of_many(self, path: Path) -> SourceOptions:
        """The same for one of several files: what its format has no use for, or it says itself, is meant for others."""
        return replace(self, fill=True, **dict.fromkeys(useless_options(path)))
