"""Corruptions of windows: values computed by hand, and the same corruption of a cube, ingested."""

from __future__ import annotations

import numpy as np
import pytest

from focus.exporter.data import WindowSet
from focus.exporter.data.corruptions import CORRUPTIONS, Optics, corrupted, corruption
from focus.kernels import ingest
from focus.runtime import FocusError
from support.windows import small_windows

#: 4 bands, 1 x 2 patches of 2 x 2 samples; a composite of bands 0, 1, and the mean of 2 and 3.
WEIGHTS = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]])
OPTICS = Optics(np.array([600.0, 700.0, 800.0, 1000.0]), WEIGHTS, 2, (2, 4))
MEANS = np.array([[0.1, 0.2, 0.3, 0.5], [0.2, 0.2, 0.4, 0.4]], np.float32)
SHADING = np.array([[1.2, 0.8, 1.0, 1.0], [1.2, 0.8, 1.0, 1.0]])


def pixels(means: np.ndarray) -> np.ndarray:
    """A cube [4, 2, 4] whose pixels are their patch's mean spectrum times the shading."""
    return means.T.reshape(4, 1, 2).repeat(2, axis=1).repeat(2, axis=2) * SHADING


def composite_of(cube: np.ndarray) -> np.ndarray:
    return np.tensordot(WEIGHTS, cube, axes=1).astype(np.float32)


def change(name: str, severity: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    return corruption(name, OPTICS, severity, seed)(MEANS, composite_of(pixels(MEANS)), np.random.default_rng(seed))


def test_a_shift_reads_the_straight_line_between_band_centres() -> None:
    means, composite = change("wavelength-shift", 50.0)
    # Band 0 at 650 nm lies halfway between bands 0 and 1; band 2 at 850 nm a quarter of the way to 1000 nm.
    np.testing.assert_allclose(means, [[0.15, 0.25, 0.35, 0.5], [0.2, 0.3, 0.4, 0.4]], rtol=1e-6)
    np.testing.assert_allclose(composite[0, :, :2], [[0.18, 0.12]] * 2, rtol=1e-6)
    np.testing.assert_allclose(composite[2, :, 2:], 0.4, rtol=1e-6)
    back, _ = change("wavelength-shift", -50.0)
    np.testing.assert_allclose(back[0], [0.1, 0.15, 0.25, 0.45], rtol=1e-6)


def test_other_light_multiplies_and_tilts() -> None:
    own = np.random.default_rng(3).choice((-1.0, 1.0), 2)
    means, composite = change("illumination", 0.2)
    factor = (1 + 0.2 * own[0]) * (1 + 0.2 * own[1] * np.array([-1.0, -0.5, 0.0, 1.0]))
    np.testing.assert_allclose(means, MEANS * factor, rtol=1e-6)
    np.testing.assert_allclose(composite, composite_of(pixels(MEANS * factor)), rtol=1e-5)
    signs = {
        tuple(np.sign(corruption("illumination", OPTICS, 0.1, 0)(MEANS, composite, np.random.default_rng(n))[0][0]
                      - MEANS[0]).tolist())
        for n in range(20)
    }  # fmt: skip
    assert len(signs) >= 2


def test_dead_bands_are_nan_and_the_composite_averages_over_the_rest() -> None:
    # One of four bands; which one follows from the seed.
    dead = int(np.random.default_rng([5, 0]).choice(4, 1, replace=False)[0])
    means, composite = change("dead-bands", 0.25, seed=5)
    assert np.isnan(means[:, dead]).all()
    assert np.isfinite(np.delete(means, dead, axis=1)).all()
    cube = pixels(MEANS)
    cube[dead] = np.nan
    found = ingest(cube.astype(np.float32), 2, WEIGHTS)
    np.testing.assert_allclose(means, found.band_means, rtol=1e-6)
    np.testing.assert_allclose(composite, found.composite, rtol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_half_of_the_bands_dead_is_what_ingest_makes_of_it(seed: int) -> None:
    means, composite = change("dead-bands", 0.5, seed)
    cube = pixels(MEANS)
    cube[np.isnan(means[0])] = np.nan
    found = ingest(cube.astype(np.float32), 2, WEIGHTS)
    np.testing.assert_allclose(means, found.band_means, rtol=1e-6)
    np.testing.assert_allclose(composite, found.composite, rtol=1e-5)


def test_stripes_are_those_of_the_detector() -> None:
    means, composite = change("stripes", 0.1, seed=4)
    rng = np.random.default_rng([4, 0])
    gain, offset = 0.1 * rng.standard_normal((4, 4)), 0.01 * rng.standard_normal((4, 4))
    cube = pixels(MEANS) * (1 + gain[:, None, :]) + offset[:, None, :]
    found = ingest(cube.astype(np.float32), 2, WEIGHTS)
    np.testing.assert_allclose(means, found.band_means, rtol=1e-5)
    np.testing.assert_allclose(composite, found.composite, rtol=1e-5)


def test_noise_grows_to_the_end_of_the_range_and_is_averaged_over_a_patch() -> None:
    # Silicon: from 900 nm on, so band 3 alone (1000 nm), with 0.3 a sample and 0.15 a patch of 4 samples.
    change = corruption("noise", OPTICS, 0.3, 0)
    errors, images = zip(
        *(change(MEANS, composite_of(pixels(MEANS)), np.random.default_rng(n)) for n in range(400)), strict=True
    )
    found = np.stack(errors) - MEANS
    assert np.abs(found[:, :, :3]).max() < 1e-6
    assert found[:, :, 3].std() == pytest.approx(0.15, rel=0.1)
    noise = np.stack(images) - composite_of(pixels(MEANS))
    assert np.abs(noise[:, :2]).max() < 1e-6
    assert noise[:, 2].std() == pytest.approx(0.15, rel=0.1)  # half the weight of 0.3
    by_patch = noise[:, 2].reshape(400, 2, 2, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(by_patch, 0.5 * found[:, :, 3], atol=1e-6)


def test_noise_begins_at_2200_nm_where_a_sensor_sees_further() -> None:
    far = Optics(np.array([600.0, 2000.0, 2300.0, 2400.0]), WEIGHTS, 2, (2, 4))
    means, _ = corruption("noise", far, 1.0, 0)(MEANS, composite_of(pixels(MEANS)), np.random.default_rng(1))
    np.testing.assert_array_equal(means[:, :2], MEANS[:, :2])
    assert (means[:, 2:] != MEANS[:, 2:]).all()
    near = Optics(np.array([450.0, 500.0, 600.0, 700.0]), WEIGHTS, 2, (2, 4))
    with pytest.raises(FocusError, match="this sensor ends at 700 nm"):
        corruption("noise", near, 1.0, 0)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_nothing_happens_at_severity_0_and_the_seed_decides(name: str) -> None:
    windows = small_windows((4, 2, 2))
    same = corrupted(windows, name, 0.0, 1)
    np.testing.assert_allclose(same.band_means, windows.band_means, atol=1e-6)
    np.testing.assert_allclose(same.composite, windows.composite, atol=5e-4)
    severity = CORRUPTIONS[name][1][-1]
    one, again, other = (corrupted(windows, name, severity, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.band_means, again.band_means)
    np.testing.assert_array_equal(one.composite, again.composite)
    if name != "wavelength-shift":
        assert not np.array_equal(one.band_means, other.band_means, equal_nan=True)
    assert not np.array_equal(one.band_means, windows.band_means, equal_nan=True)
    assert one.truth is windows.truth
    assert one.source.endswith(f"{name} {severity:g}")


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name != "dead-bands"])
def test_the_composite_s_patches_stay_the_weighted_band_means(name: str) -> None:
    windows: WindowSet = small_windows((4, 2, 2))
    found = corrupted(windows, name, CORRUPTIONS[name][1][-1], 1)
    blocks = found.composite.astype(np.float64).reshape(8, 3, 4, 6, 4, 6).mean(axis=(3, 5)).reshape(8, 3, 16)
    np.testing.assert_allclose(blocks, np.einsum("kc,mnc->mkn", found.composite_weights, found.band_means), atol=1e-3)


def test_missing_patches_stay_missing() -> None:
    means = MEANS.copy()
    means[1] = np.nan
    image = composite_of(pixels(np.nan_to_num(means)))
    for name, (_, severities) in CORRUPTIONS.items():
        found, composite = corruption(name, OPTICS, severities[0], 1)(means, image, np.random.default_rng(1))
        assert np.isnan(found[1]).all()
        assert np.isfinite(composite).all()


def test_what_is_no_corruption_is_named() -> None:
    with pytest.raises(FocusError, match="no corruption 'rain'; there are noise, dead-bands, stripes"):
        corruption("rain", OPTICS, 1.0, 0)
    with pytest.raises(ValueError, match="severity of stripes must be a number from 0 on, got -1"):
        corruption("stripes", OPTICS, -1.0, 0)
    with pytest.raises(ValueError, match="severity of dead-bands is the share of bands, below 1, got 1"):
        corruption("dead-bands", OPTICS, 1.0, 0)
