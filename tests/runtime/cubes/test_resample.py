"""Spectral resampling against closed forms and against a fine numerical integral."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.runtime.cubes import Cube, resample, resample_cube, resampling_matrix
from focus.runtime.cubes import _resample as module

SENSOR = np.arange(400.0, 1001.0, 5.0)


def gaussian(x, centre, fwhm):
    return np.exp(-4 * np.log(2) * ((x - centre) / fwhm) ** 2)


@settings(deadline=None, max_examples=60)
@given(
    gaps=st.lists(st.floats(0.5, 20.0), min_size=2, max_size=40),
    positions=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8, unique=True),
    to_fwhm=st.one_of(st.none(), st.floats(0.1, 60.0)),
    from_fwhm=st.one_of(st.none(), st.floats(20.0, 60.0)),
)
def test_rows_are_averages_of_what_the_sensor_has(gaps, positions, to_fwhm, from_fwhm):
    source = 400.0 + np.cumsum(gaps)
    target = np.unique(source[0] + np.sort(positions) * (source[-1] - source[0]))
    widths = None if to_fwhm is None else np.full(target.size, to_fwhm)
    source_widths = np.full(source.size, 20.0 if from_fwhm is None else from_fwhm)
    matrix = resampling_matrix(source, source_widths, target, widths)
    assert matrix.shape == (target.size, source.size)
    assert (matrix >= 0).all()
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=0, atol=2e-15)


@pytest.mark.parametrize("fwhm", [2.0, 5.0, 30.0])
def test_a_sensor_resampled_to_itself_stays_as_it_is(fwhm):
    widths = np.full(SENSOR.size, fwhm)
    np.testing.assert_allclose(resampling_matrix(SENSOR, widths, SENSOR, widths), np.eye(SENSOR.size), atol=1e-8)


def test_narrow_bands_are_interpolated_linearly():
    target = np.array([401.0, 512.5, 999.0])
    matrix = resampling_matrix(SENSOR, np.full(SENSOR.size, 9.0), target, np.full(3, 6.0))
    np.testing.assert_allclose(matrix @ SENSOR, target, atol=1e-6)
    assert (np.count_nonzero(matrix, axis=1) == 2).all()
    np.testing.assert_allclose(matrix[0, :2], [0.8, 0.2], atol=1e-6)


def test_uneven_spacing_does_not_shift_a_straight_line():
    source = np.concatenate((np.arange(400.0, 600.0, 1.0), np.arange(600.0, 1000.0, 8.0)))
    target = np.array([500.0, 595.0, 605.0, 700.0])
    matrix = resampling_matrix(source, None, target, np.full(4, 30.0))
    np.testing.assert_allclose(matrix @ source, target, atol=1e-2)


def test_against_a_numerical_integral():
    spectrum = 0.3 + 0.2 * np.sin(SENSOR / 17.0)
    fine = np.arange(397.5, 1002.5, 0.005) + 0.0025
    interpolated = np.interp(fine, SENSOR, spectrum)
    target, fwhm = np.array([450.0, 701.3, 999.0]), np.array([12.0, 33.0, 20.0])
    sigma_fwhm = np.sqrt(fwhm**2 - 7.0**2)
    expected = [np.average(interpolated, weights=gaussian(fine, t, w)) for t, w in zip(target, sigma_fwhm, strict=True)]
    # With a source FWHM of 7 nm the sensor's range ends 3.5 nm beyond its outer centres, the integral above 2.5 nm.
    matrix = resampling_matrix(SENSOR, np.full(SENSOR.size, 7.0), target, fwhm)
    np.testing.assert_allclose(matrix[:2] @ spectrum, expected[:2], atol=1e-5)
    np.testing.assert_allclose(matrix[2] @ spectrum, expected[2], atol=2e-3)


def test_the_source_has_blurred_already():
    """A Gaussian line seen by the source and resampled is as wide as the target would have seen it, not wider."""
    fine = np.arange(400.0, 1000.1, 1.0)
    seen_by_source = gaussian(fine, 700.0, 10.0)
    matrix = resampling_matrix(fine, np.full(fine.size, 10.0), SENSOR, np.full(SENSOR.size, 26.0))
    expected = gaussian(SENSOR, 700.0, 26.0) * 10.0 / 26.0
    np.testing.assert_allclose(matrix @ seen_by_source, expected, atol=2e-3)


def test_without_fwhm_the_spacing_counts():
    target = np.arange(500.0, 900.0, 20.0)
    assert np.array_equal(
        resampling_matrix(SENSOR, None, target, None),
        resampling_matrix(SENSOR, None, target, np.full(target.size, 20.0)),
    )


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([390.0, 500.0], r"band 0 \(390.0 nm\) lies outside the sensor's range: the sensor covers 397.5-1002.5 nm, "
                         r"the wanted bands 390.0-500.0 nm"),
        ([500.0, 900.0, 1004.0, 1100.0], r"band 2 \(1004.0 nm\) lies outside the sensor's range"),
        ([1500.0, 1600.0, 1700.0], r"band 0 \(1500.0 nm\) lies outside"),
        ([0.5, 0.6], "look like micrometres"),
        ([500.0, 500.0], "repeats band 0"),
    ],
)  # fmt: skip
def test_outside_the_range(target, message):
    with pytest.raises(ValueError, match=message):
        resampling_matrix(SENSOR, None, np.array(target), None)


def test_half_a_band_beyond_the_outer_centres_is_inside():
    matrix = resampling_matrix(SENSOR, None, np.array([398.0, 1002.0]), np.full(2, 0.1))
    np.testing.assert_allclose([matrix[0, 0], matrix[1, -1]], 1.0)


def test_in_a_gap():
    source = np.concatenate((np.arange(1000.0, 1350.0, 10.0), np.arange(1450.0, 1800.0, 10.0)))
    with pytest.raises(ValueError, match=r"band 1 \(1400.0 nm\) lies in a gap of the sensor \(1340.0-1450.0 nm\)"):
        resampling_matrix(source, None, np.array([1300.0, 1400.0]), None)


def test_a_change_of_spacing_is_no_gap():
    source = np.concatenate((np.arange(400.0, 600.0, 1.0), np.arange(600.0, 1000.0, 8.0)))
    assert np.isfinite(resampling_matrix(source, None, np.array([604.0, 700.0]), None)).all()


def test_windows_with_invalid_values():
    matrix = np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75], [0.0, 0.0, 1.0]])
    values = np.array([2.0, 4.0, 8.0]).reshape(3, 1, 1).repeat(2, axis=2)
    valid = np.ones((3, 1, 2), bool)
    valid[1, 0, 1] = valid[2, 0, 0] = False
    values[2, 0, 0] = np.nan
    result = resample(values, matrix, valid)
    assert result.dtype == np.float32
    # Exactly half is still enough; three quarters missing is not.
    np.testing.assert_allclose(result[:, 0, 0], [3.0, np.nan, np.nan])
    np.testing.assert_allclose(result[:, 0, 1], [2.0, 8.0, 8.0])
    np.testing.assert_allclose(resample(values[..., 1:], matrix)[:, 0, 0], [3.0, 7.0, 8.0])
    with pytest.raises(ValueError, match=r"values must be \[3, h, w\] and valid alike, got \(2, 1, 2\)"):
        resample(values[:2], matrix)


def test_cubes_are_resampled_block_by_block(monkeypatch):
    rng = np.random.default_rng(3)
    counts = rng.integers(1, 4000, (SENSOR.size, 7, 5)).astype(">u2")
    counts[10, 3, 2] = 0
    good = np.ones(SENSOR.size, bool)
    good[40:48] = False
    quality = np.ones((7, 5), bool)
    quality[6, 4] = False
    cube = Cube(counts, SENSOR, good_bands=good, ignore_value=0, quality=quality, quantity="reflectance", scale=4000.0)
    target, fwhm = np.arange(410.0, 990.0, 10.0), np.full(58, 12.0)
    whole = resample_cube(cube, target, fwhm)
    monkeypatch.setattr(module, "_BLOCK_VALUES", 1)
    blocks = resample_cube(cube, target, fwhm)
    assert whole.values.dtype == np.float32
    assert np.array_equal(whole.values, blocks.values, equal_nan=True)
    assert (whole.quantity, whole.scale, whole.ignore_value) == ("reflectance", 4000.0, None)
    assert "resampled from 121 bands" in whole.provenance.notes[-1]
    clean = np.delete(np.arange(58), np.arange(15, 26))
    expected = resampling_matrix(SENSOR, None, target, fwhm) @ counts[:, 0, 0].astype(float)
    np.testing.assert_allclose(whole.values[clean, 0, 0], expected[clean], rtol=1e-5)
    bad = np.flatnonzero(~whole.good_bands)
    assert bad.tolist() == [19, 20, 21, 22]
    assert np.isnan(whole.values[bad]).all()
    assert np.isnan(whole.values[:, 6, 4]).all()
    assert np.isfinite(whole.reflectance(slice(0, 1), slice(0, 5))[clean]).all()


def test_the_message_names_the_file():
    cube = Cube(np.ones((3, 2, 2)), np.array([500.0, 510.0, 520.0]))
    with pytest.raises(ValueError, match=r"cube: band 0 \(400.0 nm\) lies outside the sensor's range"):
        resample_cube(cube, np.array([400.0, 505.0]))


def test_corn_kernel_to_another_sensor(real_file):
    from focus.runtime.cubes import open_cube

    cube = open_cube(real_file("corn-kernel-hyperspectral.hdr"))
    target = np.linspace(400.0, 1000.0, 204)
    resampled = resample_cube(cube, target, np.full(204, 7.0))
    assert resampled.shape == (204, 31, 43)
    index = np.argmin(np.abs(cube.wavelengths_nm - target[100]))
    nearby = np.asarray(cube.values[index - 2 : index + 3], float).mean(axis=0)
    assert np.abs(resampled.values[100] - nearby).max() < 0.05 * nearby.max()
