"""Facts of a camera's stream: what the camera says, completed by the user and by the calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from focus.runtime._calibration import Folded, Rig
from focus.runtime._errors import CameraError
from focus.runtime.cameras._mosaic import Mosaic
from focus.runtime.cubes import bands_from_option, stated_scale
from focus.runtime.sources._contract import SourceFacts
from focus.runtime.sources._options import SourceOptions
from focus.runtime.sources._replay import WordFormat

#: A silence that is longer means that the camera is lost; it must be said within two seconds.
SILENCE_LIMIT_S = 1.8

#: How long a camera, or a writer, may take for its first line.
FIRST_LIMIT_S = 10.0


@dataclass(frozen=True, eq=False)
class Said:
    """What a camera says of its lines.

    Attributes:
        name: for messages and titles.
        uri: as given by the user.
        bands, samples: C and S.
        dtype: of the samples.
        wavelengths_nm, fwhm_nm: float64 [C], or None.
        quantity, scale: see ``SourceOptions``.
        bits: None where it is not known.
        shift: unused low bits of a stored word; None where it is not known.
        exposure_ms: None where it is not known.
        camera, serial: what the camera calls itself, and its serial number; "" where it says none.
        provenance: for the run's record.
        cube_lines: lines of each snapshot cube; None for push-broom.
        mosaic: the pattern of a snapshot mosaic, or None.
    """

    name: str
    uri: str
    bands: int
    samples: int
    dtype: np.dtype[Any]
    wavelengths_nm: NDArray[np.float64] | None = None
    fwhm_nm: NDArray[np.float64] | None = None
    quantity: Literal["reflectance", "counts"] = "counts"
    scale: float = 1.0
    bits: int | None = None
    shift: int | None = None
    exposure_ms: float | None = None
    camera: str = ""
    serial: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    cube_lines: int | None = None
    mosaic: Mosaic | None = None


def facts_of_camera(said: Said, options: SourceOptions) -> SourceFacts:
    """What the pipeline must know of a camera.

    Raises:
        CameraError: nobody says the wavelengths, or how counts become reflectance.
        CubeError: the calibration is of another rig.
        ValueError: options that do not go together.
    """
    wavelengths, fwhm = _wavelengths(said, options)
    exposure_ms = said.exposure_ms if options.exposure_ms is None else options.exposure_ms
    words = WordFormat(options.bits or said.bits, said.shift if options.shift is None else options.shift)
    rig = Rig(
        said.name,
        wavelengths,
        said.samples,
        exposure_ms,
        words.bits,
        words.shift,
        said.camera,
        said.serial,
        bool(options.any_camera),
    )
    folded = _reflectance(said, options, rig)
    return SourceFacts(
        name=said.name,
        uri=said.uri,
        wavelengths_nm=wavelengths,
        fwhm_nm=fwhm,
        samples=said.samples,
        lines=None,
        dtype=said.dtype,
        dark=folded.dark,
        gain=folded.gain,
        good_bands=np.ones(said.bands, bool),
        bits=folded.bits,
        shift=folded.shift,
        calibration=options.calibration,
        low_denominator=folded.low_denominator,
        exposure_ms=exposure_ms,
        camera=said.camera,
        serial=said.serial,
        provenance={
            "bands": said.bands,
            "samples": said.samples,
            "dtype": str(said.dtype),
            "exposure_ms": exposure_ms,
            "serial": said.serial or None,
            "mosaic": None if said.mosaic is None else [str(said.mosaic), *said.mosaic.order],
            **said.provenance,
        },
        cube_lines=said.cube_lines,
    )


def _wavelengths(said: Said, options: SourceOptions) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    given = bands_from_option(options.wavelengths_nm, said.bands)
    if given is not None:
        centres, widths = given
        if said.mosaic is not None:  # its bands are put in the order of their wavelengths, see mosaic_of
            order = np.argsort(centres, kind="stable")
            centres, widths = centres[order], None if widths is None else widths[order]
        if len(centres) != said.bands:
            raise CameraError(f"--wavelengths has {len(centres)} bands, {said.name} sends {said.bands}; correct it")
        return centres, widths
    held = options.calibration
    if held is not None and held.bands != said.bands:
        held = None  # it is refused later, by a message of its own
    if said.wavelengths_nm is not None:
        own = said.fwhm_nm if said.fwhm_nm is not None or held is None else held.fwhm_nm
        return said.wavelengths_nm, own
    if held is not None:
        return held.wavelengths_nm, held.fwhm_nm
    raise CameraError(
        f"{said.name} sends {said.bands} bands without saying their wavelengths; give --wavelengths FILE "
        "or START:STOP, or a --calibration of this camera"
    )


def _reflectance(said: Said, options: SourceOptions, rig: Rig) -> Folded:
    quantity = options.quantity or said.quantity
    if options.scale is not None and options.quantity != "reflectance":
        raise ValueError("--scale goes with --quantity reflectance (stored value / scale = reflectance)")
    if options.calibration is not None:
        if quantity == "reflectance":
            raise CameraError(f"{said.name} sends reflectance already; leave out the calibration")
        return options.calibration.fold(rig)
    scale = said.scale
    if options.quantity == "reflectance":
        scale = stated_scale(options.scale, said.scale, said.dtype, said.name)
    if options.raw:
        if quantity == "reflectance":
            raise CameraError(f"{said.name} sends reflectance, a reference must hold raw counts; set it to send counts")
        scale = 1.0
    elif quantity != "reflectance":
        raise CameraError(
            f"{said.name} sends raw counts; give --calibration FILE (made with focus-calib reference), "
            "or --quantity reflectance --scale S where stored value / S is reflectance"
        )
    dark, gain = np.zeros((said.bands, 1), np.float32), np.full((said.bands, 1), 1.0 / scale, np.float32)
    return Folded(dark, gain, rig.bits, rig.shift or 0, np.zeros((said.bands, 1), bool))
