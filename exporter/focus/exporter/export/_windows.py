"""Windows that an exported file is checked on: rendered for the model's own sensor, or cut from the user's cube."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.kernels import ingest, standardise
from focus.runtime import Bundle, FocusError
from focus.runtime.cubes import open_cube
from focus.runtime.simulate import full_range, simulate_leaf_scene

#: The simulator draws no leaf smaller than this; smaller windows are cut from it.
SMALLEST_SCENE = 32


class CheckWindows(NamedTuple):
    """Reflectance windows ``cubes`` float32 [B, C, H, W], and what the engine reads of them."""

    cubes: NDArray[np.float32]
    band_means: NDArray[np.float32]
    composite: NDArray[np.float32]


def check_windows(bundle: Bundle, file: Path | None = None, count: int = 4) -> CheckWindows:
    """Windows to check an export on.

    Args:
        bundle: the model.
        file: a reflectance cube of the model's sensor; None renders simulated leaves for the model's wavelengths.
        count: how many.
    Raises:
        FocusError: the file does not fit the model.
    """
    cubes = _simulated(bundle, count) if file is None else _cut(bundle, file, count)
    means, composites = [], []
    for cube in cubes:
        found = ingest(cube, bundle.backbone.patch, np.array(bundle.composite_weights))
        means.append(standardise(found.band_means, np.array(bundle.mean), np.array(bundle.deviation)))
        centred = found.composite - np.array(bundle.backbone.composite_mean)[:, None, None]
        composites.append((centred / np.array(bundle.backbone.composite_deviation)[:, None, None]).astype(np.float32))
    return CheckWindows(cubes, np.stack(means), np.stack(composites))


def _simulated(bundle: Bundle, count: int) -> NDArray[np.float32]:
    """Noisy leaves of a sensor of 400-2500 nm, interpolated to the model's bands: any sensor can be checked so."""
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


def _cut(bundle: Bundle, file: Path, count: int) -> NDArray[np.float32]:
    cube = open_cube(file)
    bundle.require_wavelengths(cube.wavelengths_nm, str(file))
    lines, samples = bundle.window
    _, height, width = cube.shape
    if height < lines or width < samples:
        raise FocusError(
            f"{file} has {height} x {width} samples, a window of {bundle.name} needs {lines} x {samples}; "
            "give a larger cube"
        )
    starts = np.linspace(0, 1, count)
    corners = [(round(s * (height - lines)), round(s * (width - samples))) for s in starts]
    return np.stack([cube.reflectance(slice(y, y + lines), slice(x, x + samples)) for y, x in corners])
