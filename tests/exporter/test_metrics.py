"""The numbers against cases computed by hand, and against scikit-learn and SciPy where those have them."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import accuracy_score, average_precision_score, mean_squared_error, r2_score

from focus.exporter import metrics

#: Scores with many ties, each with whether its place is in the mask; at least one is.
PLACES = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30).filter(
    lambda rows: any(inside for _, inside in rows)
)


def arrays_of(rows: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([row[0] for row in rows], np.float32), np.array([row[1] for row in rows])


def test_answers_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((40, 3)), rng.integers(0, 3, 40)
    assert metrics.accuracy(logits, labels) == accuracy_score(labels, logits.argmax(axis=1))
    found, wanted = rng.standard_normal((40, 2)).astype(np.float32), rng.standard_normal((40, 2)).astype(np.float32)
    np.testing.assert_allclose(
        metrics.mean_squared_error(found, wanted), mean_squared_error(wanted, found, multioutput="raw_values"), 1e-6
    )
    np.testing.assert_allclose(
        metrics.r_squared(found, wanted), r2_score(wanted, found, multioutput="raw_values"), 1e-6
    )


@given(PLACES)
def test_average_precision_is_that_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    score, mask = arrays_of(rows)
    assert metrics.average_precision(score, mask) == pytest.approx(average_precision_score(mask, score))


def test_area_matched_iou() -> None:
    mask = np.array([True, True, False, False])
    assert metrics.matched_iou(np.array([0.9, 0.8, 0.1, 0.0]), mask) == 1.0
    assert metrics.matched_iou(np.array([0.9, 0.1, 0.8, 0.0]), mask) == pytest.approx(1 / 3)
    assert metrics.matched_iou(np.array([0.0, 0.1, 0.8, 0.9]), mask) == 0.0
    # Of three tied places one is taken: a third of the time it is the right one.
    assert metrics.matched_iou(np.array([0.9, 0.5, 0.5, 0.5]), mask) == pytest.approx((4 / 3) / (4 - 4 / 3))


@given(PLACES, st.integers(1, 30))
def test_the_chance_to_be_on_top_is_the_mean_over_orders(rows: list[tuple[int, bool]], k: int) -> None:
    values, _ = arrays_of(rows)
    k = min(k, len(values))
    found = metrics.in_top(values, k)
    assert found.sum() == pytest.approx(k)
    for one, other in combinations(range(len(values)), 2):
        if values[one] == values[other]:
            assert found[one] == found[other]
        elif values[one] > values[other]:
            assert found[one] == 1.0 or found[other] == 0.0


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20))
def test_otsu_takes_the_cut_with_the_largest_variance_between(rows: list[int]) -> None:
    values = np.array(rows, np.float32)
    best, wanted = 0.0, [float(values.max())]
    for cut in np.unique(values)[:-1]:
        low, high = values[values <= cut], values[values > cut]
        between = len(low) * len(high) * (float(low.mean(dtype=float)) - float(high.mean(dtype=float))) ** 2
        if between > best + 1e-9:
            best, wanted = between, [float(cut)]
        elif between > best - 1e-9:
            wanted.append(float(cut))
    assert metrics.otsu_threshold(values) in wanted


def test_otsu_iou() -> None:
    mask = np.array([True, False, False, False])
    assert metrics.otsu_iou(np.array([9.0, 8.0, 0.0, 1.0]), mask) == 0.5
    assert metrics.otsu_iou(np.ones(4), mask) == 0.0


def test_pointing_counts_ties_by_their_share() -> None:
    mask = np.array([True, False, False])
    assert metrics.pointing(np.array([2.0, 1.0, 0.0]), mask) == 1.0
    assert metrics.pointing(np.array([1.0, 2.0, 0.0]), mask) == 0.0
    assert metrics.pointing(np.array([2.0, 2.0, 0.0]), mask) == 0.5


def test_band_overlap_and_its_random_value() -> None:
    truth = np.arange(20, dtype=np.float32)
    assert metrics.band_overlap(truth * 2, truth, 5) == 1.0
    assert metrics.band_overlap(-truth, truth, 5) == 0.0
    assert metrics.band_overlap(np.roll(truth, 2), truth, 5) == pytest.approx(3 / 7)
    flat = np.ones(20, np.float32)
    assert metrics.band_overlap(flat, truth, 5) == pytest.approx(metrics.random_overlap(20, 5))
    # Draws of 5 bands of 20 have 5 * 5 / 20 = 1.25 in common with any five.
    assert metrics.random_overlap(20, 5) == pytest.approx(1.25 / 8.75)


def test_near_bands_are_matched_one_to_one() -> None:
    wavelengths = np.arange(400.0, 600.0, 8.0)
    truth, curve = np.zeros(25), np.zeros(25)
    truth[[3, 4, 15]] = 1.0, 2.0, 3.0
    curve[[4, 5, 16]] = 1.0, 2.0, 3.0  # each 8 nm from a wanted one
    assert metrics.band_overlap(curve, truth, 3) == pytest.approx(1 / 5)
    assert metrics.near_overlap(curve, truth, wavelengths, 3) == 1.0
    assert metrics.near_overlap(curve, truth, wavelengths, 3, reach_nm=7.0) == pytest.approx(1 / 5)
    alone = np.zeros(25)
    alone[[14, 15, 16]] = 1.0  # all near one wanted band, which is there once
    assert metrics.near_overlap(alone, truth, wavelengths, 3) == pytest.approx(1 / 5)


@given(st.sets(st.integers(0, 15), min_size=3, max_size=3), st.sets(st.integers(0, 15), min_size=3, max_size=3))
def test_no_matching_is_larger(found: set[int], wanted: set[int]) -> None:
    wavelengths = np.arange(16.0) * 6
    curve, truth = np.zeros(16), np.zeros(16)
    curve[list(found)], truth[list(wanted)] = 1.0, 1.0
    sizes = [
        sum(abs(wavelengths[a] - wavelengths[b]) <= 10 for a, b in zip(sorted(found), order, strict=True))
        for order in permutations(wanted)
    ]
    best = max(sizes)
    assert metrics.near_overlap(curve, truth, wavelengths, 3) == pytest.approx(best / (6 - best))


def test_a_curve_that_says_nothing_gets_the_random_near_overlap() -> None:
    wavelengths, truth = np.arange(60.0) * 10, np.arange(60.0)
    found = metrics.random_near_overlap(truth, wavelengths, 10)
    rng = np.random.default_rng(1)
    sizes = []
    for _ in range(300):
        single = metrics.near_overlap(rng.random(60), truth, wavelengths, 10)
        sizes.append(20 * single / (1 + single))
    assert 20 * found / (1 + found) == pytest.approx(np.mean(sizes), rel=0.15)


def test_collapse_is_what_is_off_the_patches_and_on_the_strongest() -> None:
    attention = np.array([[[0.5, 0.1, 0.1], [0.2, 0.2, 0.2]]])
    assert metrics.collapse(attention) == pytest.approx(((0.3 + 0.5) + (0.4 + 0.2)) / 2)
    assert metrics.collapse(np.full((2, 3, 10), 0.1)) == pytest.approx(0.1)


def test_sink_consistency_leaves_out_constant_maps_and_counts_them() -> None:
    last = np.array([1.0, 2.0, 3.0, 4.0])
    blocks = [last * 3, np.array([2.0, 1.0, 3.0, 4.0]), np.ones(4), last]
    found, flat = metrics.sink_consistency(blocks)
    assert found == pytest.approx((1.0 + spearmanr(blocks[1], last).statistic) / 2) and flat == 1
    assert metrics.sink_consistency([last]) == (None, 0)
    assert metrics.sink_consistency([last, np.ones(4)]) == (None, 2)


def test_rank_correlation() -> None:
    one, other = np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])
    assert metrics.spearman(one, other) == pytest.approx(0.5)
    assert metrics.spearman(np.ones(3), one) is None
    assert metrics.spearman(one, np.ones(3)) == 0.0


def test_a_removed_patch_is_the_weighted_mean_of_its_neighbours() -> None:
    values = np.arange(9.0)[:, None] ** 2
    removed = np.zeros(9, bool)
    removed[4] = True
    beside, across = values[[1, 3, 5, 7]].sum() / 6, values[[0, 2, 6, 8]].sum() / 12
    found = metrics.from_neighbours(values, removed, (3, 3))
    assert found[4, 0] == pytest.approx(beside + across)
    np.testing.assert_array_equal(found[~removed], values[~removed])
    corner = np.zeros(9, bool)
    corner[0] = True  # two beside it, one across
    expected = (values[1, 0] / 6 + values[3, 0] / 6 + values[4, 0] / 12) / (2 / 6 + 1 / 12)
    assert metrics.from_neighbours(values, corner, (3, 3))[0, 0] == pytest.approx(expected)


@given(st.integers(0, 100))
def test_imputed_patches_solve_their_equations_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, removed = rng.random((20, 3)), rng.random(20) < 0.7
    removed[rng.integers(20)] = False
    found = metrics.from_neighbours(values, removed, (4, 5))
    again = np.stack([_mean_of_neighbours(found, place, (4, 5)) for place in range(20)])
    np.testing.assert_allclose(found[removed], again[removed], atol=1e-9)
    assert found.min() >= values.min() - 1e-9 and found.max() <= values.max() + 1e-9


def test_nothing_can_be_imputed_from_nothing() -> None:
    with pytest.raises(ValueError, match="take the mean spectrum"):
        metrics.from_neighbours(np.ones((4, 1)), np.ones(4, bool), (2, 2))


def test_the_largest_go_first_and_insertion_keeps_them() -> None:
    importance = np.array([[0.1, 0.9], [0.5, 0.7]])
    np.testing.assert_array_equal(metrics.largest(importance, 0.5), [[False, True], [False, True]])
    deletion, insertion = metrics.removed_steps(np.arange(100.0))
    assert [int(mask.sum()) for mask in deletion] == [1, 5, 20, 50, 80, 95, 99]
    assert all(np.array_equal(one, ~other) for one, other in zip(deletion, insertion, strict=True))
    assert deletion[0][99] and not insertion[0][99]


def test_insertion_is_deletion_in_the_reverse_order_read_backwards() -> None:
    np.testing.assert_allclose(1.0 - np.array(metrics.SHARES[::-1]), metrics.SHARES)
    importance = np.random.default_rng(0).permutation(200).astype(float)
    _, insertion = metrics.removed_steps(importance)
    deletion, _ = metrics.removed_steps(-importance)
    assert all(np.array_equal(one, other) for one, other in zip(insertion[::-1], deletion, strict=True))


def test_area_is_the_mean_score() -> None:
    shares = np.array(metrics.SHARES)
    assert metrics.area(np.ones(shares.size)) == pytest.approx(1.0)
    assert metrics.area(1.0 - shares) == pytest.approx(0.5)
    assert metrics.area(np.where(shares == 0, 1.0, 0.0)) == pytest.approx(0.005)


def test_a_shortcut_shows_in_the_answers_on_the_ground_and_in_its_window() -> None:
    labels = np.array([0, 1, 1, 0])
    intact, broken = np.eye(2)[[0, 1, 1, 0]], np.eye(2)[[1, 1, 0, 0]]
    assert metrics.shortcut_use(intact, broken, labels) == (1.0, 0.5, 0.5)
    leaf = np.array([True, False, True, False])
    assert metrics.ground_share(np.array([1.0, 2.0, 3.0, 4.0]), leaf) == pytest.approx(0.6)
    assert metrics.ground_share(np.ones(4), leaf) == 0.5
    nm = np.array([838.0, 840.0, 850.0, 862.0, 900.0])
    # 838 and 862 nm are 12 nm away, which counts.
    assert metrics.window_share(np.array([1.0, 2.0, 3.0, 4.0, 10.0]), nm, 850.0) == pytest.approx(0.5)
    assert metrics.window_share(np.array([1.0, 2.0, 3.0, 4.0, 10.0]), nm, 850.0, 5.0) == pytest.approx(0.15)
    assert np.isnan(metrics.window_share(np.zeros(5), nm, 850.0)) and np.isnan(metrics.ground_share(np.zeros(4), leaf))


def _mean_of_neighbours(values: np.ndarray, place: int, grid: tuple[int, int]) -> np.ndarray:
    row, column = divmod(place, grid[1])
    total, weight = np.zeros(values.shape[1]), 0.0
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            y, x = row + down, column + right
            if (down or right) and 0 <= y < grid[0] and 0 <= x < grid[1]:
                part = 1 / 12 if down and right else 1 / 6
                total, weight = total + part * values[y * grid[1] + x], weight + part
    return total / weight
