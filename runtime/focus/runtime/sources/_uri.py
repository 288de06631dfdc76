"""Picks the source that a URI names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from focus.runtime._calibration import Calibration
from focus.runtime.cubes import WavelengthOption, open_cube
from focus.runtime.sources._contract import FrameSource
from focus.runtime.sources._pace import Pace
from focus.runtime.sources._replay import Bands, Replay, WordFormat
from focus.runtime.sources._sim import Sim, SimOptions

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

#: ``replay:FILE,rate=330,loop=1``
_REPLAY_OPTIONS = re.compile(r"(.*?)((?:,(?:rate|loop)=[^,]*)*)$")


@dataclass(frozen=True, eq=False)
class SourceOptions:
    """What a user may say about a source, beside its URI; each field only where the file does not say it.

    Attributes:
        variable: name of the variable, for files that hold several (MATLAB, HDF5, NetCDF, NPZ).
        axes: order of the axes, see ``open_cube``.
        wavelengths_nm: band centres, a table's path, or START:STOP, see ``open_cube``.
        quantity: states that the file holds reflectance (stored value / scale) or counts.
        scale: see quantity.
        bits: depth of the camera's words; the highest count is saturated.
        shift: unused low bits of a stored word.
        calibration: makes reflectance of counts.
        exposure_ms: exposure time; replaces what the source says.
        any_camera: the calibration is used although it is of another camera.
        raw: the counts as they are, without a calibration, dark 0 and gain 1: for references.
        resample_to: bands to resample to.
        mosaic: pattern of a snapshot mosaic sensor, 4x4 or 4x4+TOP+LEFT.
        transpose: rows of a camera's frame are samples and its columns are bands.
        status_lines: rows at the end of a camera's frame that hold a counter or status.
        features: ``Feature=value`` for GigE, USB3 and GenTL cameras.
        chunks: what GigE and USB3 cameras are to say of each frame behind its pixels.
        resend: whether GigE cameras are asked again for packets that are lost; None asks.
        packet_size: bytes of a packet, for GigE cameras.
        timeout_s: a silence of the camera that is longer means that it is lost.
    Raises:
        ValueError: an exposure that is none.
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

    def __post_init__(self) -> None:
        if self.exposure_ms is not None and not 0 < self.exposure_ms < 1e7:
            raise ValueError(f"--exposure must be milliseconds, more than 0, got {self.exposure_ms:g}")


def source_from_uri(uri: str, options: SourceOptions | None = None) -> FrameSource:
    """Opens a source.

    Args:
        uri: ``replay:FILE[,rate=LINES_PER_SECOND|recorded][,loop=1]``, ``sim:key=value,...``, or a camera: a path or
            URI, see ``focus.runtime.cameras.scheme_of``.
        options: see ``SourceOptions``.
    Raises:
        ValueError: an unknown scheme, or options that do not go together.
        CubeError: the file cannot be used.
        CameraError: the camera cannot be used.
    """
    chosen = options or SourceOptions()
    scheme, colon, rest = uri.partition(":")
    if colon and scheme == "replay":
        _refuse(chosen, CAMERA_FIELDS, "replay: has no camera")
        return _replay(rest, chosen, uri)
    if colon and scheme == "sim":
        raw = bool(chosen.raw)
        taken = ("raw", "exposure_ms") if raw else ("raw",)
        others = tuple(name for name in SourceOptions.__dataclass_fields__ if name not in taken)
        _refuse(chosen, others, "sim: brings its own bands and calibration")
        return Sim(SimOptions.from_text(rest), uri=uri, raw=raw, exposure_ms=chosen.exposure_ms)
    return _camera(uri, chosen)


def _camera(uri: str, options: SourceOptions) -> FrameSource:
    # Files need no camera drivers, and the drivers need this package's contract.
    from focus.runtime.cameras import SUPPORTED, CameraOptions, open_camera, scheme_of

    scheme = scheme_of(uri)
    if scheme is None:
        raise ValueError(f"unknown source {uri!r}; --camera takes {SUPPORTED}")
    _refuse(options, FILE_FIELDS, f"{uri} is a camera, whose lines are taken as they come")
    shared = {name: getattr(options, name) for name in CameraOptions.__dataclass_fields__}
    return open_camera(uri, scheme, CameraOptions(**shared))


def _replay(text: str, options: SourceOptions, uri: str) -> Replay:
    path, pace = _path_and_pace(text)
    if not path:
        raise ValueError("replay: needs a file, e.g. replay:leaf.hdr")
    if options.scale is not None and options.quantity != "reflectance":
        raise ValueError("--scale goes with --quantity reflectance (stored value / scale = reflectance)")
    cube = open_cube(path, variable=options.variable, axes=options.axes, wavelengths_nm=options.wavelengths_nm)
    if options.quantity is not None:
        stated = options.scale if options.scale is not None else cube.scale
        cube = replace(cube, quantity=options.quantity, scale=stated if options.quantity == "reflectance" else 1.0)
    if options.exposure_ms is not None:
        cube = replace(cube, exposure_ms=options.exposure_ms)
    return Replay(
        cube,
        calibration=options.calibration,
        resample_to=options.resample_to,
        words=_words(options, cube.provenance.fields),
        pace=pace,
        any_camera=bool(options.any_camera),
        raw=bool(options.raw),
        uri=uri,
    )


def _words(options: SourceOptions, header: Mapping[str, str]) -> WordFormat:
    """How counts lie in the words: the user's word goes before that of a recording's header."""
    bits, shift = options.bits, options.shift
    if bits is None and "bit depth" in header:
        bits = int(header["bit depth"])
    if shift is None and "bit shift" in header:
        shift = int(header["bit shift"])
    return WordFormat(bits, shift)


def _path_and_pace(text: str) -> tuple[str, Pace]:
    found = _REPLAY_OPTIONS.match(text)
    path, rest = found.groups() if found else (text, "")
    given = dict(part.split("=", 1) for part in rest.split(",") if part)
    try:
        return path, Pace.from_texts(given.get("rate", "0"), given.get("loop", "0"))
    except ValueError as error:
        raise ValueError(f"replay:FILE,rate=R|recorded,loop=1 cannot be read from {text!r}: {error}") from None


def _refuse(options: SourceOptions, names: Sequence[str], reason: str) -> None:
    given = [name for name in names if getattr(options, name) is not None]
    if given:
        raise ValueError(f"{reason}; leave out --{OPTION_OF_FIELD.get(given[0], given[0])}")
