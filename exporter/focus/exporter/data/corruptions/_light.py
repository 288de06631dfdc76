"""Other light, and a spectrograph that has moved."""

from __future__ import annotations

import numpy as np

from focus.exporter.data._windows import Array
from focus.exporter.data.corruptions._optics import Change, Optics


def illumination(optics: Optics, severity: float, rng: np.random.Generator) -> Change:
    """Light that is ``severity`` brighter or darker, and tilted by as much from the middle to both ends of the range;
    the signs are each window's own.
    """
    nm = optics.wavelengths_nm
    place = 2.0 * (nm - nm[0]) / (nm[-1] - nm[0]) - 1.0

    def change(means: Array, composite: Array, own: np.random.Generator) -> tuple[Array, Array]:
        gain, tilt = severity * own.choice((-1.0, 1.0), 2)
        factor = (1.0 + gain) * (1.0 + tilt * place)
        return optics.multiplied(means, composite, means * factor)

    return change


def wavelength_shift(optics: Optics, severity: float, rng: np.random.Generator) -> Change:
    """Every band sees ``severity`` nm further to the red than it says (blue if negative). The spectrum between band
    centres is taken as straight, which also smooths a little; beyond the outer bands it is constant.
    """
    nm = optics.wavelengths_nm
    seen = np.clip(nm + severity, nm[0], nm[-1])
    right = np.clip(np.searchsorted(nm, seen), 1, nm.size - 1)
    share = (seen - nm[right - 1]) / (nm[right] - nm[right - 1])

    def change(means: Array, composite: Array, own: np.random.Generator) -> tuple[Array, Array]:
        return optics.multiplied(means, composite, means[:, right - 1] * (1.0 - share) + means[:, right] * share)

    return change
