"""From attention to maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focus.kernels._cpu_saliency import maps
from focus.kernels._results import Array, Saliency


def standardise(band_means: Array, mean: NDArray[np.floating], deviation: NDArray[np.floating]) -> Array:
    """x^ = (x - mu) / sigma, docs/method.md "Inputs"; a patch's missing band means become 0, the training set's mean.

    Args:
        band_means: float32 [..., C].
        mean, deviation: float [C].
    Returns: float32 [..., C], finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        standardised: Array = band_means - mean.astype(np.float32)
        standardised /= deviation.astype(np.float32)
    standardised[~np.isfinite(standardised)] = 0
    return standardised


def contrast(
    standardised: Array, reference: NDArray[np.floating], brightness: NDArray[np.floating] | None = None
) -> Array:
    """D = |(I - U^T U) (x^ - r)|: how far each band of each patch is from what all prompts see in an ordinary window,
    but for how bright the patch is.

    A value that is exactly 0 stands for a missing one (see ``standardise``): it has no part in the patch's brightness
    and no contrast.

    Args:
        standardised: float32 [..., C], x^; reference: float [C], r.
        brightness: float [D, C], U, orthonormal rows; None or no row: |x^ - r|.
    Returns: float32 [..., C], >= 0.
    """
    missing = standardised == 0
    found: Array = standardised - reference.astype(np.float32)
    if brightness is not None and len(brightness):
        directions = brightness.astype(np.float32)
        found[missing] = 0
        found -= found @ directions.T @ directions
    np.abs(found, out=found)
    found[missing] = 0
    return found


def saliency(
    attention: Array,
    contrast: Array,
    band_weight: NDArray[np.floating],
    group_share: NDArray[np.floating],
    *,
    with_cube: bool = False,
) -> Saliency:
    """Saliency cube T, heatmap M and band curve B, Eqs. (5) and (6) of FOCUS (arXiv 2507.14787), by weighed groups and
    bands.

    P_i = sum_g pi_g Abar_{g,i},  T_{lambda,i} = P_i w_lambda D_{lambda,i},  M_i = sum_lambda T,  B_lambda = max_i T.

    Args:
        attention: float32 [H*, G, N], one class's prompt-to-patch attention of the shown heads, any strides;
            Abar is its mean over H*.
        contrast: float32 [N, C], D, see ``contrast``.
        band_weight: float [C], w_lambda >= 0, what the band tells of the class.
        group_share: float [G], pi_g >= 0, how much the group's attention counts.
        with_cube: whether T itself is wanted; M and B do not need it.
    Returns: see ``Saliency``.
    Raises:
        ValueError: sizes that disagree.
    """
    heads, groups, patches = attention.shape
    bands = band_weight.size
    if heads == 0:
        raise ValueError("attention has no head: H* is empty")
    if contrast.shape != (patches, bands) or group_share.shape != (groups,):
        raise ValueError(
            f"attention is of {groups} groups over {patches} patches and the weights are of {bands} bands, "
            f"got a contrast of {contrast.shape} and shares of {group_share.shape}"
        )
    heatmap, curve = np.empty(patches, np.float32), np.zeros(bands, np.float32)
    cube = np.empty((bands, patches) if with_cube else (0, 0), np.float32)
    maps(
        np.ascontiguousarray(attention, np.float32),
        np.ascontiguousarray(contrast, np.float32),
        np.asarray(group_share / heads, np.float32),
        np.ascontiguousarray(band_weight, np.float32),
        heatmap,
        curve,
        cube,
    )
    return Saliency(cube if with_cube else None, heatmap, curve)


def upsample(heatmap: Array, patch: int) -> Array:
    """M on the samples: bilinear between the patches' centres, flat beyond the outermost ones.

    Args:
        heatmap: float32 [rows, columns]; NaN patches have no weight, their neighbours reach into them.
        patch: edge of a patch in samples.
    Returns: float32 [rows * patch, columns * patch]; NaN where no known patch is near.
    """
    known = np.isfinite(heatmap)
    down, across = (_interpolation(length, patch) for length in heatmap.shape)
    mixed: Array = down @ np.where(known, heatmap, np.float32(0)) @ across.T
    if known.all():
        return mixed
    weight = down @ known.astype(np.float32) @ across.T
    return np.asarray(np.divide(mixed, weight, out=np.full_like(mixed, np.nan), where=weight > 1e-6))


def _interpolation(length: int, patch: int) -> Array:
    """Weights of ``length`` patch centres in each of their samples, [length * patch, length]."""
    place = np.clip((np.arange(length * patch) + 0.5) / patch - 0.5, 0, length - 1)
    return np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(length))).astype(np.float32)
