"""Whether a map gives a cheater away: a model that leans on the ground in one window of wavelengths (``spurious=``)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.exporter.metrics._answers import accuracy

#: Half the width of the shortcut's window of wavelengths, see ``simulate_leaf_scene``.
SHORTCUT_REACH_NM = 12.0


def shortcut_use(
    intact: NDArray[np.floating], broken: NDArray[np.floating], labels: NDArray[Any]
) -> tuple[float, float, float]:
    """Accuracy with the shortcut intact, with it broken, and the difference: what the model owes to the shortcut.

    Args:
        intact, broken: float [M, K], logits of the same leaves with and without a shortcut that tells the truth.
        labels: int [M].
    """
    with_it, without = accuracy(intact, labels), accuracy(broken, labels)
    return with_it, without, with_it - without


def ground_share(heatmap: NDArray[np.floating], leaf: NDArray[np.bool_]) -> float:
    """sum_{i not in leaf} M_i / sum_i M_i; a flat map gets the share of patches that are ground. nan for an empty map.

    Args:
        heatmap: float [N], M, not negative; leaf: bool [N].
    """
    return _share(heatmap, ~leaf)


def window_share(
    curve: NDArray[np.floating],
    wavelengths_nm: NDArray[np.floating],
    centre_nm: float,
    reach_nm: float = SHORTCUT_REACH_NM,
) -> float:
    """sum_{|lambda - centre| <= reach} B_lambda / sum_lambda B_lambda; a flat curve gets the share of bands in the
    window. nan for an empty curve.

    Args:
        curve: float [C], B, not negative; wavelengths_nm: float [C].
    """
    return _share(curve, np.abs(wavelengths_nm - centre_nm) <= reach_nm)


def _share(values: NDArray[np.floating], chosen: NDArray[np.bool_]) -> float:
    wide = values.astype(np.float64)
    total = float(wide.sum())
    return float(wide[chosen].sum() / total) if total > 0 else float("nan")
