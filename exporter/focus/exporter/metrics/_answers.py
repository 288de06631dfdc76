"""How well the answers fit: classes and regression targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def accuracy(logits: NDArray[np.floating], labels: NDArray[Any]) -> float:
    """Share of windows whose largest logit is their class.

    Args:
        logits: float [M, K]; labels: int [M].
    """
    return float(np.mean(logits.argmax(axis=1) == labels))


def mean_squared_error(found: NDArray[np.floating], wanted: NDArray[np.floating]) -> NDArray[np.float64]:
    """MSE_k = mean_m (y'_{m,k} - y_{m,k})^2 of each target.

    Args:
        found, wanted: float [M, K], in the targets' units.
    Returns: float64 [K].
    """
    return np.asarray(((found.astype(np.float64) - wanted) ** 2).mean(axis=0))


def r_squared(found: NDArray[np.floating], wanted: NDArray[np.floating]) -> NDArray[np.float64]:
    """R2_k = 1 - MSE_k / var_m(y_{m,k}); 1 is perfect, 0 is what the mean of the truth gets, and there is no floor.

    Args:
        found, wanted: float [M, K].
    Returns: float64 [K]; hugely negative where the truth is constant and not met.
    """
    spread = np.asarray(wanted, np.float64).var(axis=0)
    return np.asarray(1.0 - mean_squared_error(found, wanted) / np.maximum(spread, 1e-300))
