"""Windows that an export is checked on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from focus.exporter.data import WindowSet, keep_windows
from focus.exporter.export import check_windows
from focus.kernels import ingest
from focus.runtime import Bundle, FocusError
from focus.runtime.simulate import full_range, simulate_leaf_scene
from support.bundles import small_bundle
from support.nets import small_net
from support.windows import small_windows


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return small_bundle(small_net())


def training_windows(bundle: Bundle, count: int) -> WindowSet:
    """Leaves as a training ingests them, all in the validation split."""
    weights = np.array(bundle.composite_weights)
    found = []
    for seed in range(count):
        scene = simulate_leaf_scene(np.random.default_rng(seed), full_range(64), size=(36, 36))
        cube = scene.reflectance(np.random.default_rng(seed))[: bundle.bands, : bundle.window[0], : bundle.window[1]]
        found.append(ingest(cube, bundle.backbone.patch, weights))
    return replace(
        small_windows(),
        band_means=np.stack([one.band_means for one in found]),
        composite=np.stack([one.composite for one in found]).astype(np.float16),
        splits=np.full(count, 1, np.int8),
    )


def test_the_training_windows_come_back_as_the_network_read_them(bundle: Bundle, tmp_path: Path) -> None:
    windows = training_windows(bundle, 7)
    windows.band_means[0, 2, 5] = np.nan
    keep_windows(tmp_path, windows)
    found = check_windows(bundle, training=tmp_path)
    kept = [0, 2, 4, 6]
    assert found.origin == "4 windows of the training"
    expected = (windows.band_means[kept] - np.array(bundle.mean)) / np.array(bundle.deviation)
    np.testing.assert_allclose(found.band_means, np.nan_to_num(expected), atol=5e-3)
    wanted = (windows.composite[kept].astype(np.float32) - 0.15) / 0.1
    np.testing.assert_allclose(found.composite[1:], wanted[1:], atol=5e-3)
    patch, rows = bundle.backbone.patch, bundle.backbone.rows
    assert rows > 2  # the third patch, which misses a band, lies in the first row
    np.testing.assert_allclose(found.composite[0, :, patch:], wanted[0, :, patch:], atol=5e-3)


def test_a_cube_comes_first_and_simulated_leaves_last(bundle: Bundle, tmp_path: Path) -> None:
    assert check_windows(bundle).origin == "4 simulated leaves"
    assert check_windows(bundle, training=tmp_path / "none").origin == "4 simulated leaves"
    keep_windows(tmp_path, training_windows(bundle, 2))
    assert check_windows(bundle, training=tmp_path).origin == "2 windows of the training"
    with pytest.raises(FocusError, match=r"none\.hdr"):
        check_windows(bundle, tmp_path / "none.hdr", tmp_path)


def test_windows_of_another_model_and_damaged_ones_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    keep_windows(tmp_path, replace(training_windows(bundle, 2), band_means=np.zeros((2, 3, 4), np.float32)))
    with pytest.raises(FocusError, match="not those of model small"):
        check_windows(bundle, training=tmp_path)
    (tmp_path / "windows.npz").write_bytes(b"PK nothing")
    with pytest.raises(FocusError, match=r"cannot read .*windows\.npz .*--check"):
        check_windows(bundle, training=tmp_path)
