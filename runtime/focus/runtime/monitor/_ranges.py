"""Some of a model's bands, in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ranges_nm(wavelengths: NDArray[np.float64], chosen: NDArray[np.bool_], most: int = 3) -> str:
    """``450-502, 890 nm``: runs of neighbouring bands, the widest first where there are more than ``most``.

    Args:
        wavelengths: float64 [C], nm.
        chosen: bool [C], at least one True.
        most: runs to name; the others are counted.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]])))
    runs = sorted(zip(edges[::2], edges[1::2] - 1, strict=True), key=lambda run: run[0] - run[1])
    names = [
        f"{wavelengths[first]:.0f}" if first == last else f"{wavelengths[first]:.0f}-{wavelengths[last]:.0f}"
        for first, last in sorted(runs[:most])
    ]
    rest = len(runs) - most
    return ", ".join(names) + " nm" + (f" and {rest} other ranges" if rest > 1 else " and another" if rest == 1 else "")
