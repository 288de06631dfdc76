"""Wavelengths as files state them: their units, and the names that their variables go by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CubeError
from focus.runtime.cubes._describe import Description

_PER_UNIT = {
    1.0: ("nm", "nanometer", "nanometers", "nanometre", "nanometres"),
    1000.0: ("um", "µm", "μm", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres"),
}
_UNSTATED = ("", "unknown", "none", "n/a", "na")

# Beyond 100 um a table that claims micrometres is one in nanometres with the wrong label.
_LONGEST_NM = 100_000.0


def nm_per_unit(unit: str | None, name: str) -> float | None:
    """Nanometres in one unit of length, or None where no unit is stated.

    Args:
        unit: as written in the file, any case and spelling; None, "" and "Unknown" state none.
        name: the file, for messages.
    Raises:
        CubeError: for a unit that is not nanometres or micrometres.
    """
    text = (unit or "").strip().strip("{}[]()\"'").strip().lower()
    if text in _UNSTATED:
        return None
    for factor, spellings in _PER_UNIT.items():
        if text in spellings:
            return factor
    raise CubeError(
        f"{name} gives wavelengths in {str(unit).strip()!r}, expected nm or um (nanometers, micrometers, microns); "
        "convert them, or give the bands in nm with --wavelengths"
    )


def table_in_nm(
    wavelengths: NDArray[np.float64], fwhm: NDArray[np.float64] | None, unit: str | None, name: str
) -> Description:
    """Wavelengths and FWHM of a stated unit as a description in nm.

    Raises:
        CubeError: if the unit is unknown, or contradicts the values.
    """
    factor = nm_per_unit(unit, name)
    notes = () if factor else (f"{name} states no unit of wavelength; taken as nm",)
    scaled = wavelengths * (factor or 1.0)
    longest = scaled.max(initial=0.0)
    if factor != 1.0 and factor is not None and longest > _LONGEST_NM:
        raise CubeError(
            f"{name} states wavelengths in {unit}, yet they reach {wavelengths.max():g}, which looks like nm; "
            "correct the unit in the file, or give the bands in nm with --wavelengths"
        )
    return Description(
        wavelengths_nm=scaled, fwhm_nm=None if fwhm is None else fwhm * (factor or 1.0), notes=notes
    )


def spectral_columns(names: Mapping[str, int], size: int | None) -> tuple[str | None, str | None]:
    """Names of the wavelength and FWHM variables among `names` (name -> number of values).

    Args:
        names: number of values a variable.
        size: wanted number, or None for any.
    """

    def first(*accepted: str) -> str | None:
        for name, count in names.items():
            plain = name.rsplit("/", 1)[-1].lower().replace(" ", "_")
            if plain in accepted and (size is None or count == size):
                return name
        return None

    centres = first("wavelengths_nm", "wavelength_nm", "wavelengths", "wavelength", "wl", "wvl", "lambda", "band_centers")
    return centres, first("fwhm_nm", "fwhm")
