"""Smooth random fields and blurs as small matrix products, which beats filtering at these sizes."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Size = tuple[int, int]


@lru_cache(maxsize=512)
def _interpolation(length: int, period: float) -> Array:
    # Rows have unit length, so that a field of unit normal nodes has unit variance everywhere, borders included.
    nodes = math.ceil(length / period) + 3
    position = np.arange(length) / period + 1.0
    weights = np.exp(-0.5 * ((position[:, None] - np.arange(nodes)) / 0.55) ** 2)
    weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
    return weights.astype(np.float32)


def smooth_noise(rng: np.random.Generator, size: Size, period: float) -> Array:
    """Gaussian random field, float32 [H, W], mean 0, variance 1, that varies over about `period` pixels (at least 1)."""
    period = max(1.0, round(period, 1))
    rows, columns = _interpolation(size[0], period), _interpolation(size[1], period)
    nodes = rng.standard_normal((rows.shape[1], columns.shape[1]), dtype=np.float32)
    return np.asarray(rows @ nodes @ columns.T)


def fractal_noise(rng: np.random.Generator, size: Size, period: float, octaves: int = 3) -> Array:
    """Sum of smooth fields whose period and amplitude halve: float32 [H, W], mean 0, variance 1."""
    total = np.zeros(size, dtype=np.float32)
    for octave in range(octaves):
        total += np.float32(0.5**octave) * smooth_noise(rng, size, period * 0.5**octave)
    return total / np.float32(math.sqrt(sum(0.25**octave for octave in range(octaves))))


def blur(image: Array, sigma: float, shift: tuple[float, float] = (0.0, 0.0)) -> Array:
    """Gaussian blur of [H, W] by sigma pixels, moved by shift = (lines, samples); nothing comes in over the border."""
    rows = _gaussian(image.shape[0], sigma, shift[0])
    columns = _gaussian(image.shape[1], sigma, shift[1])
    return np.asarray(rows @ image @ columns.T)


def _gaussian(length: int, sigma: float, shift: float) -> Array:
    index = np.arange(length, dtype=np.float32)
    weights = np.exp(-0.5 * ((index[:, None] - index - np.float32(shift)) / np.float32(sigma)) ** 2)
    return np.asarray(weights / np.float32(sigma * math.sqrt(2.0 * math.pi)), dtype=np.float32)


def ramp(x: Array) -> Array:
    """0 below -1/2, 1 above 1/2, a smooth step between."""
    t = np.clip(x + np.float32(0.5), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def directional_slope(height: Array, direction: float) -> Array:
    """Slope of [H, W] towards an angle (radians, from the sample axis to the line axis), per pixel."""
    slope = np.zeros_like(height)
    slope[:, 1:-1] = (0.5 * math.cos(direction)) * (height[:, 2:] - height[:, :-2])
    slope[1:-1] += (0.5 * math.sin(direction)) * (height[2:] - height[:-2])
    return slope
