"""BIO@k: whether the curve B names the informative bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focus.runtime._ranks import in_top

#: Draws of a random order, where ties or chance have no closed form.
DRAWS = 64


def band_overlap(curve: NDArray[np.floating], informative: NDArray[np.floating], k: int) -> float:
    """BIO@k = I / (2 k - I), I the number of bands in both top-k sets; a tie at the border counts by its expectation.

    Args:
        curve: float [C], B; informative: float [C], the truth; k: 1..C.
    """
    return _iou(float((in_top(curve, k) * in_top(informative, k)).sum()), k)


def random_overlap(bands: int, k: int) -> float:
    """BIO@k of k bands drawn at random: I = k^2 / C, what a constant curve gets, too."""
    return _iou(k * k / bands, k)


def near_overlap(
    curve: NDArray[np.floating],
    informative: NDArray[np.floating],
    wavelengths_nm: NDArray[np.floating],
    k: int,
    reach_nm: float = 10.0,
) -> float:
    """BIO@k with bands matched one to one at up to ``reach_nm``: I is the size of the largest such matching.

    Ties at the border: the mean of I over ``DRAWS`` ways to break them, always the same ones.

    Args:
        curve, informative, wavelengths_nm: float [C], wavelengths increasing.
    """
    rng = np.random.default_rng(k)
    tied = _has_tie(curve, k) or _has_tie(informative, k)
    draws = DRAWS if tied else 1
    sizes = [
        _matching(wavelengths_nm[_one_top(curve, k, rng)], wavelengths_nm[_one_top(informative, k, rng)], reach_nm)
        for _ in range(draws)
    ]
    return _iou(float(np.mean(sizes)), k)


def random_near_overlap(
    informative: NDArray[np.floating], wavelengths_nm: NDArray[np.floating], k: int, reach_nm: float = 10.0
) -> float:
    """``near_overlap`` of a curve that says nothing."""
    return near_overlap(np.zeros_like(informative), informative, wavelengths_nm, k, reach_nm)


def _iou(common: float, k: int) -> float:
    return common / (2 * k - common)


def _has_tie(values: NDArray[np.floating], k: int) -> bool:
    chances = in_top(values, k)
    return bool(np.any((chances > 0) & (chances < 1)))


def _one_top(values: NDArray[np.floating], k: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Sorted indices of the k largest, ties broken at random."""
    return np.sort(np.lexsort((rng.random(values.size), -values))[:k])


def _matching(found: NDArray[np.floating], wanted: NDArray[np.floating], reach: float) -> int:
    """Size of the largest one-to-one matching; on a line, pairing from the left is the best there is."""
    i = j = size = 0
    while i < len(found) and j < len(wanted):
        if abs(found[i] - wanted[j]) <= reach:
            size, i, j = size + 1, i + 1, j + 1
        elif found[i] < wanted[j]:
            i += 1
        else:
            j += 1
    return size
