"""Full-resolution heatmaps, previews and scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.runtime.outputs import lesion_iou
from focus.runtime.outputs._thinned import Thinned
from focus.runtime.outputs._upsample import LineInterpolator
from focus.runtime.pipeline import MapRow
from focus.runtime.sources import Truth


def map_rows(heatmap, patch, lines, samples, mask=None):
    mask = np.ones((lines, samples), bool) if mask is None else mask
    for row, values in enumerate(heatmap):
        here = slice(row * patch, min((row + 1) * patch, lines))
        count = here.stop - here.start
        composite = np.zeros((3, count, samples), np.float32)
        yield MapRow(row, count, values.astype(np.float32), np.zeros((2, len(values))), None, composite, mask[here])


def interpolated(heatmap, patch, lines, samples, mask=None):
    upsampler = LineInterpolator(patch, samples)
    blocks = []
    for row in map_rows(heatmap, patch, lines, samples, mask):
        blocks += list(upsampler.add(row))
    return np.concatenate([*blocks, *upsampler.finish()])


@given(st.integers(1, 6), st.integers(1, 7), st.integers(1, 5), st.data())
@settings(deadline=None, max_examples=60)
def test_streamed_interpolation_is_bilinear_between_patch_centres(rows, columns, patch, data):
    lines = rows * patch - data.draw(st.integers(0, patch - 1))
    samples = columns * patch - data.draw(st.integers(0, patch - 1))
    heatmap = np.random.default_rng(rows * 10 + columns).uniform(0, 1, (rows, columns))
    found = interpolated(heatmap, patch, lines, samples)
    assert found.shape == (lines, samples) and found.dtype == np.float32
    for line in range(lines):
        for sample in range(samples):
            y = min(max((line + 0.5) / patch - 0.5, 0), rows - 1)
            x = min(max((sample + 0.5) / patch - 0.5, 0), columns - 1)
            top, left = min(int(y), max(rows - 2, 0)), min(int(x), max(columns - 2, 0))
            bottom, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
            upper = heatmap[top, left] * (1 - (x - left)) + heatmap[top, right] * (x - left)
            lower = heatmap[bottom, left] * (1 - (x - left)) + heatmap[bottom, right] * (x - left)
            assert found[line, sample] == pytest.approx(upper * (1 - (y - top)) + lower * (y - top), rel=1e-5)


def test_masked_patches_take_nothing_from_their_neighbours():
    heatmap = np.ones((4, 5))
    heatmap[1, 2] = np.nan
    mask = np.ones((16, 20), bool)
    mask[4:8, 8:12] = False
    found = interpolated(heatmap, 4, 16, 20, mask)
    np.testing.assert_array_equal(np.isnan(found), ~mask)
    np.testing.assert_allclose(found[mask], 1.0, rtol=1e-6)


@pytest.mark.parametrize("samples", [3, 10, 33])
@pytest.mark.parametrize("lines", [7, 25, 1000])
def test_a_picture_of_an_endless_strip_stays_small(samples, lines):
    thinned = Thinned(samples, 10)
    whole = np.arange(lines * samples).reshape(lines, samples)
    for first in range(0, lines, 7):
        thinned.add(whole[first : first + 7])
    kept = thinned.array()
    assert kept.size <= 100 and kept.shape[1] <= 10
    np.testing.assert_array_equal(kept, whole[:: thinned.line_step, :: thinned.sample_step])
    square = thinned.square()
    step = next(2**power for power in range(20) if max(samples, lines) <= 10 * 2**power)
    np.testing.assert_array_equal(square, whole[::step, ::step])


def test_iou_matches_areas_within_the_leaves_of_a_class():
    leaf, lesion = np.full((10, 20), -1, np.int8), np.full((10, 20), -1, np.int8)
    leaf[2:8, 2:8], leaf[2:8, 12:18] = 1, 2
    lesion[3:5, 3:7], lesion[4:6, 13:15] = 1, 2
    truth = Truth(("healthy", "spots", "water"), leaf, lesion)
    heatmap = np.zeros((10, 20), np.float32)
    heatmap[3:5, 3:5] = 2.0  # half of the spots
    heatmap[7, 2:6] = 1.0  # as many elsewhere on the leaf
    heatmap[4:6, 13:15] = 0.01  # faint, yet the best of its leaf
    heatmap[0, 0] = 9.0  # outside of every leaf
    found = lesion_iou(heatmap, truth)
    assert list(found) == ["spots", "water", "all"]
    assert found["spots"] == pytest.approx(4 / 12)
    assert found["water"] == 1.0
    assert found["all"] == pytest.approx(8 / 16)
    assert lesion_iou(np.full((10, 20), np.nan, np.float32), truth)["all"] == 0.0
