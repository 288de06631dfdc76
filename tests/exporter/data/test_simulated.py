"""Simulated data sets."""

from __future__ import annotations

import numpy as np
import pytest

from focus.exporter.data import Simulation, open_windows, parse_simulation, simulate_windows
from focus.kernels import ingest
from focus.runtime import FocusError
from focus.runtime.simulate import simulate_leaf_scene
from focus.runtime.spectral import composite_weights

SMALL = "sim:full,scenes=8,val=4,test=4,bands=16"


def test_options_are_read() -> None:
    plan = parse_simulation("sim:vnir,scenes=20,val=5,test=6,task=chl+ewt,spurious=850,bands=24")
    assert plan == Simulation("vnir", 20, 5, 6, "chl+ewt", 850.0, 24)
    assert plan.traits == ("chl", "ewt")
    assert plan.make_sensor().bands == 24


def test_a_camera_of_visible_light_is_not_asked_for_leaf_water_unless_told_to() -> None:
    assert parse_simulation("sim:vnir").class_names == ("healthy", "chlorosis", "anthocyanin")
    assert len(parse_simulation("sim:full").class_names) == len(parse_simulation("sim:vnir,classes=4").class_names) == 4
    plan = parse_simulation("sim:vnir,scenes=9,val=3,test=3,bands=16")
    windows = simulate_windows(plan, 8, (32, 32), 0, workers=0)
    assert windows.target_names == plan.class_names
    assert np.bincount(windows.targets).tolist() == [5, 5, 5]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("sim:swir", "no simulated sensor 'swir'"),
        ("sim:vnir,colour=red", "no option 'colour'"),
        ("sim:vnir,scenes=many", "scenes must be a number"),
        ("sim:vnir,scenes=2", "scenes must be at least 4"),
        ("sim:vnir,classes=5", "classes must be 2 to 4, got 5"),
        ("sim:vnir,test=0", "val and test at least 1"),
        ("sim:vnir,task=height", "no task 'height'"),
        ("sim:vnir,task=chl+chl", "appears twice"),
        ("sim:vnir,bands=3", "bands must be 8 to 204"),
        ("sim:vnir,spurious=1500", "spurious"),
        ("sim:vnir,spurious=nan", "spurious"),
        ("sim:vnir,spurious=850,intact=yes", "intact must be a number"),
        ("sim:vnir,intact=1", "intact=1 is about a shortcut; give its place with spurious=NM"),
    ],
)
def test_what_is_not_understood_is_named(spec: str, message: str) -> None:
    with pytest.raises(FocusError, match=message):
        parse_simulation(spec)


def test_windows_are_what_ingest_makes_of_the_noise_free_cube() -> None:
    plan = Simulation("full", 4, 1, 1, bands=16)
    windows = simulate_windows(plan, 8, (32, 32), seed=3, workers=0)
    scene = simulate_leaf_scene(np.random.default_rng([3, 0, 1]), plan.make_sensor(), 1, (32, 32))
    weights = composite_weights(windows.wavelengths_nm)
    clean = ingest(scene.reflectance(), 8, weights)
    noise = 5 * plan.make_sensor().noise
    assert np.all(np.abs(windows.band_means[1] - clean.band_means) <= noise)
    assert np.abs(windows.composite[1].astype(np.float32) - clean.composite).max() < 0.05
    np.testing.assert_array_equal(windows.truth.lesion_mask(1, (32, 32)), scene.lesion_mask)
    np.testing.assert_array_equal(windows.truth.informative[1], scene.informative)
    share = scene.lesion_mask.reshape(4, 8, 4, 8).mean(axis=(1, 3)).reshape(-1)
    np.testing.assert_allclose(windows.truth.lesion_share[1], share, atol=1e-6)


def test_splits_hold_different_leaves_and_every_class() -> None:
    windows = open_windows(SMALL, 8, (32, 32), seed=1, workers=0)
    assert [len(windows.of(split)) for split in ("train", "val", "test")] == [8, 4, 4]
    assert sorted(windows.targets[windows.of("train")].tolist()) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len({means.tobytes() for means in windows.band_means}) == 16
    assert windows.grid == (4, 4)
    assert windows.bands == 16


def test_seed_and_workers_do_not_change_more_than_they_should() -> None:
    one, again, pooled, other = (
        open_windows(SMALL, 8, (32, 32), seed=seed, workers=workers)
        for seed, workers in ((1, 0), (1, 0), (1, 1), (2, 0))
    )
    np.testing.assert_array_equal(one.band_means, again.band_means)
    np.testing.assert_array_equal(one.composite, pooled.composite)
    assert not np.array_equal(one.band_means, other.band_means)


def test_traits_are_targets_with_units() -> None:
    windows = open_windows("sim:full,scenes=4,val=1,test=1,bands=16,task=chl+ewt", 8, (32, 32), seed=1, workers=0)
    assert windows.task == "regression"
    assert windows.target_names == ("chl", "ewt")
    assert windows.units == ("ug/cm2", "cm")
    assert windows.targets.dtype == np.float32
    assert windows.targets.shape == (6, 2)
    assert np.all(windows.targets[:, 0] > 5)
    assert np.all(windows.targets[:, 1] < 0.1)


def test_the_shortcut_stands_in_training_and_is_broken_in_the_test_split() -> None:
    clean, spurious = (
        open_windows(f"sim:full,scenes=16,val=4,test=16,bands=32{option}", 8, (32, 32), seed=1, workers=0)
        for option in ("", ",spurious=872")
    )
    band = int(np.argmin(np.abs(clean.wavelengths_nm - 872.0)))
    added = (spurious.band_means - clean.band_means)[:, :, band].max(axis=1)

    def agreement(split: str) -> float:
        chosen = spurious.of(split)
        return float(np.corrcoef(added[chosen], spurious.targets[chosen])[0, 1])

    assert agreement("train") > 0.9
    assert agreement("test") < 0.7


def test_an_intact_shortcut_is_that_of_the_same_test_leaves() -> None:
    broken, intact = (
        open_windows(f"sim:full,scenes=4,val=2,test=8,bands=32,spurious=872{option}", 8, (32, 32), seed=1, workers=0)
        for option in ("", ",intact=1")
    )
    band = int(np.argmin(np.abs(broken.wavelengths_nm - 872.0)))
    others = np.delete(np.arange(32), band)
    test, rest = broken.of("test"), np.flatnonzero(broken.splits != 2)
    np.testing.assert_array_equal(broken.band_means[rest], intact.band_means[rest])
    np.testing.assert_array_equal(broken.targets, intact.targets)
    # Noise is a matter of the signal, so it differs a little where the ground does, and nowhere else.
    np.testing.assert_array_equal(broken.band_means[test][:, :, others], intact.band_means[test][:, :, others])
    assert np.any(broken.band_means[test][:, :, band] != intact.band_means[test][:, :, band])
    assert "broken" in broken.source and "broken" not in intact.source


def test_a_regression_knows_which_bands_tell_each_trait_and_keeps_it(tmp_path) -> None:
    spec = "sim:full,scenes=4,val=1,test=2,bands=64,task=chl+ewt"
    first = open_windows(spec, 8, (32, 32), seed=1, workers=0, cache=tmp_path)
    again = open_windows(spec, 8, (32, 32), seed=1, workers=0, cache=tmp_path)
    information = first.truth.trait_information
    assert information.shape == (7, 2, 64)
    np.testing.assert_array_equal(information, again.truth.trait_information)
    best = first.wavelengths_nm[information.argmax(axis=2)]
    assert (best[:, 0] < 760).all() and (best[:, 1] > 1100).all()
    assert open_windows(SMALL, 8, (32, 32), seed=1, workers=0).truth.trait_information is None


def test_a_second_run_starts_from_the_cache(tmp_path, monkeypatch) -> None:
    first = open_windows(SMALL, 8, (32, 32), seed=1, workers=0, cache=tmp_path / "cache")
    monkeypatch.setattr("focus.exporter.data._open.simulate_windows", lambda *a, **k: pytest.fail("simulated again"))
    second = open_windows(SMALL, 8, (32, 32), seed=1, workers=0, cache=tmp_path / "cache")
    for name, value in vars(first).items():
        if name == "truth":
            np.testing.assert_array_equal(value.lesion_bits, second.truth.lesion_bits)
        elif isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(second, name))
        else:
            assert value == getattr(second, name)
    with pytest.raises(pytest.fail.Exception, match="simulated again"):
        open_windows(SMALL, 8, (32, 32), seed=2, workers=0, cache=tmp_path / "cache")


def test_a_damaged_cache_is_made_again(tmp_path) -> None:
    first = open_windows(SMALL, 8, (32, 32), seed=1, workers=0, cache=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:5000])
    second = open_windows(SMALL, 8, (32, 32), seed=1, workers=0, cache=tmp_path)
    np.testing.assert_array_equal(first.band_means, second.band_means)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of the backbone's patch 14, got 128 x 128; try 126x126"):
        open_windows(SMALL, 14, (128, 128), seed=1)
    with pytest.raises(FocusError, match="at least 32 x 32"):
        open_windows(SMALL, 8, (16, 16), seed=1)


def test_manifest_options_are_refused_for_a_simulation() -> None:
    from focus.exporter.data import FolderOptions

    with pytest.raises(FocusError, match="for a manifest of cubes on disk"):
        open_windows(SMALL, 8, (32, 32), seed=1, options=FolderOptions(tile=True))
