"""The three-channel image that the frozen backbone sees (docs/method.md, "Inputs")."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Red, green, blue centres in nm, and the width of the averaging.
VISIBLE_CENTRES_NM = (650.0, 550.0, 450.0)
VISIBLE_FWHM_NM = 40.0


def composite_weights(wavelengths_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of three Gaussian band averages: red, green, blue, or thirds of a range without visible light.

    Args:
        wavelengths_nm: float64 [C], increasing.
    Returns: float64 [3, C]; each row sums to 1. Multiply a reflectance cube [C, H, W] from the left.
    Raises:
        ValueError: fewer than three bands.
    """
    wavelengths = np.asarray(wavelengths_nm, np.float64)
    if wavelengths.size < 3:
        raise ValueError(f"a composite needs at least 3 bands, got {wavelengths.size}")
    low, high = wavelengths[0], wavelengths[-1]
    if low <= min(VISIBLE_CENTRES_NM) and high >= max(VISIBLE_CENTRES_NM):
        centres, fwhm = np.array(VISIBLE_CENTRES_NM), VISIBLE_FWHM_NM
    else:
        centres = low + (high - low) * np.array([5.0, 3.0, 1.0]) / 6.0
        fwhm = (high - low) / 6.0
    spacing = float(np.max(np.diff(wavelengths)))
    sigma = max(fwhm, spacing) / 2.3548200450309493
    weights: NDArray[np.float64] = np.exp(-0.5 * ((wavelengths - centres[:, None]) / sigma) ** 2)
    normalised: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return normalised
