"""Is one method better than another? Paired over seeds and splits, and over windows."""

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
        difference: mean of ours - theirs over the runs.
        low, high: 95 % interval of the bootstrap, or nan where there are no windows.
        p: two-sided, of ``test``; nan where it cannot be computed. After ``holm`` adjusted.
        test: ``signed-rank`` or ``t``.
        pairs: how many runs.
    """

    difference: float
    low: float
    high: float
    p: float
    test: str
    pairs: int


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation (n - 1) over runs; the deviation of a single run is nan."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def paired_test(ours: Sequence[float], theirs: Sequence[float], tests: int = 1) -> tuple[float, str]:
    """Two-sided p of no difference between pairs (the same seed and split), and which test gave it.

    Wilcoxon's signed-rank test, which asks nothing of the distribution, where its least p, 2 / 2^n for n pairs, is
    still below 0.05 after ``holm`` over all tests. Elsewhere it could never tell, and the paired t test takes its
    place, which trusts the differences to be normal. Runs that share a split or a seed are not independent: p is a
    guide, not a proof.

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
    runs: Sequence[NDArray[np.floating]], seed: int = 0, draws: int = DRAWS, level: float = 0.95
) -> tuple[float, float]:
    """Interval of the mean difference, by drawing runs with replacement and then windows within each drawn run.

    Windows of a run share a network, so that they are drawn within it and not across (a clustered bootstrap).

    Args:
        runs: for each run the differences of its windows, float [windows], at least one window each.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(runs), size=(draws, len(runs)))
    means = np.empty(chosen.shape)
    for number, differences in enumerate(runs):
        places = chosen == number
        windows = rng.integers(differences.size, size=(int(places.sum()), differences.size))
        means[places] = differences[windows].mean(axis=1)
    low, high = np.quantile(means.mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
