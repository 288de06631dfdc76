"""The CPU kernels against the reference, and streams against whole cubes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.kernels import LineIngest, ingest, saliency, upsample
from focus.kernels import _reference as reference
from focus.kernels._results import joined
from support.raw_windows import attended, raw_windows


def require_as_exact(found, expected, plain):
    """Our error is at most twice that of plain float32 NumPy, both against float64, give or take a few roundings."""
    scale = np.nanmax(np.abs(expected), initial=1e-6)
    ours, theirs = (np.nanmax(np.abs(values - expected), initial=0) for values in (found, plain))
    assert ours <= 2 * theirs + 8 * np.finfo(np.float32).eps * scale
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))


def plain_float32(window):
    """Band means of a window of whole, valid patches as NumPy computes them in float32."""
    raw, patch = window.raw.astype(np.float32), window.patch
    bands, height, _ = raw.shape
    dark, gain = window.dark.astype(np.float32), window.gain.astype(np.float32)
    reflectance = (raw / np.float32(2**window.shift) - dark[:, None]) * gain[:, None]
    return reflectance.reshape(bands, height // patch, patch, -1, patch).mean(axis=(2, 4)).reshape(bands, -1).T


@given(raw_windows(), st.sampled_from([1, 2, 3]))
@settings(deadline=None, max_examples=150)
def test_ingest_agrees_with_the_reference(window, threads):
    found = ingest(window.raw, window.patch, window.weights, threads=threads, **window.options)
    expected = reference.ingest(window.raw, window.patch, window.weights, **window.options)
    assert [part.dtype for part in found[:2]] == [np.float32, np.float32]
    complete = (expected.quality.valid == expected.quality.samples).all() and window.used.all()
    plain = plain_float32(window) if complete else expected.band_means
    require_as_exact(found.band_means, expected.band_means, plain)
    require_as_exact(found.composite, expected.composite, expected.composite)
    np.testing.assert_array_equal(found.quality.counts, expected.quality.counts)
    assert found.quality.samples == expected.quality.samples


@given(raw_windows(), st.lists(st.integers(1, 9), max_size=8), st.sampled_from([1, 2]))
@settings(deadline=None, max_examples=100)
def test_a_stream_gives_the_same_bits_as_the_whole(window, blocks, threads):
    whole = ingest(window.raw, window.patch, window.weights, **window.options)
    lines = LineIngest(window.raw.shape[2], window.patch, window.weights, threads=threads, **window.options)
    pieces, done = [], 0
    for count in [*blocks, window.raw.shape[1]]:
        pieces.append(lines.add(window.raw[:, done : done + count]))
        done += count
    pieces.append(lines.finish())
    for index in (0, 1):
        np.testing.assert_array_equal(np.concatenate([piece[index] for piece in pieces], axis=index), whole[index])
    np.testing.assert_array_equal(np.concatenate([piece.quality.counts for piece in pieces]), whole.quality.counts)


@pytest.mark.parametrize("shape", [(40, 64, 96), (7, 30, 1100)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_threads_and_layouts_give_the_same_bits(shape, dtype):
    """Large enough that threads are used: across rows, across columns, and gathered."""
    rng = np.random.default_rng(0)
    raw = rng.integers(10, 127, shape).astype(dtype)
    raw[:, 3, 5] = 127
    weights, gain = rng.random((3, shape[0])), rng.uniform(0.01, 0.02, (shape[0], shape[2]))
    gain[2, 7] = np.nan
    options = {"dark": 11.5, "gain": gain, "bits": 7}
    single = ingest(raw, 16, weights, **options)
    assert single.quality.saturated.sum() > 0 and single.quality.dead.sum() > 0 and single.quality.below_dark.sum() > 0
    for order in ([0, 1, 2], [1, 0, 2], [1, 2, 0]):  # BSQ, BIL, BIP
        stored = np.ascontiguousarray(raw.transpose(order)).transpose(np.argsort(order))
        for threads in (1, 2, 5):
            found = ingest(stored, 16, weights, threads=threads, **options)
            np.testing.assert_array_equal(found.band_means, single.band_means)
            np.testing.assert_array_equal(found.composite, single.composite)
            np.testing.assert_array_equal(found.quality.counts, single.quality.counts)


def test_integer_band_means_are_exact():
    """Sums of 255 lines of full 16-bit words lose nothing; plain float32 sums of calibrated samples would."""
    raw = np.full((3, 255, 255), 65535, np.uint16)
    raw[:, ::2] = 1
    expected = raw.astype(np.float64).mean(axis=(1, 2))
    np.testing.assert_allclose(ingest(raw, 255, np.eye(3)).band_means[0], expected, rtol=2e-7)


def test_what_float32_cannot_hold_is_left_out():
    raw = np.full((3, 2, 2), 0.5)
    raw[0, 0, 0], raw[1, 0, 0] = 1e300, -1e300
    found = ingest(raw, 2, np.full((3, 3), 1 / 3))
    np.testing.assert_allclose(found.band_means, [[0.5, 0.5, 0.5]])
    np.testing.assert_allclose(found.composite, 0.5)
    assert found.valid_share[0] == pytest.approx(10 / 12)
    assert found.quality.not_finite[0] == 2


def test_patches_with_too_few_valid_samples_are_flagged():
    raw = np.full((3, 4, 8), 100, np.uint16)
    raw[:, :3, :4] = 4095
    found = ingest(raw, 4, np.eye(3), bits=12)
    assert found.quality.flagged.tolist() == [True, False]
    np.testing.assert_allclose(found.band_means, 100)


def test_lines_that_never_came_keep_their_place():
    raw = np.arange(3 * 8 * 4, dtype=np.uint16).reshape(3, 8, 4)
    lines = LineIngest(4, 4, np.eye(3))
    first = lines.add(raw[:, :2])
    assert first.composite.shape == (3, 0, 4) and first.band_means.shape == (0, 3)
    gap = lines.skip(3)  # the last two lines of the first row, and the first one of the second
    np.testing.assert_allclose(gap.band_means[0], raw[:, :2].mean(axis=(1, 2)))
    np.testing.assert_array_equal(gap.composite[:, 2:], np.repeat(raw[:, 1:2], 2, axis=1))
    rest = lines.add(raw[:, 5:])
    np.testing.assert_allclose(rest.band_means[0], raw[:, 5:].mean(axis=(1, 2)))
    np.testing.assert_array_equal(rest.composite[:, 0], raw[:, 1])
    np.testing.assert_array_equal(rest.quality.valid, 3 * 3 * 4)
    assert np.isnan(lines.skip(4).band_means).all()


def test_lines_of_several_types_may_share_a_patch_row():
    raw = np.random.default_rng(3).integers(0, 255, (5, 8, 12))
    expected = ingest(raw.astype(np.float32), 4, np.eye(3, 5), dark=3.0)
    lines = LineIngest(12, 4, np.eye(3, 5), dark=3.0)
    parts = [raw[:, :1].astype(np.uint8), raw[:, 1:3].astype(">u2"), raw[:, 3:6].astype(np.uint16), raw[:, 6:] + 0.0]
    found = joined([lines.add(part) for part in parts])
    np.testing.assert_array_equal(found.band_means, expected.band_means)
    np.testing.assert_array_equal(found.composite, expected.composite)


def test_lines_that_wait_keep_their_fractions_when_integers_follow():
    raw = np.random.default_rng(4).integers(0, 255, (3, 4, 4)).astype(np.float32)
    raw[:, :2] += 0.5
    lines = LineIngest(4, 4, np.eye(3))
    found = joined([lines.add(raw[:, :2]), lines.add(raw[:, 2:].astype(np.uint16))])
    np.testing.assert_array_equal(found.composite, raw)


def test_rows_that_never_came_after_whole_ones_repeat_their_last_line():
    raw = np.random.default_rng(5).integers(0, 255, (3, 8, 4)).astype(np.uint16)
    lines = LineIngest(4, 4, np.eye(3))
    lines.add(raw)
    np.testing.assert_array_equal(lines.skip(4).composite, np.repeat(raw[:, -1:], 4, axis=1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"raw": np.zeros((3, 8))}, r"raw must be \[C, H, W\] with C the 3 bands of the weights"),
        ({"raw": np.zeros((4, 8, 8))}, r"raw must be \[C, H, W\] with C the 3 bands of the weights"),
        ({"patch": 0}, "patch must be 1 to 255 samples, got 0"),
        ({"patch": 256}, "patch must be 1 to 255 samples, got 256"),
        ({"dark": np.zeros((3, 5))}, r"dark must be a number, \[3\], \[3, 1\] or \[3, 8\], got \[3, 5\]"),
        ({"gain": np.zeros(4)}, r"gain must be a number, \[3\], \[3, 1\] or \[3, 8\], got \[4\]"),
        ({"bits": 0}, "bits, the depth of the camera's words, must be 1 to 32, got 0"),
        ({"shift": -1}, "shift, the unused low bits of a stored word, must be 0 to 16, got -1"),
        ({"used": np.ones(2, bool)}, "used must say for each of the 3 bands"),
    ],
)
def test_ingest_refuses(change, message):
    arguments = {"raw": np.zeros((3, 8, 8)), "patch": 4, "composite_weights": np.ones((3, 3)), **change}
    with pytest.raises(ValueError, match=message):
        ingest(**arguments)


def test_a_stream_refuses_other_lines():
    with pytest.raises(ValueError, match=r"lines must be \[3, L, 8\], got \[3, 1, 9\]"):
        LineIngest(8, 4, np.eye(3)).add(np.zeros((3, 1, 9)))


@given(attended())
@settings(deadline=None, max_examples=60)
def test_saliency_agrees_with_the_reference(case):
    for with_cube in (False, True):
        found, expected = saliency(*case, with_cube=with_cube), reference.saliency(*case, with_cube=with_cube)
        np.testing.assert_allclose(found.heatmap, expected.heatmap, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(found.curve, expected.curve, rtol=1e-5, atol=1e-7)
        if with_cube:
            np.testing.assert_allclose(found.cube, expected.cube, rtol=1e-5, atol=1e-7)
        else:
            assert found.cube is None


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 6), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3]))
@settings(deadline=None, max_examples=60)
def test_upsample_agrees_with_the_reference(rows, columns, patch, seed, holes):
    rng = np.random.default_rng(seed)
    heatmap = rng.random((rows, columns)).astype(np.float32)
    heatmap[rng.random(heatmap.shape) < holes] = np.nan
    found = upsample(heatmap, patch)
    assert found.shape == (rows * patch, columns * patch)
    np.testing.assert_allclose(found, reference.upsample(heatmap, patch), rtol=1e-4, atol=1e-6)


def test_memory_of_any_kind_is_read_right():
    """A field of packed records (steps that are no whole samples), and a flipped cube that ends in a single line."""
    records = np.zeros((3, 4, 4), [("flag", "u1"), ("count", "<u2")])
    records["count"] = 7 + np.arange(48).reshape(3, 4, 4)
    expected = reference.ingest(records["count"].copy(), 4, np.eye(3))
    np.testing.assert_allclose(ingest(records["count"], 4, np.eye(3)).band_means, expected.band_means)
    flipped = np.arange(9 * 3 * 4, dtype=np.uint16).reshape(9, 3, 4)[::-1].transpose(1, 0, 2)
    expected = reference.ingest(flipped.copy(), 4, np.eye(3))
    np.testing.assert_allclose(ingest(flipped, 4, np.eye(3)).band_means, expected.band_means)
    with pytest.raises(ValueError, match="lines to skip must be 0 or more, got -1"):
        LineIngest(4, 4, np.eye(3)).skip(-1)


def test_saliency_refuses_sizes_that_disagree():
    attention, norm, shares = np.ones((1, 2, 3), np.float32), np.ones(4), np.ones(2)
    with pytest.raises(ValueError, match=r"of 2 groups over 3 patches .* got a contrast of \(3, 4\) and .* \(3,\)"):
        saliency(attention, np.ones((3, 4), np.float32), norm, np.ones(3))
    with pytest.raises(ValueError, match=r"got a contrast of \(4, 4\) and shares of \(2,\)"):
        saliency(attention, np.ones((4, 4), np.float32), norm, shares)
    with pytest.raises(ValueError, match="H\\* is empty"):
        saliency(attention[:0], np.ones((3, 4), np.float32), norm, shares)


def test_masked_arrays_are_refused_and_a_second_stream_starts_afresh():
    lines = LineIngest(4, 4, np.eye(3))
    with pytest.raises(ValueError, match="got a masked one; fill what is masked with NaN"):
        lines.add(np.ma.masked_equal(np.zeros((3, 4, 4)), 0))
    lines.add(np.full((3, 2, 4), 7, np.uint16))
    lines.finish()
    assert (lines.skip(4).composite == 0).all()
