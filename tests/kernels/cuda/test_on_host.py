"""The CUDA kernels, compiled for the host with threads emulated, against the reference. A GPU is not needed, and what
only a GPU can show is left to ``make gpu-check``.
"""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.kernels import _reference as reference
from focus.kernels._lines import NATIVE
from focus.kernels.cuda import DeviceIngest, DeviceSaliency, DeviceWindow, Inputs, Maps, Said
from focus.kernels.cuda._ingest import Shape
from support.host_driver import host_device
from support.raw_windows import RawWindow, attended, raw_windows

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++ (apt-get install g++)")

COMMON = settings(max_examples=40, deadline=None)


def require_near(found, expected):
    """To some roundings of float32, and missing where it is missing."""
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    scale = np.nanmax(np.abs(expected), initial=1e-6)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5 * scale)


def ingested(window: RawWindow, rows: int | None = None, first: int = 0):
    """Band means [N, C], composite [3, H, W] and counts [N, 5] of a window, by the kernel."""
    device, driver = host_device()
    queue = device.queue()
    bands, height, width = window.raw.shape
    needed = -(-height // window.patch)
    kernel = DeviceIngest(
        device,
        queue,
        width,
        window.patch,
        window.weights,
        dtype=window.raw.dtype,
        rows=rows or needed,
        **window.options,
    )
    raw = device.empty((height, bands, kernel.pitch), window.raw.dtype)
    driver.view(raw)[..., :width] = window.raw.transpose(1, 0, 2)
    counted, place = device.empty((height,), np.uint8), device.empty((1,), np.int32)
    driver.view(counted)[:] = 1
    driver.view(place)[:] = first
    kernel.enqueue(queue, raw, counted, height, place)
    driver.require_guards()
    at = (np.arange(needed) + first) % kernel.total
    means, image, counts = (driver.view(array) for array in kernel.rows)
    means, counts = (part.reshape(kernel.total, kernel.columns, -1)[at] for part in (means, counts))
    image = image.reshape(3, kernel.total, window.patch, width)[:, at].reshape(3, -1, width)[:, :height]
    return means.reshape(-1, bands), image, counts.reshape(-1, counts.shape[2])


def as_native(window: RawWindow) -> RawWindow:
    raw = window.raw if window.raw.dtype in NATIVE and window.raw.dtype.isnative else window.raw.astype(np.float32)
    return RawWindow(raw, *(getattr(window, name) for name in list(RawWindow.__dataclass_fields__)[1:]))


@COMMON
@given(raw_windows(), st.integers(0, 5))
def test_ingest_is_the_reference(window, first):
    window = as_native(window)
    expected = reference.ingest(window.raw, window.patch, window.weights, **window.options)
    rows = -(-window.raw.shape[1] // window.patch) + 2
    means, image, counts = ingested(window, rows, first % rows)
    require_near(means, np.where(window.used, expected.band_means, np.nan))
    require_near(image, expected.composite)
    np.testing.assert_array_equal(counts, expected.quality.counts)


@pytest.mark.parametrize(("patch", "vector"), [(8, 2), (14, 2), (16, 8), (28, 4), (32, 8), (15, 1)])
def test_patches_of_real_backbones(patch, vector):
    rng = np.random.default_rng(patch)
    raw = rng.integers(0, 4096, (9, 2 * patch - 3, 3 * patch - 5)).astype(np.uint16)
    raw[:, ::3] = 20  # the dark count itself is not below dark
    weights = rng.random((3, 9))
    window = RawWindow(raw, patch, weights, np.full((9, 1), 20.0), np.full((9, 1), 1e-3), np.ones(9, bool), 12, 0)
    assert Shape.of_patch(patch).vector == vector
    expected = reference.ingest(raw, patch, weights, **window.options)
    means, image, counts = ingested(window)
    require_near(means, expected.band_means)
    require_near(image, expected.composite)
    np.testing.assert_array_equal(counts, expected.quality.counts)


def test_a_line_that_stands_in_is_seen_but_not_counted():
    device, driver = host_device()
    queue = device.queue()
    kernel = DeviceIngest(device, queue, 8, 4, np.eye(3))
    raw = device.empty((4, 3, kernel.pitch), np.uint16)
    values = np.random.default_rng(0).integers(0, 999, (4, 3, 8)).astype(np.uint16)
    driver.view(raw)[..., :8] = values
    counted, first = device.empty((4,), np.uint8), device.empty((1,), np.int32)
    driver.view(counted)[:] = [1, 0, 1, 1]
    driver.view(first)[:] = 0
    kernel.enqueue(queue, raw, counted, 4, first)
    means, image, counts = (driver.view(array) for array in kernel.rows)
    kept = values[[0, 2, 3]].reshape(3, 3, 2, 4)
    np.testing.assert_allclose(means, kept.mean(axis=(0, 3)).T, rtol=1e-6)
    np.testing.assert_allclose(image, values.transpose(1, 0, 2), rtol=1e-6)
    assert counts[:, 0].tolist() == [3 * 3 * 4] * 2


def test_refusals():
    device, _ = host_device()
    queue = device.queue()
    with pytest.raises(ValueError, match=r"the GPU kernel reads uint8, uint16, int16, float32, got float64"):
        DeviceIngest(device, queue, 8, 4, np.eye(3), dtype=np.float64)
    with pytest.raises(ValueError, match=r"patches of 17 x 17 samples are too large"):
        DeviceIngest(device, queue, 8, 17, np.eye(3))
    with pytest.raises(ValueError, match=r"4000 bands in patches of 14 are more than"):
        DeviceIngest(device, queue, 8, 14, np.ones((3, 4000)))
    with pytest.raises(ValueError, match=r"up to 80 groups of bands, got 81"):
        DeviceSaliency(device, queue, np.ones((2, 3)), np.zeros(3, int), 81)
    with pytest.raises(ValueError, match=r"group_of_band must lie in 0\.\.1"):
        DeviceSaliency(device, queue, np.ones((2, 3)), np.array([0, 1, 2]), 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_windows_are_cut_out_standardised_and_normalised(dtype):
    rng = np.random.default_rng(1)
    device, driver = host_device()
    queue = device.queue()
    bands, patch, samples, grid, batch = 5, 4, 14, (2, 3), 2  # 4 columns, the last one cut
    ingest = DeviceIngest(device, queue, samples, patch, np.ones((3, bands)), rows=4)
    means, image, counts = (driver.view(array) for array in ingest.rows)
    means[:] = rng.standard_normal(means.shape)
    means[0, 1] = np.nan
    image[:], counts[:] = rng.standard_normal(image.shape), 1
    counts[4 * 3 + 2] = 0
    mean, deviation, image_mean, image_deviation = (
        rng.random(bands),
        rng.random(bands) + 1,
        rng.random(3),
        rng.random(3),
    )
    window = DeviceWindow(device, queue, ingest, mean, deviation, image_mean, image_deviation, grid)
    places = device.empty((batch, window.places), np.int32)
    driver.view(places)[:] = [[0, 0, 3, 0, 3], [2, 1, 1, 1, 2]]  # the second row of the second window is filled in
    patches = grid[0] * grid[1]
    inputs = Inputs(
        device.empty((batch, patches, bands), dtype),
        device.empty((batch, 3, grid[0] * patch, grid[1] * patch), dtype),
        device.empty((batch, patches, bands), np.float32),
    )
    window.enqueue(queue, places, batch, inputs)
    driver.require_guards()
    tolerance = {"rtol": 1e-3, "atol": 1e-3} if dtype == np.float16 else {"rtol": 1e-6, "atol": 1e-6}
    for index, (column, of_means, of_image) in enumerate([(0, [0, 3], [0, 3]), (2, [1, 1], [1, 2])]):
        columns = np.minimum(np.arange(3) + column, 3)
        expected = ((means.reshape(4, 4, bands)[of_means][:, columns] - mean) / deviation).reshape(-1, bands)
        expected = np.where(np.isfinite(expected), expected, 0)
        np.testing.assert_allclose(driver.view(inputs.band_means)[index], expected, **tolerance)
        seen = counts[:, 0].reshape(4, 4)[of_means][:, columns] > 0
        seen &= (np.arange(3) + column < 4) & (np.array(of_means) == of_image)[:, None]
        magnitude = np.abs(expected) * seen.reshape(-1, 1)
        np.testing.assert_allclose(driver.view(inputs.magnitude)[index], magnitude, rtol=1e-6, atol=1e-6)
        across = np.minimum(np.arange(12) + column * patch, samples - 1)
        scene = image.reshape(3, 4, patch, samples)[:, of_image].reshape(3, 8, samples)[..., across]
        scene = (scene - image_mean[:, None, None]) / image_deviation[:, None, None]
        np.testing.assert_allclose(driver.view(inputs.composite)[index], scene, **tolerance)


@COMMON
@given(attended(), st.integers(1, 3), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
def test_saliency_is_the_reference(given_maps, classes, half, ask, with_cube, seed):
    attention, standardised, weights, group_of_band = given_maps
    rng = np.random.default_rng(seed)
    kind = np.dtype(np.float16 if half else np.float32)
    batch, chosen = 2, int(rng.integers(classes))
    heads, groups, patches = attention.shape
    by_class = rng.permuted(np.repeat(attention[:, None], classes, axis=1), axis=3).astype(kind)
    by_batch = np.stack([by_class, by_class[:, ::-1]])
    sink = rng.random((batch, heads, classes, groups)).astype(kind)
    logits = rng.integers(0, 2, (batch, classes)).astype(kind)  # often alike: the first of the highest is shown
    band_weight = np.stack([weights * (1 + index) for index in range(classes)])
    magnitude = np.abs(np.stack([standardised, 2 * standardised]))

    device, driver = host_device()
    queue = device.queue()
    said = Said(*(device.empty(values.shape, kind) for values in (by_batch, sink, logits)))
    for array, values in zip(said, (by_batch, sink, logits), strict=True):
        queue.upload(array, values)
    seen = device.empty(magnitude.shape, np.float32)
    queue.upload(seen, magnitude.astype(np.float32))
    bands = len(weights)
    cube = device.empty((batch, bands, patches), np.float32) if with_cube else None
    maps = Maps(*(device.empty((batch, size), np.float32) for size in (patches, bands, 3)), cube)
    DeviceSaliency(device, queue, band_weight, group_of_band, groups).enqueue(
        queue, said, seen, maps, batch, chosen if ask else None
    )
    driver.require_guards()
    for index in range(batch):
        shown = chosen if ask else int(np.argmax(logits[index]))
        here = by_batch[index, :, shown]
        expected = reference.saliency(here, magnitude[index], band_weight[shown], group_of_band, with_cube=True)
        require_near(driver.view(maps.heatmap)[index], expected.heatmap)
        require_near(driver.view(maps.curve)[index], expected.curve)
        if cube is not None:
            require_near(driver.view(cube)[index], expected.cube)
        to_patches = here.astype(np.float64).mean(axis=(0, 1))
        figures = [shown, sink[index, :, shown].mean(dtype=np.float64), 1 - to_patches.sum() + to_patches.max()]
        np.testing.assert_allclose(driver.view(maps.figures)[index], figures, rtol=1e-5, atol=1e-6)


def test_saliency_of_more_patches_than_are_held_at_a_time():
    rng = np.random.default_rng(2)
    heads, classes, groups, patches, bands = 2, 2, 3, 300, 40
    attention = rng.random((1, heads, classes, groups, patches)).astype(np.float32)
    sink, logits = rng.random((1, heads, classes, groups)).astype(np.float32), np.zeros((1, classes), np.float32)
    magnitude = rng.random((1, patches, bands)).astype(np.float32)
    weights, group_of_band = rng.random((classes, bands)), np.sort(rng.integers(0, groups, bands))
    device, driver = host_device()
    queue = device.queue()
    arrays = [device.empty(values.shape, np.float32) for values in (attention, sink, logits, magnitude)]
    for array, values in zip(arrays, (attention, sink, logits, magnitude), strict=True):
        queue.upload(array, values)
    maps = Maps(*(device.empty((1, size), np.float32) for size in (patches, bands, 3)), None)
    saliency = DeviceSaliency(device, queue, weights, group_of_band, groups)
    saliency.enqueue(queue, Said(*arrays[:3]), arrays[3], maps, 1, 1)
    expected = reference.saliency(attention[0, :, 1], magnitude[0], weights[1], group_of_band)
    require_near(driver.view(maps.heatmap)[0], expected.heatmap)
    require_near(driver.view(maps.curve)[0], expected.curve)
