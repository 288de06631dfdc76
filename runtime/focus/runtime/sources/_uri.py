"""Picks the source that a URI names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from focus.runtime._calibration import Calibration
from focus.runtime.cubes import WavelengthOption, open_cube
from focus.runtime.sources._contract import FrameSource
from focus.runtime.sources._replay import Bands, Replay, WordFormat
from focus.runtime.sources._sim import Sim, SimOptions

SUPPORTED = "replay:FILE (a recorded cube) and sim: (a simulated scene, e.g. sim:leaves=4,seed=2)"


#: Options of focus-run that are not named like their field.
OPTION_OF_FIELD = {
    "wavelengths_nm": "wavelengths", "resample_to": "resample", "bits": "bit-depth", "shift": "bit-shift",
}  # fmt: skip


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
        resample_to: bands to resample to.
    """

    variable: str | None = None
    axes: str | None = None
    wavelengths_nm: WavelengthOption = None
    quantity: Literal["reflectance", "counts"] | None = None
    scale: float | None = None
    bits: int | None = None
    shift: int | None = None
    calibration: Calibration | None = None
    resample_to: Bands | None = None


def source_from_uri(uri: str, options: SourceOptions | None = None) -> FrameSource:
    """Opens a source.

    Args:
        uri: ``replay:FILE`` or ``sim:key=value,...``.
        options: see ``SourceOptions``.
    Raises:
        ValueError: an unknown scheme, or options that do not go together.
        CubeError: the file cannot be used.
    """
    chosen = options or SourceOptions()
    scheme, colon, rest = uri.partition(":")
    if colon and scheme == "replay":
        return _replay(rest, chosen, uri)
    if colon and scheme == "sim":
        _refuse_for_sim(chosen)
        return Sim(SimOptions.from_text(rest), uri=uri)
    if uri.startswith("/dev/") or scheme in {"gige", "usb3", "genicam", "v4l2"}:
        raise ValueError(f"{uri}: this version has no camera drivers; it reads {SUPPORTED}")
    raise ValueError(f"unknown source {uri!r}; this version reads {SUPPORTED}")


def _replay(path: str, options: SourceOptions, uri: str) -> Replay:
    if not path:
        raise ValueError("replay: needs a file, e.g. replay:leaf.hdr")
    if options.scale is not None and options.quantity != "reflectance":
        raise ValueError("--scale goes with --quantity reflectance (stored value / scale = reflectance)")
    cube = open_cube(path, variable=options.variable, axes=options.axes, wavelengths_nm=options.wavelengths_nm)
    if options.quantity is not None:
        stated = options.scale if options.scale is not None else cube.scale
        cube = replace(cube, quantity=options.quantity, scale=stated if options.quantity == "reflectance" else 1.0)
    words = WordFormat(options.bits, options.shift or 0)
    return Replay(cube, calibration=options.calibration, resample_to=options.resample_to, words=words, uri=uri)


def _refuse_for_sim(options: SourceOptions) -> None:
    given = [name for name in SourceOptions.__dataclass_fields__ if getattr(options, name) is not None]
    if given:
        raise ValueError(
            f"sim: brings its own bands and calibration; leave out --{OPTION_OF_FIELD.get(given[0], given[0])}"
        )
