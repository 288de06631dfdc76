"""Wavelengths as files state them: their units, and the names that their variables go by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CubeError
from focus.runtime.cubes._describe import Description

#: What variables with band centres, band widths and bad-band lists are called, preferred names first.
WAVELENGTH_NAMES = (
    "wavelengths_nm",
    "wavelength_nm",
    "wavelengths",
    "wavelength",
    "wl",
    "wvl",
    "lambda",
    "band_centers",
)
FWHM_NAMES = ("fwhm_nm", "fwhm")
GOOD_BAND_NAMES = ("good_wavelengths", "good_bands", "bbl")

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
    return Description(wavelengths_nm=scaled, fwhm_nm=None if fwhm is None else fwhm * (factor or 1.0), notes=notes)


def find_name(names: Iterable[str], accepted: Sequence[str]) -> str | None:
    """The variable among `names` that goes by one of the accepted names, the first of those that is there; or None."""
    plain = {name.rsplit("/", 1)[-1].lower().replace(" ", "_"): name for name in names}
    return next((plain[name] for name in accepted if name in plain), None)
