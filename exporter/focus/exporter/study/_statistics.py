"""Is one method better than another? Paired over splits, the seeds in them, and windows.

Seeds of a split share its simulation: its windows, and which bands tell what. So a split is what counts once, and more
seeds say less than more splits do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

#: What a test must be able to fall below, were every pair on one side, to be of use.
LEVEL = 0.05

#: Differences that are this close together, as a share of the largest, are the same: they have no deviation to test by.
SAME = 1e-9

#: Draws of the bootstrap.
DRAWS = 2000


class Paired(NamedTuple):
    """A comparison.

    Attributes:
        difference: mean of ours - theirs over the splits, of a split over its seeds.
        low, high: 95 % interval of the bootstrap, or nan where there are no windows.
        p: two-sided, of ``test`` over the splits; nan where it cannot be computed. After ``holm`` adjusted.
        test: ``signed-rank`` or ``t``.
        splits, runs: how many.
        ahead: on how many splits ours is ahead.
    """

    difference: float
    low: float
    high: float
    p: float
    test: str
    splits: int
    runs: int
    ahead: int


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation (n - 1) over runs; the deviation of a single run is nan."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def paired_test(ours: Sequence[float], theirs: Sequence[float], tests: int = 1) -> tuple[float, str]:
    """Two-sided p of no difference between pairs (the same split), and which test gave it.

    Wilcoxon's signed-rank test, which asks nothing of the distribution, where its least p, 2 / 2^n for n pairs, is
    still below 0.05 after ``holm`` over all tests. Elsewhere it could never tell, and the paired t test takes its
    place, which trusts the differences to be normal.

    Args:
        tests: how many p are adjusted together.
    """
    difference = np.subtract(ours, theirs)
    if 2 / 2 ** len(difference) * tests < LEVEL:
        if not difference.any():
            return 1.0, "signed-rank"
        return float(stats.wilcoxon(difference, method="auto").pvalue), "signed-rank"
    if len(difference) < 2 or np.ptp(difference) <= SAME * np.abs(difference).max():
        return (1.0 if len(difference) > 1 and not difference.any() else float("nan")), "t"
    return float(stats.ttest_1samp(difference, 0.0).pvalue), "t"


def holm(values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment of some p; nan stays nan and does not count.

    The i-th smallest of m becomes max over j <= i of (m - j + 1) p_j, at most 1 (Holm 1979).
    """
    wide = np.array(values, float)
    known = np.flatnonzero(np.isfinite(wide))
    order = known[np.argsort(wide[known], kind="stable")]
    adjusted = wide[order] * np.arange(len(order), 0, -1)
    wide[order] = np.minimum(np.maximum.accumulate(adjusted), 1.0)
    return [float(value) for value in wide]


def bootstrap_interval(
    splits: Sequence[NDArray[np.floating]], seed: int = 0, draws: int = DRAWS, level: float = 0.95
) -> tuple[float, float]:
    """Interval of the mean difference: splits are drawn with replacement, and within each drawn split its seeds and,
    the same ones for all of them, its windows (a clustered bootstrap).

    Of few splits the interval is too narrow, as they look more alike than more of them would.

    Args:
        splits: for each the differences, float [seeds, windows], nan where a window has none; one known at least.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(splits), size=(draws, len(splits)))
    means = np.empty(chosen.shape)
    for number, differences in enumerate(splits):
        places = chosen == number
        seeds, windows = (rng.multinomial(n, np.full(n, 1 / n), size=int(places.sum())) for n in differences.shape)
        known = np.isfinite(differences)
        total, count = (
            np.einsum("ds,sw,dw->d", seeds, values, windows) for values in (np.where(known, differences, 0.0), known)
        )
        # A draw of none that is known, of very few windows, says what they say on the mean.
        means[places] = np.divide(total, count, out=np.full(len(total), differences[known].mean()), where=count > 0)
    low, high = np.quantile(means.mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
