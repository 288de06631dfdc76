"""What takes the place of removed patches: their surroundings, so that the hole itself says nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Weights of a patch's neighbours beside it and across its corners (ROAD: Rong et al., ICML 2022).
BESIDE, ACROSS = 1 / 6, 1 / 12


def from_neighbours(
    values: NDArray[np.floating], removed: NDArray[np.bool_], grid: tuple[int, int]
) -> NDArray[np.float64]:
    """Every removed patch becomes the weighted mean of its up to eight neighbours, removed ones included: one linear
    system, x_i = sum_j w_ij x_j / sum_j w_ij over the neighbours j, solved for all removed i at once.

    Args:
        values: float [N, C], row by row; removed: bool [N], not all of them; grid: rows and columns.
    Returns: float64 [N, C].
    Raises:
        ValueError: no patch is left to impute from.
    """
    if removed.all():
        raise ValueError("every patch is removed, there is none to impute from; take the mean spectrum")
    filled = values.astype(np.float64)
    if not removed.any():
        return filled
    weights = _neighbours(grid)[removed]
    weights = weights / weights.sum(axis=1, keepdims=True)
    system = np.eye(int(removed.sum())) - weights[:, removed]
    filled[removed] = np.linalg.solve(system, weights[:, ~removed] @ filled[~removed])
    return filled


def _neighbours(grid: tuple[int, int]) -> NDArray[np.float64]:
    """[N, N]: weight of patch j among the neighbours of patch i."""
    row, column = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    down, right = np.abs(row[:, None] - row), np.abs(column[:, None] - column)
    return np.where(down + right == 1, BESIDE, 0.0) + np.where((down == 1) & (right == 1), ACROSS, 0.0)
