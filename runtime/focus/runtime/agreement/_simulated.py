"""Simulated leaves for any sensor: what a model is checked on where nobody gave recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focus.kernels import ingest, standardise
from focus.runtime import Bundle
from focus.runtime.agreement._windows import NetInput
from focus.runtime.simulate import full_range, simulate_leaf_scene

#: The simulator draws no leaf smaller than this; smaller windows are cut from it.
SMALLEST_SCENE = 32


def simulated_cubes(bundle: Bundle, count: int) -> NDArray[np.float32]:
    """Noisy leaves of a sensor of 400-2500 nm, interpolated to the model's bands; the same ones each time.

    Args:
        bundle: of the model that shall read them.
        count: how many.
    Returns: float32 [count, C, H, W], reflectance.
    """
    sensor = full_range(128)
    onto = np.stack(
        [np.interp(bundle.wavelengths, sensor.wavelengths_nm, unit) for unit in np.eye(sensor.bands)], axis=1
    )
    lines, samples = bundle.window
    size = max(lines, SMALLEST_SCENE), max(samples, SMALLEST_SCENE)
    cubes = []
    for seed in range(count):
        scene = simulate_leaf_scene(np.random.default_rng(seed), sensor, size=size)
        cube = scene.reflectance(np.random.default_rng(1000 + seed))[:, :lines, :samples]
        cubes.append(np.tensordot(onto, cube, axes=1).astype(np.float32))
    return np.stack(cubes)


def simulated_windows(bundle: Bundle, count: int) -> list[NetInput]:
    """The same as the network reads them."""
    backbone = bundle.backbone
    mean, deviation = (np.array(v)[:, None, None] for v in (backbone.composite_mean, backbone.composite_deviation))
    windows = []
    for cube in simulated_cubes(bundle, count):
        found = ingest(cube, backbone.patch, np.array(bundle.composite_weights))
        means = standardise(found.band_means, np.array(bundle.mean), np.array(bundle.deviation))
        image = ((found.composite - mean) / deviation).astype(np.float32)
        windows.append(NetInput(means, image, np.asarray(np.isfinite(found.band_means).any(axis=1))))
    return windows
