"""Windows and their blending: constants stay constant, and streaming gives what the whole scene gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.runtime.pipeline import Blend, PatchRow, Reading, Times, WindowCutter, window_weight
from support.toy_model import Toy

BUNDLE = Toy().bundle()
ROWS, COLUMNS, PATCH, BANDS = 3, 4, 4, 12


def patch_row(row: int, columns: int, lines: int = PATCH, valid: bool = True) -> PatchRow:
    """Each patch's first band holds its place: 1000 row + column."""
    standardised = np.zeros((columns, BANDS), np.float32)
    standardised[:, 0] = 1000 * row + np.arange(columns)
    composite = np.full((3, PATCH, columns * PATCH), row, np.float32)
    mask = np.full((PATCH, columns * PATCH), valid)
    share, faults = np.full(columns, float(valid), np.float32), np.full((columns, 4), row, np.int32)
    return PatchRow(row, standardised, composite, share, faults, mask, lines, 4 * row, Times(row, row))


def reading(window, heatmap, scores=(0.2, 0.3, 0.5), cube=None) -> Reading:
    return Reading(
        window,
        np.array(scores, np.float32),
        2,
        2,
        heatmap.astype(np.float32),
        np.zeros(BANDS, np.float32),
        cube,
        0.1,
        0.2,
    )


@given(st.integers(ROWS, 17), st.integers(COLUMNS, 13), st.none() | st.integers(0, 2), st.none() | st.integers(1, ROWS))
@settings(deadline=None, max_examples=60)
def test_windows_cover_every_patch_and_show_it_in_its_place(rows, columns, overlap, stride):
    cutter = WindowCutter(BUNDLE, columns, overlap, stride)
    seen = np.zeros((rows, columns), int)
    windows = []
    for row in range(rows):
        windows += list(cutter.add(patch_row(row, columns)))
        assert cutter.held <= ROWS
    windows += list(cutter.finish())
    assert [cut.window.index for cut in windows] == list(range(len(windows)))
    for window, cut_rows in windows:
        across = slice(window.first_column, window.first_column + COLUMNS)
        place = np.stack([row.held[across, 0] for row in cut_rows])
        expected = 1000 * (window.first_row + np.arange(ROWS))[:, None] + window.first_column + np.arange(COLUMNS)
        np.testing.assert_array_equal(place, expected)
        assert [row.row for row in cut_rows] == list(range(window.first_row, window.first_row + ROWS))
        assert (window.first_line, window.first_sample) == (PATCH * window.first_row, PATCH * window.first_column)
        assert (window.lines, window.first_sequence) == (ROWS * PATCH, 4 * window.first_row)
        samples = BANDS * PATCH**2
        np.testing.assert_allclose(window.faults, (window.first_row + (ROWS - 1) / 2) / samples)
        assert window.times == (window.first_row, window.first_row + ROWS - 1)
        seen[window.first_row : window.first_row + ROWS, window.first_column : window.first_column + COLUMNS] += 1
    assert seen.min() >= 1
    if stride is not None:
        assert {cut.window.first_row % stride for cut in windows[:-1] if cut.window.first_row + ROWS < rows} <= {0}
        assert len({cut.window.first_row for cut in windows}) == -(-(rows - ROWS) // stride) + 1
    if overlap == 0 and stride is None:
        assert len(windows) == -(-rows // ROWS) * -(-columns // COLUMNS)


def test_half_a_window_overlaps_by_default():
    cutter = WindowCutter(BUNDLE, 8, None)
    windows = [window for row in range(7) for window in cutter.add(patch_row(row, 8))] + list(cutter.finish())
    assert sorted({cut.window.first_row for cut in windows}) == [0, 2, 4]
    assert sorted({cut.window.first_column for cut in windows}) == [0, 2, 4]


def test_refuses_an_overlap_that_does_not_advance():
    with pytest.raises(ValueError, match="--overlap must be 0 to 2 patches for this model's windows of 3, got 3"):
        WindowCutter(BUNDLE, 8, 3)


def test_weights_are_positive_and_highest_in_the_middle():
    for shape in [(1, 1), (3, 4), (14, 14)]:
        weight = window_weight(*shape)
        assert weight.shape == shape
        assert weight.min() > 0
        assert weight.max() == weight[shape[0] // 2, shape[1] // 2]


def streamed(rows, columns, overlap, samples, value, with_cube=False):
    """Blends windows whose maps are ``value(window)``; returns the rows as they came, and how many were held."""
    cutter, blend = WindowCutter(BUNDLE, columns, overlap), Blend(BUNDLE, columns, samples, with_cube)
    found, held = [], 0

    def take(cuts):
        for window, _ in cuts:
            found.extend(blend.release(window.first_row))
            blend.add_window(value(window))

    for index in range(rows):
        row = patch_row(index, columns, lines=PATCH if index < rows - 1 else 3)
        blend.add_row(row)
        take(cutter.add(row))
        held = max(held, blend.held)
    take(cutter.finish())
    found.extend(blend.release())
    return found, held


@given(st.integers(ROWS, 14), st.integers(COLUMNS, 11), st.none() | st.integers(0, 2))
@settings(deadline=None, max_examples=40)
def test_constant_maps_stay_constant(rows, columns, overlap):
    cube = np.full((BANDS, ROWS * COLUMNS), 7.0, np.float32)
    found, _ = streamed(
        rows, columns, overlap, columns * PATCH - 1,
        lambda window: reading(window, np.full(ROWS * COLUMNS, 3.0), cube=cube), with_cube=True,
    )  # fmt: skip
    assert [row.row for row in found] == list(range(rows))
    assert [row.lines for row in found] == [PATCH] * (rows - 1) + [3]
    for row in found:
        np.testing.assert_allclose(row.heatmap, 3.0, rtol=1e-6)
        np.testing.assert_allclose(row.scores, np.repeat([[0.2], [0.3], [0.5]], columns, 1), rtol=1e-6)
        np.testing.assert_allclose(row.cube, 7.0, rtol=1e-6)
        assert row.composite.shape == (3, row.lines, columns * PATCH - 1)


@given(st.integers(ROWS, 14), st.integers(COLUMNS, 11))
@settings(deadline=None, max_examples=40)
def test_a_map_of_the_scene_does_not_depend_on_the_overlap(rows, columns):
    scene = np.random.default_rng(rows * 100 + columns).uniform(0, 1, (rows, columns))

    def cut(window):
        here = scene[window.first_row : window.first_row + ROWS, window.first_column : window.first_column + COLUMNS]
        return reading(window, here.reshape(-1))

    for overlap in (None, 0, 1, 2):
        found, _ = streamed(rows, columns, overlap, columns * PATCH, cut)
        np.testing.assert_allclose([row.heatmap for row in found], scene, rtol=1e-5)


def test_overlapping_windows_are_averaged_with_the_weight():
    found, _ = streamed(5, 4, 1, 16, lambda window: reading(window, np.full(12, float(window.first_row))))
    down = window_weight(3, 4)[:, 0]
    shared = 2.0 * down[0] / (down[0] + down[2])
    np.testing.assert_allclose([row.heatmap[0] for row in found], [0, 0, shared, 2, 2], rtol=1e-6)


def test_rows_are_finished_while_the_scene_still_streams():
    _, held = streamed(200, 8, None, 32, lambda window: reading(window, np.zeros(12)))
    assert held <= 2 * ROWS


def test_what_no_window_covers_and_what_is_masked_is_nan():
    blend = Blend(BUNDLE, 4, 16, with_cube=True)
    for index in range(3):
        blend.add_row(patch_row(index, 4, valid=index != 1))
    cutter = WindowCutter(BUNDLE, 4, None)
    windows = [window for index in range(3) for window in cutter.add(patch_row(index, 4))]
    cube = np.ones((BANDS, 12), np.float32)
    blend.add_window(reading(windows[0].window, np.ones(12), cube=cube))
    blend.add_row(patch_row(3, 4))
    rows = list(blend.release())
    assert [bool(np.isnan(row.heatmap).all()) for row in rows] == [False, True, False, True]
    assert [bool(np.isnan(row.cube).all()) for row in rows] == [False, True, False, True]
    assert [bool(np.isnan(row.scores).all()) for row in rows] == [False, False, False, True]


@pytest.mark.parametrize("stride", [0, ROWS + 1])
def test_refuses_a_stride_that_does_not_advance_or_leaves_gaps(stride):
    with pytest.raises(
        ValueError, match=f"--stride must be 1 to 3 rows of patches for this model's windows, got {stride}"
    ):
        WindowCutter(BUNDLE, 6, None, stride)


def test_windows_begin_anew_at_each_cube():
    cutter = WindowCutter(BUNDLE, COLUMNS, None, 2)
    rows = [replace(patch_row(row, COLUMNS), ends=row % 5 == 4) for row in range(10)]
    assert [cut.window.first_row for row in rows for cut in cutter.add(row)] == [0, 2, 5, 7]
