"""Where the attention goes: [SINK], single patches, and whether the blocks agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from focus.runtime._ranks import spearman


def collapse(attention: NDArray[np.floating]) -> float:
    """mean_{h,g} (1 - sum_i A_{h,g,i} + max_i A_{h,g,i}): attention on what is no patch, plus the strongest patch's.

    Between 1 / N (even over the patches) and 1; defined with and without a sink.

    Args:
        attention: float [H, G, N], prompt to patch, one class.
    """
    wide = attention.astype(np.float64)
    return float((1.0 - wide.sum(axis=-1) + wide.max(axis=-1)).mean())


def sink_consistency(heatmaps: Sequence[NDArray[np.floating]]) -> tuple[float | None, int]:
    """Mean Spearman correlation of each read block's M with the last one's, and how many constant maps were left out.

    None where only one block is read, or where nothing is left.

    Args:
        heatmaps: float [N] each, first block first.
    """
    last = heatmaps[-1]
    if np.ptp(last) == 0:
        return None, len(heatmaps)
    ranks = [spearman(heatmap, last) for heatmap in heatmaps[:-1]]
    known = [rank for rank in ranks if rank is not None]
    return (float(np.mean(known)) if known else None), ranks.count(None)
