"""Cubes that need nothing but NumPy: smooth spectra that change over the scene, as 12-bit counts of a camera."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.exporter.bench._specs import ModelSpec


class Rig(NamedTuple):
    """Of every detector element: counts without light and reflectance a count, float32 [C, W]."""

    dark: NDArray[np.float32]
    gain: NDArray[np.float32]


def random_cubes(rng: np.random.Generator, count: int, spec: ModelSpec) -> tuple[NDArray[np.uint16], Rig]:
    """Counts [count, H, C, W], line by line as cameras send them, and the rig that took them.

    Args:
        rng: gives everything.
        count: how many.
        spec: bands and size.
    """
    size, bands = spec.size, spec.bands
    dark = rng.uniform(90, 110, (bands, size)).astype(np.float32)
    gain = (1.0 / rng.uniform(3000, 3500, (bands, size))).astype(np.float32)
    down, across = np.mgrid[:size, :size] * (6.0 / size)
    at = np.linspace(0, 1, bands)
    found = np.empty((count, size, bands, size), np.uint16)
    for number in range(count):
        cube = np.full((bands, size, size), 0.35, np.float32)
        for _ in range(3):  # materials, each with a bump in its spectrum and a pattern in the scene
            spectrum = np.exp(-0.5 * ((at - rng.uniform()) / rng.uniform(0.05, 0.2)) ** 2)
            pattern = np.sin(down * rng.uniform(0.5, 3) + across * rng.uniform(0.5, 3) + rng.uniform(0, 6))
            cube += (0.08 * spectrum[:, None, None] * pattern).astype(np.float32)
        counts = cube.transpose(1, 0, 2) / gain + dark
        counts += rng.standard_normal((size, 1, size), np.float32) * 4
        found[number] = np.clip(counts, 0, 4094)
    return found, Rig(dark, gain)
