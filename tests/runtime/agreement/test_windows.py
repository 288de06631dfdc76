"""From what the user has to windows for calibration and windows for checking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from focus.kernels import ingest, standardise
from focus.runtime import FocusError
from focus.runtime.agreement import (
    divided_windows,
    recordings_from_data,
    simulated_windows,
    windows_from_data,
    windows_from_source,
)
from focus.runtime.cubes import write_npz
from focus.runtime.engines import ModelFile
from focus.runtime.sources import Replay, SourceOptions
from support.scenes import cube
from support.toy_model import Toy


@pytest.fixture
def model() -> ModelFile:
    return ModelFile(Path("toy.onnx"), Toy().bundle(), "")


def test_windows_are_what_the_kernels_make_of_the_samples_and_share_none(model):
    scene = cube(lines=30, samples=37)  # windows of 12 x 16: two by two fit, and more would overlap
    found = windows_from_source(Replay(scene), model, 99)
    assert len(found) == 4
    bundle = model.bundle
    corners = [(0, 0), (0, 16), (12, 0), (12, 16)]
    for window, (top, left) in zip(found, corners, strict=True):
        piece = scene.values[:, top : top + 12, left : left + 16]
        wanted = ingest(piece, bundle.backbone.patch, np.array(bundle.composite_weights))
        means = standardise(wanted.band_means, np.array(bundle.mean), np.array(bundle.deviation))
        np.testing.assert_allclose(window.band_means, means, atol=1e-4)
        normed = (wanted.composite - np.array([0.5, 0.4, 0.3])[:, None, None]) / 0.2
        np.testing.assert_allclose(window.composite, normed, atol=1e-4)
        assert window.valid.all() and window.label == -1


def test_few_windows_are_spread_over_the_recording(model):
    scene = cube(lines=12 * 9, samples=16)
    everything = windows_from_source(Replay(scene), model, 9)
    few = windows_from_source(Replay(scene), model, 3)
    assert len(everything) == 9
    for window, index in zip(few, (0, 4, 8), strict=True):
        np.testing.assert_array_equal(window.band_means, everything[index].band_means)


def test_patches_without_a_sample_are_known(model):
    scene = cube(lines=12, samples=16)
    values = scene.values.copy()
    values[:, :4, :4] = np.nan
    (window,) = windows_from_source(Replay(cube(lines=12, samples=16, values=values)), model, 1)
    assert window.valid.tolist() == [False] + [True] * 11


@pytest.fixture
def cubes(tmp_path) -> Path:
    for index in range(6):
        write_npz(cube(lines=24, samples=32, seed=index), tmp_path / f"leaf-{index}.npz")
    return tmp_path


def divide(model, data, count=64):
    return divided_windows(recordings_from_data(data), model, SourceOptions(), count)


def keys(windows):
    return {window.band_means.tobytes() for window in windows}


def test_calibration_and_check_are_disjoint_and_the_same_each_time(model, cubes):
    first = divide(model, [str(cubes / "leaf-*.npz")])
    assert (len(first.calibration), len(first.check)) == (12, 12)
    assert len(keys(first.calibration) | keys(first.check)) == 24
    again = divide(model, [str(cubes / f"leaf-{index}.npz") for index in range(6)])
    assert keys(again.calibration) == keys(first.calibration)


def test_no_more_windows_than_asked_for_and_all_cubes_have_a_part(model, cubes):
    found = divide(model, [str(cubes / "leaf-*.npz")], 3)
    assert (len(found.calibration), len(found.check)) == (3, 3)
    owners = [keys(divide(model, [str(cubes / f"leaf-{index}.npz")]).calibration) for index in range(6)]
    owners = [owner | keys(divide(model, [str(cubes / f"leaf-{i}.npz")]).check) for i, owner in enumerate(owners)]
    assert all(owner & (keys(found.calibration) | keys(found.check)) for owner in owners)


def test_a_manifest_gives_labels_and_keeps_its_split(model, cubes):
    rows = ["leaf-0.npz,healthy,train", "leaf-1.npz,chlorosis,val", "leaf-2.npz,,test"]
    (cubes / "leaves.csv").write_text("\n".join(["path, label, split", *rows]))
    found = divide(model, [str(cubes / "leaves.csv")])
    assert {window.label for window in found.calibration} == {0}
    assert [window.label for window in found.check] == [1] * 4 + [-1] * 4
    (cubes / "leaves.csv").write_text("\n".join(["path, label, split", *rows]).replace(",", ";"))
    assert [window.label for window in divide(model, [str(cubes / "leaves.csv")]).check] == [1] * 4 + [-1] * 4


def test_a_simulation_knows_its_labels(leaves):
    labels = [window.label for window in leaves]
    assert len(leaves) == 24 and set(labels) == {0, 1, 2}


def test_what_a_training_kept_comes_back(training, leaves, shipped):
    found = divided_windows(recordings_from_data([str(training)]), shipped.file, SourceOptions(), 64)
    both = [*found.calibration, *found.check]
    assert sorted(window.label for window in both) == sorted(window.label for window in leaves)
    apart = [min(np.abs(one.band_means - other.band_means).max() for other in both) for one in leaves]
    assert max(apart) < 1e-3
    assert max(min(np.abs(one.composite - other.composite).max() for other in both) for one in leaves) < 0.02


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file\nleaf-0.npz\n", r"leaves.csv has no column path \(it has file\)"),
        ("path,label\nleaf-9.npz,healthy\n", r"leaves.csv line 2: no file leaf-9.npz; paths are relative to"),
        ("path,label\nleaf-0.npz,mould\n", "has the label 'mould', model toy knows healthy, chlorosis, water-soaked"),
        ("path,split\nleaf-0.npz,some\n", "line 2: split must be train, val, test, got 'some'"),
        ("path\n", "lists no cube; write one row a cube below the header"),
        ("path,split\nleaf-0.npz,train\n", "4 windows to calibrate on and 0 to check on, at least one of each"),
    ],
)
def test_manifests_that_do_not_fit(model, cubes, text, message):
    (cubes / "leaves.csv").write_text(text)
    with pytest.raises(FocusError, match=message):
        divide(model, [str(cubes / "leaves.csv")])


def test_a_single_window_is_too_few(model, tmp_path):
    write_npz(cube(lines=12, samples=16), tmp_path / "leaf.npz")
    with pytest.raises(FocusError, match="1 windows to calibrate on and 0 to check on"):
        divide(model, [str(tmp_path / "leaf.npz")])


def test_a_recording_counts_once_however_often_it_is_named(tmp_path):
    write_npz(cube(30, 37), tmp_path / "leaf.npz")
    names = [str(tmp_path / "leaf.npz"), str(tmp_path / "." / "leaf.npz"), str(tmp_path / "*.npz")]
    assert len(recordings_from_data(names)) == 1
    assert len(recordings_from_data(["sim:leaves=6", "sim:leaves=6", "sim:leaves=7"])) == 2
    for name in ("scene.hdr", "scene.raw", "other.hdr", "other.raw"):
        (tmp_path / name).write_text("ENVI")
    assert len(recordings_from_data([str(tmp_path / "scene.*"), str(tmp_path / "other.raw")])) == 2
    write_npz(cube(30, 37), tmp_path / "scene.npz")
    assert len(recordings_from_data([str(tmp_path / "scene.*")])) == 2  # another file that only shares the name
    (tmp_path / "both.csv").write_text("path,split\nleaf.npz,train\nleaf.npz,val\n")
    with pytest.raises(FocusError, match=r"leaf\.npz is named to calibrate and to check on; give it one split"):
        recordings_from_data([str(tmp_path / "both.csv")])
    (tmp_path / "one.csv").write_text("path,label,split\nleaf.npz,sick,val\n")
    (found,) = recordings_from_data([str(tmp_path / "leaf.npz"), str(tmp_path / "one.csv")])
    assert (found.label, found.split) == ("sick", "check")


def test_a_window_filled_up_at_the_edge_is_not_taken(model):
    """31 samples hold one window of 16, and one more that lacks a sample."""
    for count in (1, 2, 3, 9):
        found = windows_from_source(Replay(cube(lines=36, samples=31)), model, count)
        assert len(found) == min(count, 3)
        assert all(window.valid.all() for window in found)


def test_windows_without_calibration_come_from_all_recordings(model, cubes):
    found = windows_from_data(recordings_from_data([str(cubes / "leaf-*.npz")]), model, SourceOptions(), 99)
    assert len(keys(found)) == 24
    few = windows_from_data(recordings_from_data([str(cubes / "leaf-*.npz")]), model, SourceOptions(), 6)
    assert len(few) == 6 and keys(few) <= keys(found)
    owners = [
        keys(windows_from_data(recordings_from_data([str(cubes / f"leaf-{i}.npz")]), model, SourceOptions(), 99))
        for i in range(6)
    ]
    assert all(owner & keys(few) for owner in owners)
    with pytest.raises(ValueError, match="--windows must be 1 or more, got 0"):
        windows_from_data([], model, SourceOptions(), 0)


def test_simulated_windows_fit_any_sensor_and_are_the_same_each_time(model, shipped):
    for bundle in (model.bundle, shipped.bundle):
        found = simulated_windows(bundle, 3)
        assert len(keys(found)) == 3 and keys(found) == keys(simulated_windows(bundle, 3))
        for window in found:
            assert window.band_means.shape == (bundle.patches, bundle.bands)
            assert window.composite.shape == (3, *bundle.window)
            assert window.band_means.dtype == window.composite.dtype == np.float32
            assert window.valid.all() and np.isfinite(window.composite).all() and np.ptp(window.band_means) > 0
