"""Small data sets for training tests, made in memory."""

from __future__ import annotations

import numpy as np

from focus.exporter.data import Truth, WindowSet
from focus.runtime.spectral import composite_weights
from support.nets import BANDS, WAVELENGTHS

PATCH, EDGE = 6, 24
PATCHES = (EDGE // PATCH) ** 2


def small_windows(counts: tuple[int, int, int] = (24, 8, 8), task: str = "classification", seed: int = 0) -> WindowSet:
    """Windows of the small nets' sensor and size, M = sum(counts).

    Two patches of a window carry its class: brighter below 500 nm, brighter above 900 nm, or neither. For regression
    the target is how much brighter they are below 500 nm.
    """
    rng = np.random.default_rng(seed)
    total = sum(counts)
    labels = np.arange(total) % 3
    strength = rng.uniform(0.5, 1.5, total)
    informative = np.zeros((total, BANDS), np.float32)
    informative[labels == 1] = WAVELENGTHS < 500
    informative[labels == 2] = WAVELENGTHS > 900
    share = np.zeros((total, PATCHES), np.float32)
    for window in np.flatnonzero(labels):
        share[window, rng.choice(PATCHES, 2, replace=False)] = 1.0
    means = 0.3 + 0.02 * rng.standard_normal((total, PATCHES, BANDS))
    means += 0.3 * strength[:, None, None] * share[:, :, None] * informative[:, None, :]
    grid = EDGE // PATCH
    mask = share.reshape(total, grid, grid).repeat(PATCH, 1).repeat(PATCH, 2) > 0
    weights = composite_weights(WAVELENGTHS)
    cubes = means.transpose(0, 2, 1).reshape(total, BANDS, grid, grid).repeat(PATCH, 2).repeat(PATCH, 3)
    names = tuple(f"window {index}" for index in range(total))
    regression = task == "regression"
    return WindowSet(
        task=task,  # type: ignore[arg-type]
        band_means=means.astype(np.float32),
        composite=np.einsum("kc,mchw->mkhw", weights, cubes).astype(np.float16),
        targets=(20.0 + 8.0 * (strength * (labels == 1)))[:, None].astype(np.float32)
        if regression
        else labels.astype(np.int64),
        target_names=("water",) if regression else ("plain", "blue", "red"),
        units=("g",) if regression else (None,) * 3,
        splits=np.repeat(np.arange(3, dtype=np.int8), counts),
        windows=names,
        groups=names,
        wavelengths_nm=WAVELENGTHS,
        fwhm_nm=np.full(BANDS, 25.0),
        composite_weights=weights,
        patch=PATCH,
        truth=Truth(informative, share, np.ones_like(share), np.packbits(mask.reshape(total, -1), axis=1)),
        source="windows made for a test",
    )
