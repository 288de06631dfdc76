"""Spectra of the materials in a scene: leaf tissue by PROSPECT-D, soil, dust and glint by simple curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from focus.runtime.simulate._prospect import LEAF_MODEL_NM, prospect_d
from focus.runtime.simulate._sensor import Sensor

Spectrum = NDArray[np.float64]


@dataclass(frozen=True)
class Traits:
    """What PROSPECT-D needs to know of a leaf.

    Attributes:
        chl: chlorophyll a + b, ug/cm2.
        car: carotenoids, ug/cm2.
        antho: anthocyanins, ug/cm2.
        ewt: equivalent water thickness, cm.
        lma: dry mass per area, g/cm2.
        N: structure parameter, number of plates.
    """

    chl: float
    car: float
    antho: float
    ewt: float
    lma: float
    N: float


@dataclass(frozen=True)
class Lesion:
    """One physiological change: a single trait, multiplied by or raised by an amount drawn between the two.

    Attributes:
        trait: the field of Traits that changes.
        factor: range of the factor on it.
        added: range of what is added to it.
    """

    trait: str
    factor: tuple[float, float] = (1.0, 1.0)
    added: tuple[float, float] = (0.0, 0.0)


LESIONS: Mapping[str, Lesion | None] = MappingProxyType(
    {
        "healthy": None,
        "chlorosis": Lesion("chl", factor=(0.12, 0.6)),
        "anthocyanin": Lesion("antho", added=(4.0, 24.0)),
        "water-soaked": Lesion("ewt", added=(0.022, 0.07)),
    }
)
"""Class name -> what changes inside its lesions. The order is that of the labels."""

CLASS_NAMES = tuple(LESIONS)
"""Names of the classes; a label is an index into it."""

WATER_SEEN_NM = 1150.0
"""A sensor that ends below this sees leaf water only in the weak absorption at 970 nm."""


def classes_seen(sensor: Sensor) -> tuple[str, ...]:
    """The classes that a sensor tells apart well: the first of ``CLASS_NAMES``, or all with a sensor of leaf water."""
    return CLASS_NAMES if sensor.wavelengths_nm[-1] > WATER_SEEN_NM else CLASS_NAMES[:-1]


def random_traits(rng: np.random.Generator) -> Traits:
    """Traits of a sound leaf, wide enough that no leaf mean gives the class away."""
    chl = rng.uniform(25.0, 65.0)
    return Traits(
        chl=chl,
        car=chl / rng.uniform(3.8, 5.5),
        antho=rng.uniform(0.2, 2.0),
        ewt=rng.uniform(0.007, 0.018),
        lma=rng.uniform(0.003, 0.009),
        N=rng.uniform(1.3, 2.0),
    )


def lesion_traits(healthy: Traits, name: str, rng: np.random.Generator) -> Traits:
    """Traits inside a lesion of this class; the severity is drawn evenly in log space, so faint lesions are common."""
    lesion = LESIONS[name]
    severity = rng.uniform()
    if lesion is None:
        return healthy
    factor = _between(lesion.factor, severity)
    added = _between(lesion.added, severity) if lesion.added[1] > 0 else 0.0
    value = getattr(healthy, lesion.trait) * factor + added
    return replace(healthy, **{lesion.trait: value})


def _between(bounds: tuple[float, float], share: float) -> float:
    low, high = bounds
    return float(low * (high / low) ** share)


def leaf_optics(traits: Traits) -> tuple[Spectrum, Spectrum]:
    """Reflectance and transmittance of a leaf, float64 [2101] each, on the 1 nm grid 400-2500 nm."""
    contents = np.array([traits.chl, traits.car, traits.antho, traits.ewt, traits.lma])
    return prospect_d(contents, traits.N)


def vein_traits(healthy: Traits) -> Traits:
    """Veins hold less chlorophyll and more water, cell wall and scattering than the blade between them."""
    return replace(healthy, chl=0.5 * healthy.chl, ewt=1.2 * healthy.ewt, lma=1.3 * healthy.lma, N=healthy.N + 0.6)


def random_soil(rng: np.random.Generator) -> tuple[Spectrum, Spectrum]:
    """Reflectance of one soil, dry and wet, float64 [2101] each.

    A rise that flattens towards the infrared, ferric iron, and the dips of water (1415, 1930 nm) and clay (2205 nm).
    """
    nm = LEAF_MODEL_NM
    level, rise = rng.uniform(0.14, 0.38), rng.uniform(180.0, 420.0)
    dry = level * (0.18 + 0.82 * (1.0 - np.exp(-(nm - 380.0) / rise)))
    dry *= 1.0 - rng.uniform(0.0, 0.12) * _dip(nm, 880.0, 90.0) - rng.uniform(0.05, 0.2) * _dip(nm, 500.0, 60.0)
    dry *= 1.0 - 0.05 * _dip(nm, 1415.0, 25.0) - 0.12 * _dip(nm, 1930.0, 45.0) - 0.08 * _dip(nm, 2205.0, 25.0)
    dry *= 1.0 - 0.25 * np.clip((nm - 2150.0) / 350.0, 0.0, 1.0) ** 1.5
    wetness = rng.uniform(0.4, 0.65)
    wet = dry * wetness * (1.0 - 0.35 * _dip(nm, 1450.0, 60.0) - 0.55 * _dip(nm, 1940.0, 90.0))
    wet *= 1.0 - 0.2 * np.clip((nm - 2000.0) / 500.0, 0.0, 1.0)
    return dry, wet


def dust() -> Spectrum:
    """Mineral dust on a leaf, float64 [2101]: bright, nearly flat, a little red."""
    return np.asarray(0.28 + 0.22 * (1.0 - np.exp(-(LEAF_MODEL_NM - 380.0) / 350.0)))


def glint() -> Spectrum:
    """Specular reflection of the lamp at the cuticle, float64 [2101]: it carries no absorption at all."""
    return np.full(LEAF_MODEL_NM.shape, 1.0)


def skylight() -> Spectrum:
    """Share of the light that still arrives in an opaque shadow, float64 [2101]: diffuse, a little blue."""
    return np.asarray(0.14 + 0.16 * (LEAF_MODEL_NM / 400.0) ** -1.5)


def _dip(nm: Spectrum, centre: float, width: float) -> Spectrum:
    return np.asarray(np.exp(-0.5 * ((nm - centre) / width) ** 2))
