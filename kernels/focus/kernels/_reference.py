"""The two fused kernels in NumPy, accumulating in float64: the specification, and what every other version is tested
against.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focus.kernels._image import LEAST_SHARE
from focus.kernels._optics import Weights, trimmed_weights
from focus.kernels._results import COUNTS, Array, Ingested, Quality, Saliency


def ingest(
    raw: NDArray[np.generic],
    patch: int,
    composite_weights: Weights,
    *,
    dark: NDArray[np.floating] | float = 0.0,
    gain: NDArray[np.floating] | float = 1.0,
    used: NDArray[np.bool_] | None = None,
    bits: int | None = None,
    shift: int = 0,
) -> Ingested:
    """Band means and composite of raw samples; see ``focus.kernels.ingest`` for the arguments.

    A sample is valid where it is finite in float32, below 2^bits - 1 (after the shift), and its dark and gain are
    finite and its gain not 0. A band mean is the mean reflectance of the patch's valid samples. A pixel of the
    composite is the weighted average over its valid bands, sum_valid w R * sum w / sum_valid w; with less than half of
    the weight valid it is that average of its patch's band means, or 0 without any. Weights below 1e-4 of their
    channel's largest are left out (``trimmed_weights``).
    """
    bands, height, width = raw.shape
    rows, columns = -(-height // patch), -(-width // patch)
    chosen = np.ones(bands, bool) if used is None else used
    black, factor = (_by_sample(values, bands, width) for values in (dark, gain))
    alive = np.isfinite(black) & np.isfinite(factor) & (factor != 0) & chosen[:, None, None]
    with np.errstate(invalid="ignore", over="ignore"):
        counts = raw.astype(np.float64) / 2.0**shift
        finite = np.abs(raw.astype(np.float64)) <= np.finfo(np.float32).max
        saturated = finite & (counts >= (np.inf if bits is None else 2.0**bits - 1))
        valid = finite & ~saturated & alive
        reflectance = np.where(valid, (counts - black) * factor, 0.0)
    means = np.full((rows, columns, bands), np.nan)
    kinds = {
        "valid": valid,
        "saturated": saturated & alive,
        "below_dark": valid & (counts < black),
        "dead": np.broadcast_to(~alive & chosen[:, None, None], valid.shape),
        "not_finite": ~finite & alive,
    }
    quality = np.zeros((rows, columns, len(COUNTS)), np.int32)
    for row in range(rows):
        for column in range(columns):
            here = np.s_[:, row * patch : (row + 1) * patch, column * patch : (column + 1) * patch]
            counted = valid[here].sum(axis=(1, 2))
            some = counted > 0
            means[row, column, some] = reflectance[here].sum(axis=(1, 2))[some] / counted[some]
            quality[row, column] = [kinds[kind][here].sum() for kind in COUNTS]
    by_patch = means.reshape(rows * columns, bands)
    return Ingested(
        by_patch.astype(np.float32),
        _composite(reflectance, valid, means, trimmed_weights(composite_weights * chosen), patch).astype(np.float32),
        Quality(quality.reshape(-1, len(COUNTS)), int(chosen.sum()) * patch**2),
    )


def _composite(
    reflectance: NDArray[np.float64],
    valid: NDArray[np.bool_],
    means: NDArray[np.float64],
    weights: NDArray[np.float64],
    patch: int,
) -> NDArray[np.float64]:
    _, height, width = reflectance.shape
    known = np.isfinite(means)
    total = weights.sum(axis=1)[:, None, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        average = np.tensordot(weights, reflectance, axes=1) / np.tensordot(weights, valid, axes=1)
        of_patch = np.moveaxis(np.where(known, means, 0.0) @ weights.T / (known @ weights.T), 2, 0)
        share = np.tensordot(weights, valid, axes=1) / total
    filled = np.nan_to_num(of_patch).repeat(patch, axis=1).repeat(patch, axis=2)[:, :height, :width]
    return np.where(total == 0, 0.0, total * np.where(share >= LEAST_SHARE, average, filled))


def _by_sample(values: NDArray[np.floating] | float, bands: int, width: int) -> NDArray[np.float64]:
    """[C, 1, W] of a number, [C], [C, 1] or [C, W]."""
    given = np.asarray(values, np.float64)
    given = given[:, None] if given.ndim == 1 else given
    return np.broadcast_to(given, (bands, width))[:, None, :]


def saliency(
    attention: Array,
    contrast: Array,
    band_weight: NDArray[np.floating],
    group_share: NDArray[np.floating],
    *,
    with_cube: bool = False,
) -> Saliency:
    """T, M and B, Eqs. (5) and (6) of FOCUS (arXiv 2507.14787); see ``focus.kernels.saliency`` for the arguments.

    P_i = sum_g pi_g Abar_{g,i},  T_{lambda,i} = P_i w_lambda D_{lambda,i},  M_i = sum_lambda T,  B_lambda = max_i T.
    """
    place = group_share.astype(np.float64) @ attention.astype(np.float64).mean(axis=0)
    cube = place * contrast.T.astype(np.float64) * band_weight[:, None]
    return Saliency(
        cube.astype(np.float32) if with_cube else None,
        cube.sum(axis=0).astype(np.float32),
        cube.max(axis=1).astype(np.float32),
    )


def upsample(heatmap: Array, patch: int) -> Array:
    """M on the samples; see ``focus.kernels.upsample``."""
    known = np.isfinite(heatmap)
    values = np.where(known, heatmap, 0.0).astype(np.float64)
    mixed, weight = (_across(_across(part, patch).T, patch).T for part in (values, known.astype(np.float64)))
    return np.asarray(np.divide(mixed, weight, out=np.full(mixed.shape, np.nan), where=weight > 0), np.float32)


def _across(values: NDArray[np.float64], patch: int) -> NDArray[np.float64]:
    """Linear interpolation between patch centres along the last axis."""
    columns = values.shape[1]
    place = np.clip((np.arange(columns * patch) + 0.5) / patch - 0.5, 0, columns - 1)
    left = np.floor(place).astype(int)
    right = np.minimum(left + 1, columns - 1)
    return np.asarray(values[:, left] * (1 - (place - left)) + values[:, right] * (place - left))
