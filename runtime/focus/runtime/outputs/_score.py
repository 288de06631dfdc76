"""How well a heatmap found the lesions that a simulation knows of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focus.runtime._ranks import matched_iou
from focus.runtime.sources import Truth


def lesion_iou(heatmap: NDArray[np.float32], truth: Truth) -> dict[str, float]:
    """Overlap of heatmap and true lesions, for each class that has lesions: intersection over union, areas matched.

    Within the leaves of a class the highest values of the heatmap are taken, as many samples as its lesions have.

    Args:
        heatmap: float32 [lines, samples], nan where masked.
        truth: of the whole scene.
    Returns: class name -> IoU, in the order of the classes; and ``all`` for the leaves of all those classes together.
    """
    found: dict[str, float] = {}
    everywhere = np.zeros(heatmap.shape, bool)
    for index, name in enumerate(truth.class_names):
        lesions, leaves = truth.lesion_class == index, truth.leaf_class == index
        if lesions.any():
            found[name] = _leaf_iou(heatmap, lesions, leaves)
            everywhere |= leaves
    if found:
        found["all"] = _leaf_iou(heatmap, truth.lesion_class >= 0, everywhere)
    return found


def _leaf_iou(heatmap: NDArray[np.float32], lesions: NDArray[np.bool_], leaves: NDArray[np.bool_]) -> float:
    inside = (leaves | lesions) & np.isfinite(heatmap)
    seen = lesions[inside]
    return matched_iou(heatmap[inside], seen) if seen.any() else 0.0
