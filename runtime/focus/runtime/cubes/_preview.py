"""A first look at a cube of any size without reading it whole: a subsample, a colour picture, a spectrum."""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.cubes._cube import Cube
from focus.runtime.spectral import composite_weights

_SUBSAMPLE_VALUES = 8 * 2**20

# Lines lie far apart in a file, so each costs a read of its own (one a band in BSQ); samples of a line come along.
_SUBSAMPLE_LINES = 64

# A channel of a quicklook averages this many bands, among those with at least half of the composite's largest weight.
_BANDS_A_CHANNEL = 5

_INVALID_GREY = 96


@dataclass(frozen=True, eq=False)
class SpectrumSummary:
    """Spectra of a subsample, in reflectance or stored values; nan for bands without a valid value.

    Attributes:
        mean: float64 [C].
        low: float64 [C], 5th percentile.
        high: float64 [C], 95th percentile.
        pixels: number of pixels looked at.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    pixels: int


def subsample(cube: Cube, values: int = _SUBSAMPLE_VALUES) -> NDArray[np.float32]:
    """Evenly spaced lines and samples of a cube, at most 64 lines and about `values` values; only these lines are read.

    Returns: float32 [C, h, w], reflectance where the cube states it and stored values otherwise; nan where not valid.
    """
    bands, lines, samples = cube.shape
    line_step = math.ceil(lines / _SUBSAMPLE_LINES)
    sample_step = max(1, math.ceil(bands * math.ceil(lines / line_step) * samples / values))
    with _scattered_reads(cube.values):
        return _window(cube, slice(0, None, line_step), slice(0, None, sample_step))


def summarise_spectra(values: NDArray[np.float32]) -> SpectrumSummary:
    """Mean and spread of spectra [C, h, w], nan where not valid."""
    flat = values.reshape(len(values), -1)
    mean, low, high = np.full((3, len(flat)), np.nan)
    for band, row in enumerate(flat):
        valid = row[np.isfinite(row)]
        if valid.size:
            mean[band] = valid.mean(dtype=np.float64)
            low[band], high[band] = np.percentile(valid, (5, 95))
    return SpectrumSummary(mean, low, high, flat.shape[1])


def quicklook(cube: Cube, longest: int = 768) -> NDArray[np.uint8]:
    """A colour picture: the composite that the model sees, each channel stretched from 2nd to 98th percentile.

    Red, green and blue are averages around 650, 550 and 450 nm, or the thirds of the range where the sensor lacks the
    visible; bad bands are left out, and invalid pixels are grey.

    Args:
        cube: any cube; only the bands in question are read.
        longest: lines and samples are thinned out, both by the same step, to at most this many.
    Returns: uint8 [h, w, 3].
    """
    weights = _channel_weights(cube)
    _, lines, samples = cube.shape
    thinned = slice(0, None, math.ceil(max(lines, samples) / longest))
    with _scattered_reads(cube.values):
        picture = np.stack([_channel(cube, row, thinned) for row in weights], axis=-1)
    return _stretch(picture)


@contextmanager
def _scattered_reads(values: NDArray[Any]) -> Iterator[None]:
    """Tells the system not to read ahead of scattered lines; megabytes of it would add up to the whole file."""
    base: Any = values
    while isinstance(base, np.ndarray):
        base = base.base
    if not isinstance(base, mmap.mmap) or not hasattr(mmap, "MADV_RANDOM"):
        yield
        return
    base.madvise(mmap.MADV_RANDOM)
    try:
        yield
    finally:
        base.madvise(mmap.MADV_NORMAL)


def _window(cube: Cube, lines: slice, samples: slice) -> NDArray[np.float32]:
    if cube.quantity == "reflectance":
        return cube.reflectance(lines, samples)
    # The scale belongs to reflectance only, and the user looks for the numbers that the file holds.
    return cube.with_quantity("reflectance").reflectance(lines, samples)


def _channel_weights(cube: Cube) -> NDArray[np.float64]:
    """Weights of red, green and blue over all bands, [3, C], zero for bands that need not be read."""
    usable = np.flatnonzero(cube.good_bands)
    if usable.size == 0:
        usable = np.arange(cube.shape[0])
    weights = np.zeros((3, cube.shape[0]))
    if usable.size < 3:
        weights[:, usable] = 1.0 / usable.size
        return weights
    for channel, found in enumerate(composite_weights(cube.wavelengths_nm[usable])):
        heavy = np.flatnonzero(found >= found.max() / 2)
        picked = heavy[:: math.ceil(heavy.size / _BANDS_A_CHANNEL)]
        weights[channel, usable[picked]] = found[picked] / found[picked].sum()
    return weights


def _channel(cube: Cube, weights: NDArray[np.float64], thinned: slice) -> NDArray[np.float64]:
    total = held = np.zeros(())
    for band in np.flatnonzero(weights):
        plane = _window(cube.select_bands([int(band)]), thinned, thinned)[0].astype(np.float64)
        valid = np.isfinite(plane)
        total = total + np.where(valid, plane, 0.0) * weights[band]
        held = held + valid * weights[band]
    return np.divide(total, held, out=np.full_like(total, np.nan), where=held > 0)


def _stretch(picture: NDArray[np.float64]) -> NDArray[np.uint8]:
    valid = np.isfinite(picture).all(axis=-1)
    result = np.full(picture.shape, _INVALID_GREY, np.uint8)
    if not valid.any():
        return result
    low, high = np.percentile(picture[valid], (2, 98), axis=0)
    span = np.where(high > low, high - low, 1.0)
    result[valid] = np.round(255 * np.clip((picture[valid] - low) / span, 0.0, 1.0)).astype(np.uint8)
    return result
