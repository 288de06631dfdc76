"""The composite where samples are missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focus.kernels._cpu_ingest import Results
from focus.kernels._results import Array

#: With less than this share of a channel's weight, a pixel says less than its patch does.
LEAST_SHARE = 0.5


def finish_image(
    results: Results, dead_weight: Array, weights: NDArray[np.float64], totals: NDArray[np.float64], patch: int
) -> None:
    """Completes ``results.image`` in place: a pixel that lacks some bands of a channel is the average of the others.

    One that lacks more than half of a channel's weight takes the average of its patch's band means instead, or 0 where
    the patch has none.

    Args:
        results: closed; ``missing`` as the lines left it.
        dead_weight: float32 [3, S], weight of the dead samples.
        weights: float64 [3, C]. totals: float64 [3], their sums.
        patch: edge of a patch in samples.
    """
    columns = -(-results.image.shape[2] // patch)
    by_patch = patch_composite(results.means, weights, totals).reshape(3, -1, columns)
    for channel in range(3):
        missing = results.missing[channel] + dead_weight[channel]
        lines, places = np.nonzero(missing)
        if not lines.size or totals[channel] == 0:
            continue
        share = 1.0 - missing[lines, places] / totals[channel]
        enough = share >= LEAST_SHARE
        averaged = results.image[channel, lines, places] / np.where(enough, share, 1.0)
        filled = by_patch[channel, lines // patch, places // patch]
        results.image[channel, lines, places] = np.where(enough, averaged, filled)


def patch_composite(means: Array, weights: NDArray[np.float64], totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Composite of whole patches, float64 [3, N], of their band means [N, C]; bands without a mean do not count."""
    known = np.isfinite(means)
    weight = weights @ known.T
    value = weights @ np.where(known, means, 0.0).T
    return np.asarray(np.divide(value * totals[:, None], weight, out=np.zeros_like(value), where=weight != 0))
