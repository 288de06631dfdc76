"""Deletion and insertion: what the answer does while the map's places are taken away, or given back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Shares removed or given; dense at the ends, as lesions fill some per cent of a window. The same read backwards, so
#: that deletion and insertion of one order see the same shares missing.
SHARES = (0.0, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 1.0)


def largest(importance: NDArray[np.floating], share: float) -> NDArray[np.bool_]:
    """The most important share of the places, of whatever shape; ties in order of place.

    Args:
        importance: float, any shape; share: 0..1.
    Returns: bool, the same shape.
    """
    count = round(share * importance.size)
    chosen = np.zeros(importance.size, bool)
    chosen[np.argsort(-importance.ravel(), kind="stable")[:count]] = True
    return chosen.reshape(importance.shape)


def removed_steps(importance: NDArray[np.floating]) -> tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]]:
    """What is missing at each of ``SHARES`` but the first and the last: for deletion the most important places, for
    insertion all but those. At the ends nothing or everything is missing, whatever the order.
    """
    chosen = [largest(importance, share) for share in SHARES[1:-1]]
    return chosen, [~mask for mask in chosen]


def area(scores: NDArray[np.floating]) -> float:
    """Area under the scores over ``SHARES``, by the trapezoid rule; the mean score, as the shares go from 0 to 1.

    Deletion: the lower, the better the map's order; insertion: the higher. Insertion in an order is deletion in the
    reverse order read backwards, so insertion - deletion is what ROAD calls least minus most relevant first: 0 is
    expected of a random order, whatever the holes themselves tell.
    """
    wide, shares = scores.astype(np.float64), np.array(SHARES)
    return float(np.sum((wide[1:] + wide[:-1]) / 2 * np.diff(shares)))
