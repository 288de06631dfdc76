"""Jasper Ridge: a 100 x 100 AVIRIS scene with reference end-members and abundances, the usual benchmark of unmixing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CubeError
from focus.runtime.cubes._cube import Cube, Provenance

JASPER_VARIABLES = frozenset({"Y", "nRow", "nCol", "SlectBands", "maxValue"})

#: What divides the stored values to give the units of the reference end-members.
JASPER_SCALE = 5300.0

_AVIRIS_BANDS = 224
_AVIRIS_RANGE_NM = (380.0, 2500.0)


def open_jasper_ridge(path: Path | str) -> tuple[Cube, NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
    """Opens `jasperRidge2_R198.mat`.

    `Y` holds the pixels column by column. Its bands are `SlectBands` of the 224 AVIRIS bands (water vapour and noisy
    bands left out), whose centres the file does not give: they are taken as evenly spaced over 380-2500 nm, good to a
    few nm.

    The scale. `maxValue` is 5000, yet `Y` reaches 5437, and the reference end-members `M` are in units of neither:
    tree, soil and road in M x 5300 are single pixels of `Y` (road: line 14, sample 71) in every band but the first.
    So Y / 5300 and `M` can be compared directly, and 5300 is the scale here. The AVIRIS convention would be 10000; the
    file does not say, so the absolute level of this reflectance is uncertain by that factor, its shape is not.

    Args:
        path: the file.
    Returns:
        cube: uint16 [198, 100, 100], reflectance x 5300.
        abundances: float64 [E, H, W], share of each of E end-members in each pixel, sum 1.
        endmembers: float64 [198, E], reflectance.
        names: E names.
    Raises:
        CubeError: if the file is missing, damaged or another one.
    """
    import scipy.io

    path = Path(path)
    try:
        content = scipy.io.loadmat(str(path), appendmat=False)
        lines, samples = int(content["nRow"].item()), int(content["nCol"].item())
        values = content["Y"].reshape(-1, samples, lines).transpose(0, 2, 1)
        abundances = content["A"].reshape(-1, samples, lines).transpose(0, 2, 1)
        endmembers = content["M"].astype(np.float64)
        selected = content["SlectBands"].reshape(-1).astype(int)
        names = tuple(str(name.item()).split("-", 1)[-1] for name in content["cood"].reshape(-1))
        wavelengths_nm = np.linspace(*_AVIRIS_RANGE_NM, _AVIRIS_BANDS)[selected - 1]
        note = f"wavelengths taken as evenly spaced; scale {JASPER_SCALE:g} from the reference end-members"
        provenance = Provenance(str(path), "MATLAB (Jasper Ridge)", {"variable": "Y", "axes": "cwh"}, (note,))
        cube = Cube(
            values=values,
            wavelengths_nm=wavelengths_nm,
            quantity="reflectance",
            scale=JASPER_SCALE,
            provenance=provenance,
        )
    except Exception as error:
        # scipy raises almost any type on damaged files.
        raise CubeError(
            f"{path.name} cannot be read as Jasper Ridge ({error}); expected jasperRidge2_R198.mat"
        ) from error
    return cube, abundances.astype(np.float64), endmembers, names
