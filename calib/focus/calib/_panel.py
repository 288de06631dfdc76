"""Reflectance of the white panel: a number, or a table by wavelength."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focus.runtime import CubeError
from focus.runtime.cubes import cells_of_table

#: A table may end by this much before the last band; panels are certified in steps of 1 to 50 nm.
SLACK_NM = 0.5


def panel_from_option(option: str, wavelengths_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reflectance at each band, float64 [C].

    Args:
        option: a number above 0 and up to 1, or a CSV file with a wavelength in nm and a reflectance a line.
        wavelengths_nm: of the bands.
    Raises:
        ValueError: a number that is no reflectance.
        CubeError: the file cannot be read, is no such table, or does not cover the bands.
    """
    try:
        number = float(option)
    except ValueError:
        return _interpolated(Path(option), wavelengths_nm)
    if not 0.0 < number <= 1.0:
        raise ValueError(f"--panel is the white reference's reflectance, above 0 and up to 1, got {number:g}")
    return np.full(len(wavelengths_nm), number)


def _interpolated(file: Path, wavelengths_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    nm, reflectance = _table(file)
    first, last = wavelengths_nm.min(), wavelengths_nm.max()
    if first < nm[0] - SLACK_NM or last > nm[-1] + SLACK_NM:
        raise CubeError(
            f"{file.name} has the panel's reflectance from {nm[0]:g} to {nm[-1]:g} nm, the bands lie from {first:g} to "
            f"{last:g} nm; take a table that covers them"
        )
    return np.asarray(np.interp(wavelengths_nm, nm, reflectance))


def _table(file: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise CubeError(f"cannot read {file}: {reason}; --panel takes a number such as 0.99, or a CSV file") from None
    except UnicodeDecodeError:
        raise CubeError(f"{file.name} is no text; --panel takes a number such as 0.99, or a CSV file") from None
    rows = []
    for number, row in enumerate(cells_of_table(text), 1):
        try:
            rows.append((float(row[0]), float(row[1])))
        except (ValueError, IndexError):
            if number > 1:
                raise CubeError(
                    f"{file.name}, row {number}: expected a wavelength in nm and a reflectance, got {','.join(row)!r}"
                ) from None
    if len(rows) < 2:
        raise CubeError(f"{file.name} has fewer than two rows of wavelength in nm and reflectance")
    nm, reflectance = np.array(sorted(rows)).T
    if not (np.isfinite(nm).all() and (np.diff(nm) > 0).all()):
        raise CubeError(f"{file.name} names a wavelength twice, or one that is no number; correct it")
    if not ((reflectance > 0) & (reflectance <= 1.1)).all():
        raise CubeError(
            f"{file.name} has reflectances from {reflectance.min():g} to {reflectance.max():g}, expected above 0 and "
            "up to 1; divide percent by 100"
        )
    return nm, reflectance
