"""`Cube`: what it refuses, what is valid, and reflectance by window."""

import numpy as np
import pytest

from focus.runtime.cubes import Cube

LINES, SAMPLES = slice(1, 3), slice(0, 4)


def test_values_are_never_copied(values, centres):
    view = values[:, ::2, ::-1]
    cube = Cube(view, centres)
    assert cube.values is view
    assert cube.shape == (6, 2, 5)
    assert cube.good_bands.all()


def test_nothing_is_guessed(values, centres):
    cube = Cube(values, centres)
    assert cube.quantity is None
    assert cube.fwhm_nm is None
    assert cube.quality is None
    assert "quantity not stated" in repr(cube)


@pytest.mark.parametrize(
    ("wavelengths", "message"),
    [
        ([450, 500, 550, 550, 600, 650], r"band 3 \(from 0; 550 nm\) repeats band 2 \(550 nm\)"),
        ([450, 500, 550, 540, 600, 650], r"band 3 \(from 0; 540 nm\) falls below band 2 \(550 nm\)"),
        ([450, 500, np.nan, 600, 650, 700], "positive and finite, got nan at band 2"),
        ([450, 500, np.inf, 600, 650, 700], "positive and finite, got inf at band 2"),
        ([-1, 500, 550, 600, 650, 700], "positive and finite, got -1.0 at band 0"),
        ([0.45, 0.5, 0.55, 0.6, 0.65, 0.7], "0.45-0.7, which look like micrometres"),
        ([450, 500, 550], r"one wavelength a band \(6\), got 3"),
    ],
)
def test_wavelengths_that_make_no_sense(values, wavelengths, message):
    with pytest.raises(ValueError, match=message):
        Cube(values, np.array(wavelengths, float))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"fwhm_nm": np.ones(5)}, "one FWHM a band"),
        ({"fwhm_nm": np.array([1, 1, 0, 1, 1, 1.0])}, "positive and finite, got 0.0 at band 2"),
        ({"good_bands": np.ones(6)}, "good_bands must be bool of shape"),
        ({"quality": np.ones((5, 4), bool)}, r"quality must be bool of shape \(4, 5\)"),
        ({"quantity": "radiance"}, 'must be "reflectance", "counts" or None'),
        ({"scale": 0.0}, "scale must be a positive number"),
        ({"scale": float("nan")}, "scale must be a positive number"),
        ({"exposure_ms": -1.0}, "exposure_ms must be a positive number"),
        ({"default_bands": (0, 6)}, r"default_bands must lie in 0..5"),
    ],
)
def test_fields_that_do_not_fit(values, centres, fields, message):
    with pytest.raises(ValueError, match=message):
        Cube(values, centres, **fields)


@pytest.mark.parametrize("shape", [(6, 4), (6, 0, 5), (1, 6, 4, 5)])
def test_shapes_that_are_no_cube(shape, centres):
    with pytest.raises(ValueError, match=r"values must be \[bands, lines, samples\]"):
        Cube(np.zeros(shape), centres)


def test_complex_and_lists_are_refused(values, centres):
    with pytest.raises(ValueError, match="integers or floating-point numbers, got complex128"):
        Cube(values.astype(complex), centres)
    with pytest.raises(TypeError, match="values must be a NumPy array, got list"):
        Cube(values.tolist(), centres)


def test_what_is_not_valid(values, centres):
    numbers = values.astype(np.float32)
    numbers[0, 1, 0], numbers[1, 1, 1], numbers[2, 2, 2] = np.nan, np.inf, -9999
    quality = np.ones((4, 5), bool)
    quality[2, 3] = False
    good = np.array([True] * 5 + [False])
    cube = Cube(numbers, centres, good_bands=good, quality=quality, ignore_value=-9999.0)
    expected = np.ones((6, 2, 4), bool)
    expected[0, 0, 0] = expected[1, 0, 1] = expected[2, 1, 2] = False
    expected[:, 1, 3] = False
    expected[5] = False
    assert np.array_equal(cube.valid(LINES, SAMPLES), expected)


@pytest.mark.parametrize("ignore", [-1.0, 0.5, 70000.0, float("nan")])
def test_an_ignore_value_that_the_type_cannot_hold_hides_nothing(values, centres, ignore):
    assert Cube(values, centres, ignore_value=ignore).valid(LINES, SAMPLES).all()


def test_a_float_ignore_value_is_compared_in_the_stored_type(values, centres):
    numbers = values.astype(np.float32)
    numbers[0, 0, 0] = -3.4028234663852886e38
    assert not Cube(numbers, centres, ignore_value=-3.40282347e38).valid(slice(0, 1), slice(0, 1))[0, 0, 0]


@pytest.mark.parametrize("dtype", ["u1", ">u2", "<i4", "f2", ">f4", "f8", "u8"])
def test_reflectance_is_values_over_scale(values, centres, dtype):
    stored = (values % 200).astype(dtype)
    cube = Cube(stored, centres, quantity="reflectance", scale=250.0)
    window = cube.reflectance(LINES, SAMPLES)
    assert window.dtype == np.float32
    np.testing.assert_allclose(window, (values % 200)[:, 1:3, 0:4] / 250.0, rtol=1e-6)


def test_invalid_reflectance_is_nan_and_nothing_overflows(values, centres):
    numbers = values.astype(np.float64)
    numbers[0, 1, 0], numbers[1, 1, 0] = 1e300, -9999
    window = Cube(numbers, centres, quantity="reflectance", ignore_value=-9999).reflectance(LINES, SAMPLES)
    assert np.isnan(window[:2, 0, 0]).all()
    assert np.isfinite(window).sum() == window.size - 2


@pytest.mark.parametrize(("quantity", "held"), [(None, "a quantity that it does not state"), ("counts", "counts")])
def test_reflectance_of_something_else_is_refused(values, centres, quantity, held):
    cube = Cube(values, centres, quantity=quantity)
    with pytest.raises(ValueError, match=f"holds {held}, expected reflectance; .*--quantity .*--calibration"):
        cube.reflectance(LINES, SAMPLES)
    stated = cube.with_quantity("reflectance", 4000.0)
    assert stated.values is values
    assert stated.reflectance(LINES, SAMPLES).max() <= 1.0


def test_select_bands(values, centres):
    cube = Cube(values, centres, fwhm_nm=np.arange(1.0, 7.0), default_bands=(4, 2, 0))
    even = cube.select_bands([0, 2, 4])
    assert np.shares_memory(even.values, values)
    assert even.default_bands == (2, 1, 0)
    assert even.fwhm_nm.tolist() == [1, 3, 5]
    masked = cube.select_bands(np.array([True, True, False, False, True, False]))
    assert np.array_equal(masked.values, values[[0, 1, 4]])
    assert np.array_equal(masked.wavelengths_nm, centres[[0, 1, 4]])
    assert masked.default_bands is None


@pytest.mark.parametrize("bands", [[], [2, 1], [0, 6], [-1, 2], [1, 1], [0.5]])
def test_select_bands_refuses(values, centres, bands):
    with pytest.raises(ValueError, match="bands must"):
        Cube(values, centres).select_bands(bands)
