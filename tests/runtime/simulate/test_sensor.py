import numpy as np
import pytest

from focus.runtime.simulate import Sensor, full_range, vnir_204


def sensor(**changes: object) -> Sensor:
    fields: dict[str, object] = {
        "name": "three",
        "wavelengths_nm": np.array([500.0, 600.0, 700.0]),
        "fwhm_nm": np.full(3, 10.0),
        "noise": np.full(3, 0.02, dtype=np.float32),
        "read_noise": np.full(3, 0.01, dtype=np.float32),
    }
    return Sensor(**{**fields, **changes})  # type: ignore[arg-type]


def test_ready_sensors() -> None:
    iq, full = vnir_204(), full_range(bands=64)
    assert (iq.bands, iq.wavelengths_nm[0], iq.wavelengths_nm[-1]) == (204, 400.0, 1000.0)
    assert (full.bands, full.wavelengths_nm[0], full.wavelengths_nm[-1]) == (64, 400.0, 2500.0)


def test_noise_grows_at_both_ends_of_silicon() -> None:
    noise = vnir_204().noise
    middle = noise[np.argmin(np.abs(vnir_204().wavelengths_nm - 650.0))]
    assert noise[0] > 3 * middle
    assert noise[-1] > 2 * middle
    assert np.all(np.diff(noise[:30]) < 0)
    assert np.all(np.diff(noise[-30:]) > 0)


def test_noise_grows_above_2200_nm() -> None:
    full = full_range()
    above = full.noise[full.wavelengths_nm > 2200.0]
    assert np.all(np.diff(above) > 0)
    assert above[-1] > 5 * full.noise[np.argmin(np.abs(full.wavelengths_nm - 1700.0))]


def test_noise_has_a_part_that_grows_with_the_root_of_the_signal() -> None:
    camera = sensor()
    np.testing.assert_allclose(camera.noise_at(np.ones(3, np.float32)), camera.noise, rtol=1e-6)
    np.testing.assert_allclose(camera.noise_at(np.zeros(3, np.float32)), camera.read_noise, rtol=1e-6)
    np.testing.assert_allclose(camera.noise_at(np.full(3, -1.0, np.float32)), camera.read_noise, rtol=1e-6)
    expected = np.sqrt(0.25 * (0.02**2 - 0.01**2) + 0.01**2)
    np.testing.assert_allclose(camera.noise_at(np.full((3, 2, 2), 0.25, np.float32)), expected, rtol=1e-6)


def test_sampling_keeps_flat_spectra_and_widens_a_line_to_the_fwhm() -> None:
    dense = np.arange(480.0, 521.0)
    camera = sensor(
        wavelengths_nm=dense,
        fwhm_nm=np.full(dense.size, 10.0),
        noise=np.full(dense.size, 0.02, np.float32),
        read_noise=np.zeros(dense.size, np.float32),
    )
    np.testing.assert_allclose(camera.sample(np.full(2101, 0.3)), 0.3, rtol=1e-6)
    line = np.zeros(2101)
    line[100] = 1.0
    seen = camera.sample(line)
    assert dense[seen.argmax()] == 500.0
    np.testing.assert_allclose(seen[dense == 505.0] / seen.max(), 0.5, rtol=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fwhm_nm": np.ones(2)}, r"fwhm_nm must have one value a band \(3,\), got shape \(2,\)"),
        ({"wavelengths_nm": np.array([500.0, 500.0, 700.0])}, "rising.*sort the bands"),
        ({"wavelengths_nm": np.array([390.0, 600.0, 700.0])}, r"400-2500 nm, got 390\.0-700\.0 nm; leave"),
        ({"read_noise": np.full(3, 0.02, np.float32)}, "0 <= read_noise < noise"),
    ],
)
def test_bad_sensors_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sensor(**changes)


def test_too_few_bands_are_refused() -> None:
    with pytest.raises(ValueError, match="bands must be at least 8, got 4"):
        full_range(bands=4)
