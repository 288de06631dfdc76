"""The reference kernels against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.kernels import ingest, saliency, standardise


def looped_ingest(raw, patch, weights, dark, gain, valid):
    bands, height, width = raw.shape
    rows, columns = height // patch, width // patch
    means = np.full((rows * columns, bands), np.nan)
    share = np.zeros(rows * columns)
    filled = np.zeros(raw.shape)
    for row in range(rows):
        for column in range(columns):
            for band in range(bands):
                good = []
                places = [
                    (y, x)
                    for y in range(row * patch, (row + 1) * patch)
                    for x in range(column * patch, (column + 1) * patch)
                ]
                for y, x in places:
                    value = (float(raw[band, y, x]) - dark[band, x]) * gain[band, x]
                    if np.isfinite(value) and valid[y, x]:
                        good.append(value)
                        filled[band, y, x] = value
                    else:
                        filled[band, y, x] = np.nan
                share[row * columns + column] += len(good)
                mean = sum(good) / len(good) if good else np.nan
                means[row * columns + column, band] = mean
                for y, x in places:
                    if np.isnan(filled[band, y, x]):
                        filled[band, y, x] = 0.0 if np.isnan(mean) else mean
    composite = np.zeros((3, height, width))
    for channel in range(3):
        for band in range(bands):
            composite[channel] += weights[channel, band] * filled[band]
    return means, composite, share / (bands * patch * patch)


@st.composite
def windows(draw):
    bands, patch = draw(st.integers(3, 5)), draw(st.integers(1, 4))
    height, width = patch * draw(st.integers(1, 3)), patch * draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64]))
    order = draw(st.permutations([0, 1, 2]))
    step = draw(st.sampled_from([1, 2, -1]))
    raw = rng.integers(0, 200, [(bands, height, width)[axis] * abs(step) for axis in order]).astype(dtype)
    raw = raw.transpose(np.argsort(order))[::step, ::step, ::step]
    if raw.dtype.kind == "f" and draw(st.booleans()):
        raw = raw.copy()
        raw[rng.random(raw.shape) < 0.2] = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    dark, gain = rng.uniform(0, 20, (bands, width)), rng.uniform(0.001, 0.01, (bands, width))
    gain[rng.random(gain.shape) < 0.05] = np.nan
    return raw, patch, rng.uniform(0, 1, (3, bands)), dark, gain, rng.random((height, width)) < 0.8


@given(windows())
@settings(deadline=None, max_examples=60)
def test_ingest_agrees_with_loops(window):
    raw, patch, weights, dark, gain, valid = window
    found = ingest(raw, patch, weights, dark=dark[:, None], gain=gain[:, None], valid=valid)
    means, composite, share = looped_ingest(raw, patch, weights, dark, gain, valid)
    np.testing.assert_allclose(found.band_means, means, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.composite, composite, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.valid_share, share, rtol=1e-6)


def test_ingest_leaves_out_what_float32_cannot_hold():
    raw = np.full((3, 2, 2), 0.5)
    raw[0, 0, 0], raw[1, 0, 0] = 1e300, -1e300
    found = ingest(raw, 2, np.full((3, 3), 1 / 3))
    np.testing.assert_allclose(found.band_means, [[0.5, 0.5, 0.5]])
    np.testing.assert_allclose(found.composite, 0.5)
    assert found.valid_share[0] == pytest.approx(10 / 12)


@pytest.mark.parametrize("shape", [(3, 8), (3, 7, 8), (3, 8, 7)])
def test_ingest_refuses_what_is_no_grid_of_patches(shape):
    with pytest.raises(ValueError, match=r"raw must be \[C, H, W\] with H and W multiples of the patch 4, got"):
        ingest(np.zeros(shape), 4, np.ones((3, 3)))


def test_missing_and_huge_band_means_become_the_training_mean():
    means = np.array([[0.5, np.nan, np.inf, 3e38]], np.float32)
    np.testing.assert_allclose(standardise(means, np.full(4, 0.4), np.full(4, 0.05)), [[2, 0, 0, 0]], rtol=1e-6)


@st.composite
def attended(draw):
    heads, groups, bands, patches = (draw(st.integers(1, high)) for high in (3, 4, 9, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    attention = rng.dirichlet(np.ones(patches + 1), (heads, groups))[..., :patches].astype(np.float32)
    group_of_band = np.sort(rng.integers(0, groups, bands)).astype(np.int32)
    standardised = rng.standard_normal((patches, bands)).astype(np.float32)
    return attention, standardised, rng.uniform(0, 2, bands), group_of_band


@given(attended())
@settings(deadline=None, max_examples=60)
def test_saliency_agrees_with_loops(case):
    attention, standardised, norm, group_of_band = case
    heads, _, patches = attention.shape
    bands = len(norm)
    cube = np.zeros((bands, patches))
    for band in range(bands):
        for patch in range(patches):
            mean = sum(float(attention[head, group_of_band[band], patch]) for head in range(heads)) / heads
            cube[band, patch] = mean * norm[band] * abs(float(standardised[patch, band]))
    found = saliency(attention, standardised, norm, group_of_band, with_cube=True)
    np.testing.assert_allclose(found.cube, cube, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.heatmap, [sum(cube[:, patch]) for patch in range(patches)], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.curve, [max(row) for row in cube], rtol=1e-5, atol=1e-7)
    without = saliency(attention, standardised, norm, group_of_band)
    assert without.cube is None
    np.testing.assert_array_equal(without.heatmap, found.heatmap)
    np.testing.assert_array_equal(without.curve, found.curve)


def test_saliency_refuses_sizes_that_disagree():
    attention, norm, groups = np.ones((1, 2, 3), np.float32), np.ones(4), np.array([0, 0, 1, 1])
    with pytest.raises(ValueError, match=r"group_of_band must lie in 0\.\.1, got 0\.\.2"):
        saliency(attention, np.ones((3, 4), np.float32), norm, np.array([0, 0, 1, 2]))
    with pytest.raises(ValueError, match="attention is over 3 patches and the groups over 4 bands, got band means"):
        saliency(attention, np.ones((4, 4), np.float32), norm, groups)
    with pytest.raises(ValueError, match="H\\* is empty"):
        saliency(attention[:0], np.ones((3, 4), np.float32), norm, groups)


def test_the_literal_form_of_equation_5_is_the_attention_alone() -> None:
    rng = np.random.default_rng(0)
    attention = rng.random((3, 2, 4), np.float32)
    spectra, norm = rng.standard_normal((4, 5)).astype(np.float32), rng.random(5)
    groups = np.array([0, 0, 1, 1, 1])
    found = saliency(attention, spectra, norm, groups, with_cube=True, attribution="attention")
    np.testing.assert_allclose(found.cube, attention.mean(axis=0)[groups], rtol=1e-6)
    np.testing.assert_allclose(found.curve, attention.mean(axis=0).max(axis=1)[groups], rtol=1e-6)
