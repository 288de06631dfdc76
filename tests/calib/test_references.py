"""References to a calibration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.calib import Reference, ReferenceOptions, calibration_from_references
from focus.calib._pixels import hot
from focus.runtime import CubeError
from focus.runtime._calibration import FLAWS, Rig
from focus.runtime.cubes import Cube, open_cube
from support.rigs import DEAD, HOT, NOISY, Detector, measured
from support.shared import shared_file

NM = np.array([500.0, 600.0, 700.0])
PANEL = ReferenceOptions(panel=0.95)


def plain(level, lines=9, samples=4, **fields) -> Reference:
    """A reference of a detector that is too small to look for bad pixels in."""
    noise = np.random.default_rng(int(level)).integers(-3, 4, (3, lines, samples))
    values = (level + 10 * np.arange(samples) + noise).astype(np.uint16)
    return measured(Cube(**{"values": values, "wavelengths_nm": NM, "quantity": "counts", **fields}))


def rig(made, exposure_ms):
    return Rig("cam", made.wavelengths_nm, made.samples, exposure_ms)


def test_gain_is_panel_over_white_minus_dark():
    white, dark = plain(4000), plain(100, lines=12)
    found = calibration_from_references(white, [dark], ReferenceOptions(panel=0.5))
    np.testing.assert_allclose(found.dark, dark.mean, rtol=1e-6)
    np.testing.assert_allclose(found.gain, 0.5 / (white.mean - dark.mean), rtol=1e-6)
    assert (found.bands, found.samples, found.invalid, *found.panel) == (3, 4, 0, 0.5, 0.5, 0.5)
    np.testing.assert_allclose((white.mean - found.dark) * found.gain, 0.5, rtol=1e-5)
    assert found.origin["white"] == {"name": "cube", "lines": 9, "exposure_ms": None}
    assert found.utc.endswith("+00:00")


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), t_white=st.floats(2.0, 12.0), t_raw=st.floats(2.0, 12.0), truth=st.floats(0.1, 0.9))
def test_a_scene_at_any_exposure_comes_out_as_it_is(seed, t_white, t_raw, truth):
    """White at one exposure, darks at two others, a scene at a fourth one."""
    detector = Detector(seed)
    darks = [detector.reference(0.0, exposure, lines=200) for exposure in (1.0, 20.0)]
    made = calibration_from_references(detector.reference(0.95, t_white, lines=200), darks, PANEL)
    folded = made.fold(rig(made, t_raw))
    raw = detector.counts(truth, t_raw, lines=200).mean(axis=1)
    found = (raw - folded.dark) * folded.gain
    # Noise of the white, the dark and the scene, of which 200 lines are averaged.
    error = np.abs(found - truth)[made.flaws == 0]
    assert np.median(error) < 0.004 and error.max() < 0.03
    np.testing.assert_allclose(made.dark_rate[made.flaws == 0], detector.rate[made.flaws == 0], atol=0.06)


def test_one_exposure_needs_no_growth_and_several_lie_on_a_line():
    detector = Detector()
    white = detector.reference(0.95, 10.0)
    assert calibration_from_references(white, [detector.reference(0.0, 10.0)] * 2, PANEL).dark_rate is None
    with pytest.raises(CubeError, match=r"cube was exposed for 2 ms, cube for 10 ms; record both with the same"):
        calibration_from_references(white, [detector.reference(0.0, 2.0)], PANEL)
    bent = [detector.reference(0.0, at, at=real) for at, real in ((2.0, 2.0), (10.0, 100.0), (20.0, 20.0))]
    with pytest.raises(CubeError, match=r"the darks at 2, 10, 20 ms do not lie on a line, they are up to"):
        calibration_from_references(white, bent, PANEL)


@pytest.mark.parametrize(("of_white", "of_dark", "option"), [(10.0, None, "dark"), (None, 10.0, "white")])
def test_an_exposure_that_one_of_them_does_not_say_is_asked_for(of_white, of_dark, option):
    detector = Detector()
    white, dark = detector.reference(0.95, of_white, at=10.0), detector.reference(0.0, of_dark, at=10.0)
    with pytest.raises(CubeError, match=f"cube does not say its exposure, .* --{option}-exposure MS"):
        calibration_from_references(white, [dark], PANEL)


def test_bad_pixels_are_found_and_no_others():
    detector = Detector()
    made = calibration_from_references(detector.reference(0.95, 10.0), [detector.reference(0.0, 10.0)], PANEL)
    found = {name: np.argwhere(made.flaws & bit).tolist() for name, bit in FLAWS.items() if (made.flaws & bit).any()}
    assert found == {"hot": [[*HOT]], "odd response": [[*DEAD]], "noisy": [[*NOISY]]}
    assert np.isnan(made.gain[HOT]) and not made.low_denominator.any()
    np.testing.assert_allclose(made.dark_noise, 2.0, rtol=0.2)


def test_bad_pixels_may_be_listed(tmp_path):
    listed = tmp_path / "bad.csv"
    listed.write_text("band,sample\n0, 1  # a scratch\n2;3\n\n")
    options = ReferenceOptions(bad_pixels=listed)
    made = calibration_from_references(plain(4000), [plain(100)], options)
    assert np.argwhere(made.flaws == FLAWS["listed"]).tolist() == [[0, 1], [2, 3]]
    for text, message in [
        ("0,9", r"bad.csv, line 1: there is no band 0, sample 9; the references have 3 bands and 4 samples"),
        ("0.5 5", r"bad.csv, line 1: expected a band and a sample, from 0, got '0.5 5'"),
        ("0,1\n1,x", r"bad.csv, line 2: expected a band and a sample, from 0, got '1,x'"),
    ]:
        listed.write_text(text)
        with pytest.raises(CubeError, match=message):
            calibration_from_references(plain(4000), [plain(100)], options)
    listed.unlink()
    with pytest.raises(CubeError, match=r"cannot read .*bad.csv: .*; check --bad-pixels"):
        calibration_from_references(plain(4000), [plain(100)], options)


def test_a_real_dark_has_few_hot_pixels():
    """Of 978 x 1600 elements of a Headwall camera, in counts of 2 to 47."""
    dark = measured(open_cube(shared_file("data/darkReference.hdr")))
    assert dark.lines == 1 and 0 < np.count_nonzero(hot(dark.mean)) < 100


def test_what_is_too_dark_or_never_measured_has_no_gain():
    values = np.full((3, 9, 4), 4000, np.uint16) + np.arange(9, dtype=np.uint16)[:, None] % 3
    values[1, :, 2] = 105
    values[2, :, 3] = 65535
    white = measured(Cube(values=values, wavelengths_nm=NM, quantity="counts", ignore_value=65535))
    found = calibration_from_references(white, [plain(100)])
    assert found.flaws[1, 2] == FLAWS["low denominator"] and found.flaws[2, 3] == FLAWS["not measured"]
    assert found.invalid == 2 and np.isfinite(found.dark).all()


def test_a_scene_can_be_its_own_white():
    scene = plain(3000, lines=6)
    found = calibration_from_references(scene, options=ReferenceOptions(panel=1.0, average_samples=True))
    assert found.samples == 1 and (found.dark == 0).all()
    np.testing.assert_allclose(found.gain[:, 0], 1 / scene.mean.mean(axis=1), rtol=1e-6)
    found.fold(Rig("another width", NM, 77))
    # Dark places of a scene count as much as bright ones; what is saturated does not.
    values = np.full((3, 9, 4), 3000, np.uint16)
    values[:, :, 0], values[:, :, 1] = 5, 4095
    scene = measured(Cube(values=values, wavelengths_nm=NM, quantity="counts"), bits=12)
    found = calibration_from_references(scene, options=ReferenceOptions(panel=1.0, average_samples=True))
    np.testing.assert_allclose(found.gain[:, 0], 3 / 6005, rtol=1e-6)


@pytest.mark.parametrize(
    ("white", "dark", "message"),
    [
        (
            plain(4000),
            plain(100, samples=5),
            r"cube has 3 bands x 4 samples, cube has 3 bands x 5 samples; record both",
        ),
        (plain(4000), plain(100, wavelengths_nm=NM + 3), "cube has band 0 at 500 nm, cube at 503 nm; record both"),
        (plain(100), plain(4000), "cube is nowhere 10 counts brighter than the dark; check which reference is which"),
    ],
)
def test_references_that_do_not_fit(white, dark, message):
    with pytest.raises(CubeError, match=message):
        calibration_from_references(white, [dark])


def test_references_of_two_cameras_are_refused_unless_the_user_insists():
    white, dark = plain(4000), plain(100)
    ones = [replace(each, facts=replace(each.facts, serial=name)) for each, name in ((white, "A1"), (dark, "B2"))]
    with pytest.raises(CubeError, match=r"serial number A1, cube of serial number B2; record both .*--any-camera"):
        calibration_from_references(ones[0], ones[1:])
    made = calibration_from_references(ones[0], ones[1:], ReferenceOptions(any_camera=True))
    assert made.serial == "A1"


def test_a_mosaic_is_taken_over():
    white = plain(4000)
    white = replace(white, facts=replace(white.facts, provenance={"mosaic": ["2x2+1+0", 2, 0, -1, 1]}))
    made = calibration_from_references(white, [plain(100)])
    assert (made.mosaic, made.mosaic_order) == ((2, 2, 1, 0), (2, 0, -1, 1))


def test_impossible_choices():
    with pytest.raises(ValueError, match="--panel is the white reference's reflectance, above 0 and up to 1, got 99"):
        calibration_from_references(plain(4000), options=ReferenceOptions(panel=99.0))
    with pytest.raises(ValueError, match="--least-counts must be above 0"):
        ReferenceOptions(least_counts=0.0)


@pytest.mark.parametrize("text", ["400,0.5\n500,0.6\n800,0.9\n", "# x\nnm;R\n800;0,9\n500;0,6\n400;0,5\n"])
def test_the_panel_may_be_a_table(tmp_path, text):
    table = tmp_path / "panel.csv"
    table.write_text(text)
    made = calibration_from_references(plain(4000), options=ReferenceOptions(panel=str(table)))
    np.testing.assert_allclose(made.panel, [0.6, 0.7, 0.8])
    np.testing.assert_allclose(made.gain, made.panel[:, None] / plain(4000).mean, rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("400,0.5\n690,0.6\n", r"from 400 to 690 nm, the bands lie from 500 to 700 nm; take a table that covers them"),
        ("510,0.5\n800,0.6\n", r"from 510 to 800 nm, the bands lie from 500 to 700 nm"),
        ("400,50\n800,60\n", r"reflectances from 50 to 60, expected above 0 and up to 1; divide percent by 100"),
        ("400,0.5\n400,0.6\n", r"names a wavelength twice"),
        ("400,0.5\n800,x\n", r"panel.csv, row 2: expected a wavelength in nm and a reflectance, got '800,x'"),
        ("nm,R\n", r"has fewer than two rows"),
        (None, r"cannot read .*panel.csv.*; --panel takes a number such as 0.99, or a CSV file"),
    ],
)
def test_panel_tables_that_cannot_be_used(tmp_path, text, message):
    table = tmp_path / "panel.csv"
    if text is not None:
        table.write_text(text)
    with pytest.raises(CubeError, match=message):
        calibration_from_references(plain(4000), options=ReferenceOptions(panel=str(table)))
