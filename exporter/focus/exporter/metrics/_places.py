"""Whether M points at the lesions: thresholds, ranks, and its highest place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def otsu_threshold(values: NDArray[np.floating]) -> float:
    """The cut t that maximises w_0 w_1 (m_0 - m_1)^2, the variance between values <= t and > t (Otsu 1979).

    All cuts between the values are tried, so that no histogram has to be chosen. Constant values: that value.

    Args:
        values: float [n], n >= 1.
    """
    ordered = np.sort(values.astype(np.float64))
    below = np.arange(1, ordered.size)
    sums = np.cumsum(ordered)
    apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / (ordered.size - below)
    between = np.where(np.diff(ordered) > 0, below * (ordered.size - below) * apart**2, 0.0)
    return float(ordered[np.argmax(between)] if between.any() else ordered[-1])


def otsu_iou(values: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """Intersection over union of the mask with the values above Otsu's threshold, which knows nothing of the mask.

    Args:
        values: float [n]; mask: bool [n], not empty.
    """
    chosen = values > otsu_threshold(values)
    return float((chosen & mask).sum() / (chosen | mask).sum())


def average_precision(score: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """AUPRC as average precision, sum_n (R_n - R_{n-1}) P_n over the thresholds; ties step together.

    A random score gets about the prevalence, the share of the mask.

    Args:
        score: float [n]; mask: bool [n], not empty.
    """
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(mask[order])
    last_of_tie = np.append(np.diff(score[order]) != 0, True)
    precision = (hits / np.arange(1, len(mask) + 1))[last_of_tie]
    recall = hits[last_of_tie] / hits[-1]
    return float(np.sum(precision * np.diff(recall, prepend=0.0)))


def pointing(score: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """The pointing game: 1 where the highest place lies in the mask; of several highest ones, the share that does."""
    return float(mask[score == score.max()].mean())
