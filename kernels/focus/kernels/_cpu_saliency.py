"""``saliency`` for the CPU, compiled by Numba. One thread: sharing so little work would take longer than doing it."""

from __future__ import annotations

from functools import partial

import numpy as np

from focus.kernels._compile import compiled

ZERO = np.float32(0)


# M sums over bands in any order, so that the sum is vectorised.
@partial(compiled, fastmath={"reassoc", "nsz"})
def maps(attention, contrast, share, weight, heatmap, curve, cube):  # type: ignore[no-untyped-def]
    """Fills M and B, and T where it has room.

    Args:
        attention: float32 [H*, G, N].
        contrast: float32 [N, C].
        share: float32 [G]; the mean over heads is in it.
        weight: float32 [C].
        heatmap: float32 [N]. curve: float32 [C], zeros. cube: float32 [C, N], or [0, 0] where T is not wanted.
    """
    heads, groups, patches = attention.shape
    bands = weight.size
    row = np.empty(bands, np.float32)
    for patch in range(patches):
        place = ZERO
        for head in range(heads):
            for group in range(groups):
                place += attention[head, group, patch] * share[group]
        total = ZERO
        spectrum = contrast[patch]
        for band in range(bands):
            value = place * weight[band] * spectrum[band]
            total += value
            curve[band] = value if value > curve[band] else curve[band]
            row[band] = value
        heatmap[patch] = total
        if cube.size:
            for band in range(bands):
                cube[band, patch] = row[band]
