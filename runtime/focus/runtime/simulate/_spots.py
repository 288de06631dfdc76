"""Spots on a leaf: irregular, soft-edged patches for lesions and for what merely looks like them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focus.runtime.simulate._fields import fractal_noise, ramp
from focus.runtime.simulate._outline import Drawing

Array = NDArray[np.float32]


def spots(
    rng: np.random.Generator, leaf: Drawing, count: int, radius: tuple[float, float], softness: float = 1.5
) -> tuple[Array, Array]:
    """Irregular patches centred on the blade.

    Args:
        count: how many, at least 1.
        radius: range of their radii in pixels.
        softness: width of their edges in pixels.
    Returns: coverage float32 [H, W] in 0..1, and relative distance float32 [H, W]: 0 at a centre, 1 at the edge.
    """
    inside = np.flatnonzero(leaf.blade > 0.98)
    if inside.size == 0:
        inside = np.array([int(leaf.blade.argmax())])
    centres = rng.choice(inside, size=count)
    radii = np.exp(rng.uniform(np.log(radius[0]), np.log(radius[1]), size=count))
    stretch = rng.uniform(1.0, 1.7, size=count)
    distance = np.full(leaf.blade.shape, np.inf, dtype=np.float32)
    for centre, r, s in zip(centres, radii, stretch, strict=True):
        along = (leaf.along - leaf.along.flat[centre]) * np.float32(leaf.length / (r * s))
        across = (leaf.across - leaf.across.flat[centre]) * np.float32(leaf.length * s**0.5 / r)
        np.minimum(distance, along * along + across * across, out=distance)
    typical = float(radii.mean())
    # tanh bounds the raggedness, so that no noise can wipe a spot out at its centre.
    lines, samples = leaf.blade.shape
    ragged = np.tanh(fractal_noise(rng, (lines, samples), 1.3 * typical, octaves=3))
    relative = np.sqrt(distance) + np.float32(0.45) * ragged
    return ramp((1.0 - relative) * np.float32(typical / softness)), relative
