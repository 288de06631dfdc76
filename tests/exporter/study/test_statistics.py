"""Tests between methods, against cases computed by hand and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from focus.exporter.study._statistics import bootstrap_interval, holm, mean_and_deviation, paired_test


def test_mean_and_deviation_are_those_of_a_sample() -> None:
    assert mean_and_deviation([1.0, 3.0]) == pytest.approx((2.0, np.sqrt(2.0)))
    mean, deviation = mean_and_deviation([4.0])
    assert mean == 4.0 and np.isnan(deviation)


def test_few_pairs_are_tested_by_t() -> None:
    # Differences 1, 2, 3: mean 2, deviation 1, t = 2 sqrt(3), two degrees of freedom: p = 1 - t / sqrt(2 + t^2).
    p, test = paired_test([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    assert test == "t" and p == pytest.approx(1 - np.sqrt(12) / np.sqrt(14))


def test_six_pairs_are_tested_by_their_ranks() -> None:
    # All six differences positive: one of 2^6 signs, times two sides.
    p, test = paired_test([2, 3, 4, 5, 6, 7.5], [1.0, 1.5, 2.0, 2.5, 3.0, 3.5])
    assert test == "signed-rank" and p == pytest.approx(2 / 2**6)
    rng = np.random.default_rng(0)
    ours, theirs = rng.random(9), rng.random(9)
    assert paired_test(ours, theirs)[0] == pytest.approx(stats.wilcoxon(ours, theirs).pvalue)


def test_ranks_are_asked_where_they_can_still_tell_after_holm() -> None:
    """Nine pairs and fourteen tests: 14 x 2 / 2^9 is above 0.05, however large the differences."""
    ours, theirs = np.arange(10) + 0.9 + np.linspace(0, 0.1, 10), np.arange(10.0)
    found = {
        (pairs, tests): paired_test(ours[:pairs], theirs[:pairs], tests)[1]
        for pairs, tests in ((9, 1), (9, 12), (9, 13), (10, 14), (5, 1), (6, 2))
    }
    assert found == {
        (9, 1): "signed-rank", (9, 12): "signed-rank", (9, 13): "t", (10, 14): "signed-rank", (5, 1): "t", (6, 2): "t",
    }  # fmt: skip
    whole = [paired_test(ours[:9], theirs[:9], 14)[0]] * 14
    assert max(holm(whole)) < 0.05


def test_no_difference_is_no_finding_and_one_pair_tells_nothing() -> None:
    assert paired_test([1.0] * 6, [1.0] * 6) == (1.0, "signed-rank")
    assert paired_test([1.0, 2.0], [1.0, 2.0]) == (1.0, "t")
    assert np.isnan(paired_test([1.0], [0.5])[0]) and np.isnan(paired_test([0.3, 0.5], [0.1, 0.3])[0])


def test_holm_steps_down() -> None:
    # 3 x 0.01, 2 x 0.03 = 0.06, then 0.04 raised to 0.06; in the order given.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    found = holm([float("nan"), 0.02])
    assert np.isnan(found[0]) and found[1] == 0.02


def test_the_interval_holds_the_mean_and_knows_that_splits_differ() -> None:
    rng = np.random.default_rng(1)
    alike = [0.2 + 0.1 * rng.standard_normal((1, 200)) for _ in range(5)]
    apart = [part + shift for part, shift in zip(alike, (-0.3, -0.1, 0.0, 0.1, 0.3), strict=True)]
    low, high = bootstrap_interval(alike)
    assert low < 0.2 < high and high - low == pytest.approx(2 * 1.96 * 0.1 * np.sqrt(1 / 1000), rel=0.5)
    wide = bootstrap_interval(apart)
    # The deviation between splits, 0.2 / sqrt(5), is now what counts.
    assert wide[1] - wide[0] == pytest.approx(2 * 1.96 * 0.2 / np.sqrt(5), rel=0.35)
    assert bootstrap_interval([np.full((1, 3), 0.5)]) == (0.5, 0.5)


def test_windows_that_seeds_share_are_not_new_ones() -> None:
    rng = np.random.default_rng(2)
    one = rng.standard_normal((1, 100))
    low, high = bootstrap_interval([one])
    again = bootstrap_interval([np.repeat(one, 25, axis=0)])
    assert again[1] - again[0] == pytest.approx(high - low, rel=0.1)
    apart = bootstrap_interval([one + np.linspace(-1, 1, 4)[:, None]])
    assert apart[1] - apart[0] > 1.5 * (high - low)


def test_windows_without_a_value_do_not_count() -> None:
    values = np.array([[0.1, np.nan, 0.3], [0.1, np.nan, 0.3]])
    low, high = bootstrap_interval([values])
    assert low == pytest.approx(0.1) and high == pytest.approx(0.3)
