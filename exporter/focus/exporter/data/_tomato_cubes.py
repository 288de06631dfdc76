"""Recordings of the Tomato BLS data set as reflectance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from focus.exporter.data._tomato_names import TomatoFile, references_of
from focus.runtime import CubeError
from focus.runtime.cubes import Cube, open_cube

_WHOLE = slice(None)

#: White - dark below this many counts gives no reflectance.
LEAST_COUNTS = 1.0


def tomato_cube(file: TomatoFile, files: Sequence[TomatoFile], panel: float) -> Cube:
    """A recording as reflectance.

    A header that states a reflectance scale factor holds reflectance already. Counts are calibrated by column, with the
    references of the same camera and stage: R = (raw - dark) / (white - dark) x panel, dark and white as means over
    their lines.

    Args:
        files: all files of the data set; panel: reflectance of the white reference.
    Raises:
        CubeError: a file cannot be read, or there is not one white and one dark reference that fit.
    """
    cube = open_cube(file.header)
    if cube.quantity == "reflectance":
        return cube
    white, dark = (_reference(file, files, kind, cube) for kind in ("white", "dark"))
    signal = white - dark
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(signal >= LEAST_COUNTS, panel / signal, np.nan)
    values = (cube.values.astype(np.float32) - dark[:, None, :]) * gain[:, None, :]
    return Cube(values.astype(np.float32), cube.wavelengths_nm, cube.fwhm_nm, cube.good_bands, quantity="reflectance")


def joined_cube(visnir: Cube, swir: Cube) -> Cube:
    """Both cameras as one cube: VISNIR below the first band of SWIR, where silicon fails, SWIR from there on.

    Nothing is registered: sample (line, sample) of one camera is taken as that of the other.

    Raises:
        CubeError: their frames differ.
    """
    if visnir.shape[1:] != swir.shape[1:]:
        frames = " and ".join(f"{cube.shape[1]} x {cube.shape[2]}" for cube in (visnir, swir))
        raise CubeError(
            f"{visnir.provenance.name} and {swir.provenance.name} have frames of {frames}; they must be registered to "
            "one grid before they can be joined; until then train on sensor=visnir or sensor=swir"
        )
    below = visnir.wavelengths_nm < swir.wavelengths_nm[0]
    parts = [visnir.reflectance(_WHOLE, _WHOLE)[below], swir.reflectance(_WHOLE, _WHOLE)]
    widths = None
    if visnir.fwhm_nm is not None and swir.fwhm_nm is not None:
        widths = np.concatenate([visnir.fwhm_nm[below], swir.fwhm_nm])
    return Cube(
        np.concatenate(parts),
        np.concatenate([visnir.wavelengths_nm[below], swir.wavelengths_nm]),
        widths,
        quantity="reflectance",
    )


def _reference(file: TomatoFile, files: Sequence[TomatoFile], kind: str, cube: Cube) -> NDArray[np.float64]:
    found = references_of(file, files, kind)
    if len(found) != 1:
        listed = ", ".join(other.header.name for other in found) or "none"
        raise CubeError(
            f"{file.header.name} holds counts and needs one {kind} reference of {file.sensor}, there are: {listed}; "
            f"keep the one that belongs to it, with {kind} in its name"
        )
    reference = open_cube(found[0].header)
    bands, _, samples = cube.shape
    if reference.shape[0] != bands or reference.shape[2] not in (1, samples):
        raise CubeError(
            f"{found[0].header.name} has {reference.shape[0]} bands x {reference.shape[2]} samples, "
            f"{file.header.name} {bands} x {samples}; take the reference of the same camera and binning"
        )
    mean: NDArray[np.float64] = reference.values.astype(np.float64).mean(axis=1)
    return mean
