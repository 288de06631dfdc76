"""The CUDA kernels, compiled for the host with threads emulated, against the reference. A GPU is not needed, and what
only a GPU can show is left to ``make gpu-check``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.kernels._lines import NATIVE
from focus.kernels.cuda import DeviceIngest, DeviceSaliency, DeviceWindow
from focus.kernels.cuda._ingest import Shape
from gpu_check._gpu import OneGpu
from gpu_check._ingest import ingest_faults
from gpu_check._saliency import Attended, random_attended, saliency_faults
from gpu_check._window import random_rows, window_faults
from support.host_driver import HostDriver, host_device
from support.raw_windows import RawWindow, attended, raw_windows

COMMON = settings(max_examples=40, deadline=None)


def played() -> tuple[OneGpu, HostDriver]:
    device, driver = host_device()
    return OneGpu(device), driver


def as_native(window: RawWindow) -> RawWindow:
    raw = window.raw if window.raw.dtype in NATIVE and window.raw.dtype.isnative else window.raw.astype(np.float32)
    return replace(window, raw=raw)


@COMMON
@given(raw_windows(), st.integers(0, 5))
def test_ingest_is_the_reference(window, first):
    gpu, driver = played()
    rows = -(-window.raw.shape[1] // window.patch) + 2
    assert not ingest_faults(gpu, as_native(window), rows, first % rows)
    driver.require_guards()


@pytest.mark.parametrize(("patch", "vector"), [(8, 2), (14, 2), (16, 8), (28, 4), (32, 8), (15, 1)])
def test_patches_of_real_backbones(patch, vector):
    rng = np.random.default_rng(patch)
    raw = rng.integers(0, 4096, (9, 2 * patch - 3, 3 * patch - 5)).astype(np.uint16)
    weights = rng.random((3, 9))
    window = RawWindow(raw, patch, weights, rng.random((9, 1)), np.full((9, 1), 1e-3), np.ones(9, bool), 12, 0)
    assert Shape.of_patch(patch).vector == vector
    assert not ingest_faults(played()[0], window)


@COMMON
@given(raw_windows(), st.integers(0, 5), st.lists(st.booleans(), min_size=14, max_size=14))
def test_lines_that_never_came_are_not_read_and_show_their_neighbours(window, first, came):
    gpu, driver = played()
    height = window.raw.shape[1]
    rows = -(-height // window.patch) + 2
    arrived = np.array(came)[:height]
    assert not ingest_faults(gpu, as_native(window), rows, first % rows, arrived)
    driver.require_guards()


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
        DeviceSaliency(device, queue, np.ones((2, 3)), np.ones((2, 81)))
    flat, image, ingest = np.ones(3), np.ones(3), DeviceIngest(device, queue, 8, 4, np.eye(3))
    with pytest.raises(ValueError, match=r"up to 10 directions of brightness, got 11"):
        DeviceWindow(device, queue, ingest, flat, flat, flat, image, image, np.ones((11, 3)), (1, 1))


@pytest.mark.parametrize("directions", [0, 2, 10])
@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_windows_are_cut_out_standardised_and_normalised(kind, directions):
    gpu, driver = played()
    # 4 columns, the last one cut; rows filled in.
    held = random_rows(np.random.default_rng(1), 37, 4, 14, (2, 3), 4, directions)
    assert any((means != image).any() for _, means, image in held.windows)
    assert not window_faults(gpu, held, kind)
    driver.require_guards()


@COMMON
@given(attended(), st.integers(1, 3), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
def test_saliency_is_the_reference(given_maps, classes, half, ask, with_cube, seed):
    attention, standardised, weights, share = given_maps
    rng = np.random.default_rng(seed)
    kind = np.dtype(np.float16 if half else np.float32)
    heads, groups, _ = attention.shape
    by_class = rng.permuted(np.repeat(attention[:, None], classes, axis=1), axis=3).astype(kind)
    given_batch = Attended(
        np.stack([by_class, by_class[:, ::-1]]),
        rng.random((2, heads, classes, groups)).astype(kind),
        rng.standard_normal((2, classes)).astype(kind),
        np.abs(np.stack([standardised, 2 * standardised])).astype(np.float32),
        np.stack([weights * (1 + index) for index in range(classes)]),
        np.stack([np.roll(share, index) for index in range(classes)]),
    )
    gpu, driver = played()
    assert not saliency_faults(gpu, given_batch, int(rng.integers(classes)) if ask else None, with_cube)
    driver.require_guards()


def test_saliency_of_more_patches_than_are_held_at_a_time():
    given_batch = random_attended(np.random.default_rng(2), np.float32, (1, 2, 2, 3, 300, 40))
    assert not saliency_faults(played()[0], given_batch, 1, with_cube=False)
