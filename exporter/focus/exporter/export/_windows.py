"""Windows that an exported file is checked on: of the user's cube, of the training, or simulated."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.kernels import ingest, standardise
from focus.runtime import Bundle, FocusError
from focus.runtime._kept import KeptWindows, kept_windows
from focus.runtime.agreement import simulated_cubes
from focus.runtime.cubes import open_cube

#: How many windows an export is checked on.
CHECK_WINDOWS = 4


class CheckWindows(NamedTuple):
    """Reflectance windows ``cubes`` float32 [B, C, H, W], what the engine reads of them, and what they are."""

    cubes: NDArray[np.float32]
    band_means: NDArray[np.float32]
    composite: NDArray[np.float32]
    origin: str


def check_windows(bundle: Bundle, cube: Path | None = None, training: Path | None = None) -> CheckWindows:
    """Windows to check an export on: the user's, or the training's, or simulated leaves where there are no others.

    Args:
        bundle: the model.
        cube: a reflectance cube of the model's sensor.
        training: the folder that focus-train left beside the checkpoint.
    Raises:
        FocusError: cube or folder do not fit the model.
    """
    kept = None if cube is not None or training is None else kept_windows(training)
    if cube is not None:
        cubes, origin = _cut(bundle, cube), f"windows of {cube.name}"
    elif kept is not None:
        cubes, origin = _restored(bundle, kept), "windows of the training"
    else:
        cubes, origin = simulated_cubes(bundle, CHECK_WINDOWS), "simulated leaves"
    means, composites = [], []
    for values in cubes:
        found = ingest(values, bundle.backbone.patch, np.array(bundle.composite_weights))
        means.append(standardise(found.band_means, np.array(bundle.mean), np.array(bundle.deviation)))
        centred = found.composite - np.array(bundle.backbone.composite_mean)[:, None, None]
        composites.append((centred / np.array(bundle.backbone.composite_deviation)[:, None, None]).astype(np.float32))
    return CheckWindows(cubes, np.stack(means), np.stack(composites), f"{len(cubes)} {origin}")


def _restored(bundle: Bundle, kept: KeptWindows) -> NDArray[np.float32]:
    """Cubes with these band means and composites: flat patches, plus what the composite shows within them, spread
    over the bands that it is made of. A patch with a missing band stays flat.
    """
    lines, samples = bundle.window
    chosen = np.unique(np.linspace(0, len(kept.composite) - 1, CHECK_WINDOWS).round().astype(int))
    band_means, composite = kept.band_means[chosen], kept.composite[chosen]
    expected = (bundle.patches, bundle.bands), (3, lines, samples)
    if (band_means.shape[1:], composite.shape[1:]) != expected:
        raise FocusError(
            f"the windows kept by focus-train are not those of model {bundle.name}: {band_means.shape[1:]} and "
            f"{composite.shape[1:]}, not {expected[0]} and {expected[1]}; check on a cube with --check"
        )
    weights = np.array(bundle.composite_weights)
    back = np.linalg.pinv(weights)
    grid, patch = (bundle.backbone.rows, bundle.backbone.columns), bundle.backbone.patch
    cubes = []
    for means, image in zip(band_means.astype(np.float64), composite, strict=True):
        flat = np.kron(means.T.reshape(-1, *grid), np.ones((1, patch, patch)))
        detail = np.nan_to_num(image - np.tensordot(weights, flat, axes=1))
        cubes.append((flat + np.tensordot(back, detail, axes=1)).astype(np.float32))
    return np.stack(cubes)


def _cut(bundle: Bundle, file: Path) -> NDArray[np.float32]:
    cube = open_cube(file)
    if cube.quantity != "reflectance":
        held = "raw counts" if cube.quantity == "counts" else "what it does not say"
        raise FocusError(f"{file} holds {held}; --check takes a cube whose file says that it is reflectance")
    bundle.require_wavelengths(cube.wavelengths_nm, str(file), "--check takes a cube with the model's bands")
    lines, samples = bundle.window
    _, height, width = cube.shape
    if height < lines or width < samples:
        raise FocusError(
            f"{file} has {height} x {width} samples, a window of {bundle.name} needs {lines} x {samples}; "
            "give a larger cube"
        )
    starts = np.linspace(0, 1, CHECK_WINDOWS)
    corners = [(round(s * (height - lines)), round(s * (width - samples))) for s in starts]
    return np.stack([cube.reflectance(slice(y, y + lines), slice(x, x + samples)) for y, x in corners])
