"""Ranks: the largest values, and whether two maps have the same order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def in_top(values: NDArray[np.floating], k: int) -> NDArray[np.float64]:
    """Probability of each value to be among the k largest, ties at the border broken at random; sums to k.

    Args:
        values: float [n], no nan; k: 1..n.
    Returns: float64 [n].
    """
    edge = np.partition(values, -k)[-k]
    above, tied = values > edge, values == edge
    return np.asarray(above + tied * ((k - above.sum()) / tied.sum()), np.float64)


def matched_iou(values: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """Intersection over union of a mask of n places with the n largest values, I / (2 n - I).

    A tie at the border counts by its expectation: I is the expected intersection.

    Args:
        values: float [places], no nan; mask: bool [places], not empty.
    """
    area = int(mask.sum())
    common = float(in_top(values, area)[mask].sum())
    return common / (2 * area - common)


def spearman(one: NDArray[np.floating], other: NDArray[np.floating]) -> float | None:
    """Rank correlation of two maps, [n] both; None where the first is constant, 0 where only the second is."""
    from scipy.stats import spearmanr  # takes a while to load

    if one.size < 2 or np.ptp(one) == 0:
        return None
    if np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one, other).statistic)
