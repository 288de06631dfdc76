"""PROSPECT-D: the optics of one leaf (Jacquemoud and Baret 1990; Féret, Gitelson, Noble and Jacquemoud 2017).

A leaf is a pile of N absorbing plates. The coefficients come with the package (``prospect_d.npz``, made by
``scripts/make_leaf_optics.py``); docs/decisions/0004 says why the model is here and not a dependency.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import exp1

Spectrum = NDArray[np.float64]

LEAF_MODEL_NM: Spectrum = np.arange(400.0, 2501.0, dtype=np.float64)
"""float64 [2101], the 1 nm grid of the leaf model, 400-2500 nm."""

#: Light reaches a leaf within this cone, degrees (the rough surface of a leaf; Féret et al. 2017).
SURFACE_CONE_DEG = 40.0


class _Optics(NamedTuple):
    absorption: NDArray[np.float64]
    refraction: Spectrum
    surface: Spectrum
    inside: Spectrum


@cache
def _optics() -> _Optics:
    """Specific absorption [2101, 5] of chl, car, antho, ewt, lma, and what follows from the refractive index alone."""
    with (files("focus.runtime.simulate") / "prospect_d.npz").open("rb") as file, np.load(file) as table:
        absorption, refraction = table["absorption"], table["refraction"]
    return _Optics(
        absorption,
        refraction,
        interface_transmissivity(SURFACE_CONE_DEG, refraction),
        interface_transmissivity(90.0, refraction),
    )


def prospect_d(contents: NDArray[np.float64], plates: float) -> tuple[Spectrum, Spectrum]:
    """Directional-hemispherical reflectance and transmittance of a leaf.

    Args:
        contents: float64 [5], chlorophyll, carotenoids, anthocyanins (ug/cm2), water (cm), dry matter (g/cm2).
        plates: N, the structure parameter, above 1.
    Returns: two float64 [2101] on ``LEAF_MODEL_NM``.
    """
    optics = _optics()
    absorbed = optics.absorption @ contents / plates
    # Transmission of diffuse light through one plate, Allen et al. 1969.
    tau = (1.0 - absorbed) * np.exp(-absorbed) + absorbed**2 * exp1(absorbed)
    outward = optics.inside / optics.refraction**2
    turned = 1.0 - outward
    echo = 1.0 - turned**2 * tau**2
    top_through = optics.surface * tau * outward / echo
    top_back = 1.0 - optics.surface + turned * tau * top_through
    through = optics.inside * tau * outward / echo
    back = 1.0 - optics.inside + turned * tau * through
    pile_back, pile_through = _pile(back, through, plates - 1.0)
    echo = 1.0 - pile_back * back
    return top_back + top_through * pile_back * through / echo, top_through * pile_through / echo


def _pile(back: Spectrum, through: Spectrum, plates: float) -> tuple[Spectrum, Spectrum]:
    """Reflectance and transmittance of a pile of equal plates, Stokes 1862."""
    root = np.sqrt((1 + back + through) * (1 + back - through) * (1 - back + through) * (1 - back - through))
    a = (1 + back**2 - through**2 + root) / (2 * back)
    b = ((1 - back**2 + through**2 + root) / (2 * through)) ** plates
    spread = a**2 * b**2 - 1
    return a * (b**2 - 1) / spread, b * (a**2 - 1) / spread


def interface_transmissivity(cone_deg: float, refraction: Spectrum) -> Spectrum:
    """Mean transmissivity of a dielectric surface for light within a cone of incidence, Stern 1964, Allen 1973.

    Args:
        cone_deg: half angle of the cone, degrees, up to 90.
        refraction: refractive index, above 1.
    """
    n2 = refraction**2
    plus, minus = n2 + 1.0, n2 - 1.0
    sine2 = np.sin(np.deg2rad(cone_deg)) ** 2
    a = (refraction + 1.0) ** 2 / 2.0
    k = -(minus**2) / 4.0
    middle = sine2 - plus / 2.0
    # At 90 degrees the root is zero but for rounding, which may take it below.
    b = np.sqrt(np.maximum(middle**2 + k, 0.0)) - middle
    perpendicular = (k**2 / (6 * b**3) + k / b - b / 2) - (k**2 / (6 * a**3) + k / a - a / 2)
    low, high = 2 * plus * b - minus**2, 2 * plus * a - minus**2
    parallel = (
        -2 * n2 * (b - a) / plus**2
        - 2 * n2 * plus * np.log(b / a) / minus**2
        + n2 * (1 / b - 1 / a) / 2
        + 16 * n2**2 * (n2**2 + 1) * np.log(low / high) / (plus**3 * minus**2)
        + 16 * n2**3 * (1 / low - 1 / high) / plus**3
    )
    return np.asarray((perpendicular + parallel) / (2 * sine2))
