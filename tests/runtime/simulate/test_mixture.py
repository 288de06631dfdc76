from dataclasses import replace

import numpy as np
import pytest

from focus.runtime.simulate import best_bands, simulate_leaf_scene, vnir_204

VNIR = vnir_204()
SCENE = simulate_leaf_scene(np.random.default_rng(11), VNIR, label=1, size=(48, 64))
CUBE = SCENE.reflectance()


def weights(outputs: int = 3) -> np.ndarray:
    drawn = np.random.default_rng(2).random((outputs, VNIR.bands)).astype(np.float32)
    return drawn / drawn.sum(axis=1, keepdims=True)


def test_the_cube_is_the_mixture() -> None:
    expected = np.einsum("mc,mhw,hw->chw", SCENE.spectra.astype(float), SCENE.abundance, SCENE.shading)
    assert CUBE.dtype == np.float32
    np.testing.assert_allclose(CUBE, expected, rtol=1e-4, atol=1e-6)


def test_noise_has_the_sensors_size_in_every_band() -> None:
    noise = SCENE.reflectance(np.random.default_rng(0)) - CUBE
    relative = noise / VNIR.noise_at(CUBE)
    np.testing.assert_allclose(relative.std(axis=(1, 2)), 1.0, atol=0.07)
    assert abs(float(relative.mean())) < 0.01


def test_noise_is_not_clipped() -> None:
    dark = replace(SCENE, shading=np.zeros_like(SCENE.shading))
    assert dark.reflectance(np.random.default_rng(0)).min() < 0


def test_project_equals_the_projected_cube() -> None:
    expected = np.einsum("kc,chw->khw", weights(), CUBE)
    np.testing.assert_allclose(SCENE.project(weights()), expected, atol=1e-4)


def test_project_has_the_noise_of_the_projected_cube() -> None:
    rng, few = np.random.default_rng(0), weights(2)
    whole = np.stack([np.einsum("kc,chw->khw", few, SCENE.reflectance(rng) - CUBE) for _ in range(4)])
    short = np.stack([SCENE.project(few, rng) - SCENE.project(few) for _ in range(4)])
    np.testing.assert_allclose(short.std(axis=(0, 2, 3)), whole.std(axis=(0, 2, 3)), rtol=0.05)


def test_band_means_equal_the_means_of_the_cube() -> None:
    expected = CUBE.reshape(VNIR.bands, 6, 8, 8, 8).mean(axis=(2, 4)).reshape(VNIR.bands, -1)
    np.testing.assert_allclose(SCENE.band_means(8), expected, atol=1e-5)


def test_band_means_have_the_noise_of_a_mean() -> None:
    rng = np.random.default_rng(0)
    noise = np.stack([SCENE.band_means(8, rng) - SCENE.band_means(8) for _ in range(30)])
    np.testing.assert_allclose(noise.std(axis=0) / (VNIR.noise_at(SCENE.band_means(8)) / 8), 1.0, atol=0.6)
    assert abs(float((noise.std(axis=0) * 8 / VNIR.noise_at(SCENE.band_means(8))).mean()) - 1.0) < 0.03


def test_counts_invert_to_reflectance_within_the_noise() -> None:
    counts = SCENE.counts(np.random.default_rng(0))
    assert counts.raw.dtype == np.uint16
    assert counts.raw.shape == CUBE.shape
    assert counts.dark.shape == counts.white.shape == (VNIR.bands, 64)
    gain = (counts.white - counts.dark)[:, None, :]
    reflectance = (counts.raw - counts.dark[:, None, :]) / gain
    expected = np.hypot(VNIR.noise_at(CUBE), 12**-0.5 / gain)
    np.testing.assert_allclose(((reflectance - CUBE) / expected).std(axis=(1, 2)), 1.0, atol=0.08)


def test_the_camera_is_fixed_and_the_recording_is_not() -> None:
    one, two = SCENE.counts(np.random.default_rng(0)), SCENE.counts(np.random.default_rng(1))
    other = SCENE.counts(np.random.default_rng(0), camera_seed=5)
    np.testing.assert_array_equal(one.white, two.white)
    assert not np.array_equal(one.raw, two.raw)
    assert not np.array_equal(one.dark, other.dark)
    assert np.ptp(one.white - one.dark, axis=1).min() > 0


def test_counts_saturate_at_12_bits() -> None:
    overexposed = replace(SCENE, shading=SCENE.shading * 20).counts(np.random.default_rng(0))
    assert overexposed.raw.max() == 4095
    assert SCENE.counts(np.random.default_rng(0), exposure=1.0).white.max() <= 4095


def test_lines_are_the_same_lines() -> None:
    part = SCENE.lines(10, 20)
    assert part.size == (10, 64)
    np.testing.assert_allclose(part.reflectance(), CUBE[:, 10:20], atol=1e-6)
    np.testing.assert_array_equal(part.lesion_mask, SCENE.lesion_mask[10:20])
    np.testing.assert_array_equal(part.leaf_mask, SCENE.leaf_mask[10:20])
    assert np.shares_memory(part.abundance, SCENE.abundance)


def test_best_bands_are_sorted_and_positive() -> None:
    curve = np.array([0.0, 3.0, 1.0, 0.0, 2.0], dtype=np.float32)
    assert best_bands(curve, 2).tolist() == [1, 4]
    assert best_bands(curve, 5).tolist() == [1, 4, 2]


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"weights must be \[K, 204\] \(vnir-204\), got \(3, 7\)"):
        SCENE.project(np.ones((3, 7), np.float32))
    with pytest.raises(ValueError, match="patch must divide 48 lines x 64 samples, got 7"):
        SCENE.band_means(7)
    with pytest.raises(ValueError, match=r"0 <= start < stop <= 48, got 40\.\.50"):
        SCENE.lines(40, 50)
    with pytest.raises(ValueError, match=r"exposure must be in \(0, 1\], got 1\.5"):
        SCENE.counts(np.random.default_rng(0), exposure=1.5)
    with pytest.raises(ValueError, match=r"k must be in 1\.\.204, got 0"):
        SCENE.informative_bands(0)
