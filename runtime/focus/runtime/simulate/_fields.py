"""Smooth random fields, blurs and products that stay on one thread.

Scenes are made of many small products. OpenBLAS splits each over all cores and waits for the slowest; beside a training
that keeps the cores busy such a wait costs tens of milliseconds. So nothing here goes through a threaded product.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

Array = NDArray[np.float32]
Size = tuple[int, int]

_SINGLE_THREAD = 262_144
"""OpenBLAS keeps an m x k by k x n product on the calling thread up to this m k n (GEMM_MULTITHREAD_THRESHOLD)."""


def product(left: Array, right: Array, out: Array | None = None) -> Array:
    """left [A, M] @ right [M, P], float32 [A, P], a range of columns at a time so that it stays on this thread."""
    rows, inner = left.shape
    columns = right.shape[1]
    result = np.empty((rows, columns), dtype=np.float32) if out is None else out
    step = max(16, _SINGLE_THREAD // (rows * inner) // 16 * 16)
    for start in range(0, columns, step):
        np.matmul(left, right[:, start : start + step], out=result[:, start : start + step])
    return result


@lru_cache(maxsize=512)
def _interpolation(length: int, period: float) -> sparse.csr_matrix:
    # Rows have unit length, so that a field of unit normal nodes has unit variance everywhere, borders included.
    nodes = math.ceil(length / period) + 3
    position = np.arange(length) / period + 1.0
    weights = np.exp(-0.5 * ((position[:, None] - np.arange(nodes)) / 0.55) ** 2)
    weights[weights < 0.01] = 0.0
    weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
    return sparse.csr_matrix(weights.astype(np.float32))


def smooth_noise(rng: np.random.Generator, size: Size, period: float) -> Array:
    """Gaussian random field, float32 [H, W], mean 0, variance 1, that varies over `period` pixels (at least 1)."""
    if period <= 1.0:
        return rng.standard_normal(size, dtype=np.float32)
    period = round(period, 1)
    rows, columns = _interpolation(size[0], period), _interpolation(size[1], period)
    nodes = rng.standard_normal((rows.shape[1], columns.shape[1]), dtype=np.float32)
    return np.ascontiguousarray((columns @ (rows @ nodes).T).T)


def fractal_noise(rng: np.random.Generator, size: Size, period: float, octaves: int = 3) -> Array:
    """Sum of smooth fields whose period and amplitude halve: float32 [H, W], mean 0, variance 1."""
    total = np.zeros(size, dtype=np.float32)
    for octave in range(octaves):
        total += np.float32(0.5**octave) * smooth_noise(rng, size, period * 0.5**octave)
    return total / np.float32(math.sqrt(sum(0.25**octave for octave in range(octaves))))


def blur(image: Array, sigma: float, shift: tuple[float, float] = (0.0, 0.0)) -> Array:
    """Gaussian blur of [H, W] by sigma pixels, moved by shift = (lines, samples); nothing comes in over the border."""
    for axis, offset in enumerate(shift):
        reach = math.ceil(3.0 * sigma + abs(offset))
        weights = np.exp(-0.5 * ((np.arange(-reach, reach + 1) - offset) / sigma) ** 2)
        image = ndimage.convolve1d(image, weights / weights.sum(), axis=axis, mode="constant")
    return image


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
