"""The two fused kernels in NumPy, accumulating in float64: what every other version is tested against."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Ingested(NamedTuple):
    """What the network reads of a window of raw samples, and how good it was.

    Attributes:
        band_means: float32 [N, C], mean reflectance of each band over each patch; NaN where it has no valid sample.
        composite: float32 [3, H, W], reflectance; an invalid sample counts as its patch's band mean, or 0 without one.
        valid_share: float32 [N], share of a patch's samples (over all bands) that were valid.
    """

    band_means: Array
    composite: Array
    valid_share: Array


class Saliency(NamedTuple):
    """Eqs. (5) and (6).

    Attributes:
        cube: T, float32 [C, N], or None where it was not asked for.
        heatmap: M, float32 [N].
        curve: B, float32 [C].
    """

    cube: Array | None
    heatmap: Array
    curve: Array


def ingest(
    raw: NDArray[np.generic],
    patch: int,
    composite_weights: NDArray[np.float64],
    *,
    dark: NDArray[np.floating] | float = 0.0,
    gain: NDArray[np.floating] | float = 1.0,
    valid: NDArray[np.bool_] | None = None,
) -> Ingested:
    """Band means and composite of raw samples: reflectance = (raw - dark) * gain, then two linear summaries of it.

    Args:
        raw: [C, H, W], any numeric dtype and strides; H and W multiples of ``patch``. Patches are numbered row by row,
            N = H W / patch^2.
        patch: edge of a patch in samples.
        composite_weights: float64 [3, C], see ``focus.runtime.spectral.composite_weights``.
        dark: raw counts without light, broadcast to [C, H, W] (a push-broom reference is [C, 1, W]).
        gain: reflectance a count, broadcast to [C, H, W].
        valid: bool, broadcast to [C, H, W]; other samples are left out of the means. Samples whose reflectance is
            not finite in float32 always are.
    Returns: see ``Ingested``.
    Raises:
        ValueError: raw is not [C, H, W], or its size is not a multiple of ``patch``.
    """
    if raw.ndim != 3 or raw.shape[1] % patch or raw.shape[2] % patch:
        raise ValueError(f"raw must be [C, H, W] with H and W multiples of the patch {patch}, got {raw.shape}")
    bands, height, width = raw.shape
    rows, columns = height // patch, width // patch
    with np.errstate(invalid="ignore", over="ignore"):
        reflectance = (raw.astype(np.float64) - dark) * gain
        good = np.abs(reflectance) <= np.finfo(np.float32).max
    if valid is not None:
        good &= valid
    reflectance = np.where(good, reflectance, 0.0)
    blocks = (bands, rows, patch, columns, patch)
    counts = good.reshape(blocks).sum(axis=(2, 4))
    sums = reflectance.reshape(blocks).sum(axis=(2, 4))
    with np.errstate(invalid="ignore"):
        means = sums / np.where(counts > 0, counts, np.nan)
    if not good.all():
        fill = np.nan_to_num(means).repeat(patch, axis=1).repeat(patch, axis=2)
        reflectance = np.where(good, reflectance, fill)
    composite = np.tensordot(composite_weights, reflectance, axes=1)
    share = counts.sum(axis=0) / (bands * patch * patch)
    return Ingested(
        means.reshape(bands, -1).T.astype(np.float32),
        composite.astype(np.float32),
        share.reshape(-1).astype(np.float32),
    )


def standardise(band_means: Array, mean: NDArray[np.floating], deviation: NDArray[np.floating]) -> Array:
    """x^ = (x - mu) / sigma, docs/method.md "Inputs"; a patch's missing band means become 0, the training set's mean.

    Args:
        band_means: float32 [..., C].
        mean, deviation: float [C].
    Returns: float32 [..., C], finite.
    """
    with np.errstate(over="ignore"):
        standardised = ((band_means.astype(np.float64) - mean) / deviation).astype(np.float32)
    return np.where(np.isfinite(standardised), standardised, np.float32(0))


def saliency(
    attention: Array,
    standardised: Array,
    band_weight: NDArray[np.floating],
    group_of_band: NDArray[np.integer],
    *,
    with_cube: bool = False,
    attribution: Literal["norm", "attention"] = "norm",
) -> Saliency:
    """Saliency cube T, heatmap M and band curve B, Eqs. (5) and (6) of FOCUS (arXiv 2507.14787), norm-weighted.

    T_{lambda,i} = Abar_{g(lambda),i} * w_lambda * |x^_{lambda,i}|,  M_i = sum_lambda T,  B_lambda = max_i T.

    Args:
        attention: float32 [H*, G, N], one class's prompt-to-patch attention of the shown heads;
            Abar is its mean over H*.
        standardised: float32 [N, C], x^.
        band_weight: float [C], w_lambda: ||Phi_lambda|| times the share of the band's group in the class.
        group_of_band: int [C], group index of each band.
        with_cube: whether T itself is wanted; M and B do not need it.
        attribution: ``attention`` is the literal Eq. (5), T = Abar, constant within a group; for comparison.
    Returns: see ``Saliency``.
    Raises:
        ValueError: a group index outside 0..G-1, or sizes that disagree.
    """
    heads, groups, patches = attention.shape
    if heads == 0:
        raise ValueError("attention has no head: H* is empty")
    if group_of_band.min() < 0 or group_of_band.max() >= groups:
        raise ValueError(f"group_of_band must lie in 0..{groups - 1}, got {group_of_band.min()}..{group_of_band.max()}")
    if standardised.shape != (patches, group_of_band.size) or band_weight.shape != group_of_band.shape:
        raise ValueError(
            f"attention is over {patches} patches and the groups over {group_of_band.size} bands, "
            f"got band means {standardised.shape} and weights {band_weight.shape}"
        )
    mean_attention = attention.astype(np.float64).mean(axis=0)
    cube = mean_attention[group_of_band]
    if attribution == "norm":
        cube = cube * np.abs(standardised.T.astype(np.float64)) * band_weight[:, None]
    return Saliency(
        cube.astype(np.float32) if with_cube else None,
        cube.sum(axis=0).astype(np.float32),
        cube.max(axis=1).astype(np.float32),
    )
