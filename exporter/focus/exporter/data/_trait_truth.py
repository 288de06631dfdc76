"""Which bands tell a trait: the truth that maps of a regression are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from focus.exporter.data._windows import Array
from focus.runtime.simulate import Sensor, Traits
from focus.runtime.simulate._tissue import leaf_optics, random_traits

#: Step of the finite difference, as a share of the trait's spread.
STEP = 0.05

#: A trait is not taken below this share of its own value, which PROSPECT-D needs above zero (N: above one).
_LEAST = 0.5


def trait_information(sensor: Sensor, traits: Mapping[str, float], names: Sequence[str]) -> Array:
    """|d R_lambda / d trait| x spread / noise_lambda at one leaf.

    That is how many deviations of the noise a usual change of the trait moves each band by, other traits held.
    R is PROSPECT-D's reflectance as the sensor sees it, its derivative a central difference; the noise is that of one
    sample at this reflectance. Bands of a trait that goes along with this one (carotenoids with chlorophyll) tell of it
    as well; they do not count.

    Args:
        traits: the leaf's means, all fields of ``Traits``.
        names: K traits.
    Returns: float32 [K, C].
    """
    leaf = Traits(**{name: float(value) for name, value in traits.items()})
    noise = sensor.noise_at(_seen(sensor, leaf, {}))
    found = []
    for name in names:
        value, spread = getattr(leaf, name), trait_spread(name)
        step = min(STEP * spread, (1.0 - _LEAST) * (value - 1.0 if name == "N" else value))
        above, below = (_seen(sensor, leaf, {name: value + sign * step}) for sign in (1.0, -1.0))
        found.append(np.abs(above - below) / (2.0 * step) * spread / noise)
    return np.stack(found).astype(np.float32)


@cache
def trait_spread(name: str) -> float:
    """Standard deviation of a trait over sound simulated leaves, in its unit."""
    rng = np.random.default_rng(0)
    return float(np.std([getattr(random_traits(rng), name) for _ in range(4096)]))


def _seen(sensor: Sensor, leaf: Traits, changed: Mapping[str, float]) -> Array:
    return sensor.sample(leaf_optics(replace(leaf, **changed))[0])
