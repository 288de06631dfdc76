"""The reference kernels against plain loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from focus.kernels import _reference as reference
from focus.kernels import contrast, standardise
from support.raw_windows import RawWindow, attended, raw_windows


def looped(window: RawWindow):
    """docstrings of ``ingest`` and ``_reference.ingest`` read aloud, a sample at a time."""
    raw, patch = window.raw, window.patch
    bands, height, width = raw.shape
    weights = window.weights * window.used
    top = weights.max(axis=1, keepdims=True)
    kept = np.where(weights < 1e-4 * top, 0, weights)
    kept = kept * weights.sum(axis=1, keepdims=True) / kept.sum(axis=1, keepdims=True)
    values = np.full(raw.shape, np.nan)
    kinds = np.full(raw.shape, "", object)
    for band, y, x in np.ndindex(*raw.shape):
        count, dark, gain = float(raw[band, y, x]) / 2**window.shift, window.dark[band, x], window.gain[band, x]
        if not window.used[band]:
            continue
        if not np.isfinite(gain) or gain == 0:
            kinds[band, y, x] = "dead"
        elif not np.isfinite(count):
            kinds[band, y, x] = "not_finite"
        elif window.bits is not None and count >= 2**window.bits - 1:
            kinds[band, y, x] = "saturated"
        else:
            kinds[band, y, x] = "below_dark" if count < dark else "good"
            values[band, y, x] = (count - dark) * gain
    rows, columns = -(-height // patch), -(-width // patch)
    means, counts = np.full((rows, columns, bands), np.nan), np.zeros((5, rows, columns), int)
    for row, column in np.ndindex(rows, columns):
        here = np.s_[:, row * patch : (row + 1) * patch, column * patch : (column + 1) * patch]
        found = kinds[here].ravel().tolist()
        counts[0, row, column] = found.count("good") + found.count("below_dark")
        for index, kind in enumerate(["saturated", "below_dark", "dead", "not_finite"], start=1):
            counts[index, row, column] = found.count(kind)
        for band in range(bands):
            good = [value for value in values[here][band].ravel() if np.isfinite(value)]
            if good:
                means[row, column, band] = sum(good) / len(good)
    composite = np.zeros((3, height, width))
    for channel, y, x in np.ndindex(3, height, width):
        total = kept[channel].sum()
        spectrum = values[:, y, x]
        share = kept[channel][np.isfinite(spectrum)].sum() / total
        if share < 0.5:
            spectrum = means[y // patch, x // patch]
            share = kept[channel][np.isfinite(spectrum)].sum() / total
        if share > 0:
            composite[channel, y, x] = np.nansum(kept[channel] * spectrum) / share
    return means.reshape(-1, bands), composite, counts.reshape(5, -1)


@given(raw_windows())
@settings(deadline=None, max_examples=40)
def test_ingest_agrees_with_loops(window):
    found = reference.ingest(window.raw, window.patch, window.weights, **window.options)
    means, composite, counts = looped(window)
    np.testing.assert_allclose(found.band_means, means, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.composite, composite, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found.quality.counts.T, counts)
    assert found.quality.samples == window.used.sum() * window.patch**2


def test_missing_and_huge_band_means_become_the_training_mean():
    means = np.array([[0.5, np.nan, np.inf, 3e38]], np.float32)
    np.testing.assert_allclose(standardise(means, np.full(4, 0.4), np.full(4, 0.05)), [[2, 0, 0, 0]], rtol=1e-6)


def test_contrast_is_the_distance_from_the_reference_and_none_where_nothing_was_measured():
    spectra = np.array([[0.5, 0.0, -1.0], [0.0, 2.0, 0.25]], np.float32)
    found = contrast(spectra, np.array([0.25, 1.0, -2.0]))
    np.testing.assert_array_equal(found, [[0.25, 0.0, 1.0], [0.0, 1.0, 2.25]])
    np.testing.assert_array_equal(spectra, np.array([[0.5, 0.0, -1.0], [0.0, 2.0, 0.25]], np.float32))


def test_how_bright_a_patch_is_is_no_contrast():
    """Two directions of five bands; the last band was not measured in the second patch."""
    directions = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 2)))[0].T
    rest = np.array([0.3, -1.0, 0.2, 0.1, 0.4])
    rest -= directions.T @ (directions @ rest)
    reference_spectrum = np.linspace(-0.4, 0.3, 5)
    spectra = (reference_spectrum + rest + np.array([[3.0], [-7.0]]) * directions[0] + directions[1]).astype(np.float32)
    spectra[1, 4] = 0
    found = contrast(spectra, reference_spectrum, directions)
    np.testing.assert_allclose(found[0], np.abs(rest), atol=1e-5)
    known = (spectra[1] - reference_spectrum) * (spectra[1] != 0)
    np.testing.assert_allclose(found[1, :4], np.abs(known - directions.T @ (directions @ known))[:4], atol=1e-5)
    assert found[1, 4] == 0
    plain = contrast(spectra, reference_spectrum)
    np.testing.assert_array_equal(contrast(spectra, reference_spectrum, np.empty((0, 5))), plain)


@given(attended())
@settings(deadline=None, max_examples=60)
def test_saliency_agrees_with_loops(case):
    attention, given, weight, share = case
    heads, groups, patches = attention.shape
    bands = len(weight)
    cube = np.zeros((bands, patches))
    for patch in range(patches):
        place = 0.0
        for group in range(groups):
            place += share[group] * sum(float(attention[head, group, patch]) for head in range(heads)) / heads
        for band in range(bands):
            cube[band, patch] = place * weight[band] * float(given[patch, band])
    found = reference.saliency(attention, given, weight, share, with_cube=True)
    np.testing.assert_allclose(found.cube, cube, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.heatmap, [sum(cube[:, patch]) for patch in range(patches)], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.curve, [max(row) for row in cube], rtol=1e-5, atol=1e-7)
    without = reference.saliency(attention, given, weight, share)
    assert without.cube is None
    np.testing.assert_array_equal(without.heatmap, found.heatmap)
    np.testing.assert_array_equal(without.curve, found.curve)
