"""What a calibration makes of counts, which sources it fits, and its file."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from focus.kernels import ingest
from focus.runtime import Calibration, CubeError
from focus.runtime._calibration import FLAWS, Rig
from focus.runtime._calibration._file import MAGIC, VERSION
from focus.runtime.cubes import Cube
from focus.runtime.sources import Replay, WordFormat

NM = np.array([500.0, 600.0, 700.0])
ONES = np.ones((3, 4), np.float32)


def calibration(**fields) -> Calibration:
    return Calibration(**{"dark": 100 * ONES, "gain": 0.001 * ONES, "wavelengths_nm": NM, "panel": 0.9, **fields})


def rig(**fields) -> Rig:
    return Rig(**{"name": "cam", "wavelengths_nm": NM, "samples": 4, **fields})


@example(seed=0, exposures=(179.5, 179.625), shift=0, panel=1.0)  # a clock's rounding counts, where its rule is known
@given(
    seed=st.integers(0, 2**32 - 1),
    exposures=st.tuples(*[st.floats(0.05, 200.0)] * 2),
    shift=st.sampled_from([0, 4]),
    panel=st.floats(0.05, 1.0),
)
def test_ingest_computes_the_formula(seed, exposures, shift, panel):
    rng = np.random.default_rng(seed)
    (t_white, t_raw), (bands, samples) = exposures, (3, 8)
    bias, rate = rng.uniform(20, 300, (bands, samples)), rng.uniform(0, 0.5, (bands, samples))
    response = rng.uniform(3, 400, (bands, samples))
    dark_w, white = bias + rate * t_white, bias + (rate + response) * t_white
    spectra = rng.uniform(0.4, 1.0, bands) * panel
    made = Calibration(
        dark_w.astype(np.float32),
        (spectra[:, None] / (white - dark_w)).astype(np.float32),
        NM,
        spectra,
        exposure_ms=t_white,
        dark_rate=rate.astype(np.float32),
        shift=shift,
        bits=12,
    )
    folded = made.fold(rig(samples=samples, exposure_ms=t_raw))
    raw = rng.integers(0, 4095, (bands, 8, samples)).astype(np.uint16)
    weights = np.full((3, bands), 1 / 3)
    given = {"dark": folded.dark, "gain": folded.gain, "bits": folded.bits, "shift": folded.shift}
    found = ingest(raw << shift, 8, weights, **given)
    dark = bias + rate * t_raw
    wanted = ((raw - dark[:, None]) / t_raw) / ((white - dark_w) / t_white)[:, None] * spectra[:, None, None]
    np.testing.assert_allclose(
        found.band_means[0], wanted.mean(axis=(1, 2)), rtol=1e-4, atol=1e-4 * np.abs(wanted).max()
    )
    np.testing.assert_allclose(found.composite[0], wanted.mean(axis=0), rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


def test_the_same_exposure_changes_nothing_and_another_needs_a_rule():
    plain = calibration(exposure_ms=8.0)
    assert plain.fold(rig(exposure_ms=8.001)).gain is plain.gain
    with pytest.raises(CubeError, match=r"is for 8 ms, cam is exposed for 4 ms; set the camera to 8 ms, or make a"):
        plain.fold(rig(exposure_ms=4.0))
    with pytest.raises(CubeError, match=r"is for 8 ms, cam does not say its exposure; say it with --exposure MS"):
        plain.fold(rig())
    growing = calibration(exposure_ms=8.0, dark_rate=2 * ONES).fold(rig(exposure_ms=4.0))
    np.testing.assert_allclose(growing.dark, 92)
    np.testing.assert_allclose(growing.gain, 0.002)
    # Nobody knew the exposure when it was made, so it cannot be checked.
    assert calibration().fold(rig(exposure_ms=3.0)).dark[0, 0] == 100


@pytest.mark.parametrize(
    ("made", "seen", "message"),
    [
        (
            {},
            {"wavelengths_nm": NM[:2]},
            r"the calibration has 3 bands x 4 samples, cam has 2 bands x 4 samples; use",
        ),
        (
            {},
            {"wavelengths_nm": NM + np.array([0, 2, 0])},
            r"has band 1 at 600 nm, cam at 602 nm; use the calibration of this",
        ),
        ({}, {"samples": 5}, r"the calibration has 3 bands x 4 samples, cam has 3 bands x 5 samples"),
        (
            {"serial": "A1"},
            {"serial": "A2"},
            r"of the camera serial number A1, cam of serial number A2; .*--any-camera",
        ),
        ({"camera": "FX10"}, {"camera": "FX17"}, r"is of the camera FX10, cam of FX17; use the calibration of this"),
        ({"bits": 12}, {"bits": 16}, r"is of 12-bit words, those of cam have 16 bits; use .* or say --bit-depth 12"),
        ({"shift": 4}, {"shift": 0}, r"words with 4 unused low bits, those of cam have 0; .* correct --bit-shift"),
    ],
)
def test_another_rig_is_refused(made, seen, message):
    with pytest.raises(CubeError, match=message):
        calibration(**made).fold(rig(**seen))


def test_what_a_source_does_not_say_is_not_compared_and_comes_from_the_calibration():
    made = calibration(serial="A1", camera="FX10", bits=12, shift=4)
    folded = made.fold(rig())
    assert (folded.bits, folded.shift) == (12, 4)
    # The serial number decides where both have one: firmware changes names.
    made.fold(rig(serial="A1", camera="FX10 v2", bits=12, shift=4))
    made.fold(rig(serial="B2", any_camera=True))
    assert calibration(shift=2).fold(rig(bits=10, shift=2))[2:4] == (10, 2)
    assert calibration(dark=100 * ONES[:, :1], gain=ONES[:, :1]).fold(rig(samples=77)).dark.shape == (3, 1)


def test_flaws_say_why_there_is_no_gain():
    gain = 0.001 * ONES.copy()
    gain[0, 0] = gain[1, 1] = gain[2, 2] = np.nan
    flaws = np.zeros((3, 4), np.uint8)
    flaws[0, 0], flaws[1, 1], flaws[2, 2] = 1, FLAWS["hot"], FLAWS["hot"] | 1
    made = calibration(gain=gain, flaws=flaws)
    assert made.invalid == 3
    assert [name for name, count in made.flaw_counts.items() for _ in range(count)] == ["low denominator"] * 2 + [
        "hot"
    ] * 2
    assert np.argwhere(made.low_denominator).tolist() == [[0, 0]]
    np.testing.assert_allclose(made.signal[0, 1:], 900)
    assert calibration(gain=gain).flaw_counts["low denominator"] == 3
    with pytest.raises(ValueError, match="flaws must name one where gain is nan, and none elsewhere"):
        calibration(flaws=flaws)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"gain": ONES[:, :3]}, r"dark and gain must be \[3 bands, samples\], got \[3, 4\] and \[3, 3\]"),
        ({"fwhm_nm": NM[:2]}, r"fwhm_nm must be \[3\], got \[2\]"),
        ({"dark_rate": ONES[:, :3]}, r"dark_rate must be \[3, 4\], got \[3, 3\]"),
        ({"exposure_ms": 0.0}, r"exposure_ms must be a positive number or None, got 0"),
        ({"mosaic": (2, 2)}, r"a mosaic of 2 x 2 has 4 places, there are 3 bands"),
        ({"mosaic": (2, 2), "mosaic_order": (0, 1, 2, 2)}, r"must name each of the 3 bands once over 4 places"),
        ({"mosaic_order": (0, 1, 2)}, r"mosaic_order goes with mosaic"),
    ],
)
def test_what_cannot_be_a_calibration(fields, message):
    with pytest.raises(ValueError, match=message):
        calibration(**fields)


FULL = {
    "panel": np.array([0.9, 0.95, 0.99]), "origin": {"white": {"file": "w"}}, "fwhm_nm": NM / 100, "exposure_ms": 8.0,
    "dark_rate": 0.25 * ONES, "dark_noise": np.float32([1, 2, 3]), "white_noise": np.float32([4, 5, 6]), "bits": 12,
    "shift": 4, "mosaic": (2, 2), "mosaic_order": (2, 0, -1, 1), "camera": "FX10", "serial": "A1", "utc": "2026-11-25",
}  # fmt: skip


@pytest.mark.parametrize("fields", [{}, FULL])
def test_the_file_comes_back(tmp_path, fields):
    made = calibration(**fields)
    made.save(tmp_path / "rig.focuscal")
    read = Calibration.load(tmp_path / "rig.focuscal")
    for name, value in vars(made).items():
        np.testing.assert_equal(getattr(read, name), value, err_msg=name)
    assert read.sha256 == made.sha256
    assert json.loads(json.dumps(read.record))["exposure_ms"] == made.exposure_ms


def test_the_hash_tells_apart_what_makes_other_reflectance():
    others = [calibration(**{name: value}) for name, value in FULL.items() if name not in ("mosaic", "mosaic_order")]
    same = {calibration().sha256, *(made.sha256 for made in others)}
    # FWHM, noise, origin and date change no reflectance.
    assert len(same) == 1 + len(others) - 5


def test_what_is_no_calibration_file_is_refused(tmp_path):
    import hashlib

    file = tmp_path / "rig.focuscal"
    calibration().save(file)
    content = file.read_bytes()

    def packed(**arrays) -> bytes:
        out = io.BytesIO()
        np.savez(out, **arrays)
        return MAGIC + f" {VERSION} {hashlib.sha256(out.getvalue()).hexdigest()}\n".encode() + out.getvalue()

    arrays = {"dark": ONES, "gain": ONES, "wavelengths_nm": NM, "panel": NM / 1000, "flaws": np.zeros((3, 4), np.uint8)}
    facts = np.frombuffer(b'{"bits": 99}', np.uint8)
    for spoiled, message in [
        (content[:-1], "is damaged"),
        (content[:100] + bytes([content[100] ^ 1]) + content[101:], "is damaged"),
        (
            content.replace(b"FOCUSCAL 2", b"FOCUSCAL 1", 1),
            "is a calibration of version 1, this program reads 2; make it",
        ),
        (b"PK\x03\x04 something", "is not a FOCUS calibration"),
        (b"", "is not a FOCUS calibration"),
        (packed(**arrays), r"does not hold a calibration .*facts"),
        (packed(facts=facts, **arrays), r"does not hold a calibration \(bits: .*32\)"),
        (packed(facts=np.frombuffer(b'{"colour": 1}', np.uint8), **arrays), r"\(colour: Extra inputs"),
        (packed(facts=np.frombuffer(b"{}", np.uint8), **{**arrays, "gain": ONES[:2]}), r"dark and gain must be"),
    ]:
        file.write_bytes(spoiled)
        with pytest.raises(CubeError, match=message):
            Calibration.load(file)
    with pytest.raises(CubeError, match="no calibration file"):
        Calibration.load(tmp_path / "absent.focuscal")


def test_a_pickle_is_not_read(tmp_path):
    import hashlib

    out = io.BytesIO()
    np.savez(out, facts=np.array([{"a": 1}], dtype=object))
    file = tmp_path / "rig.focuscal"
    file.write_bytes(MAGIC + f" {VERSION} {hashlib.sha256(out.getvalue()).hexdigest()}\n".encode() + out.getvalue())
    with pytest.raises(CubeError, match=r"does not hold a calibration .*allow_pickle=False"):
        Calibration.load(file)


def counts(level=1100, **fields) -> Cube:
    values = np.full((3, 2, 4), level, np.uint16)
    return Cube(**{"values": values, "wavelengths_nm": NM, "quantity": "counts", **fields})


def test_a_recording_is_checked_against_exposure_and_serial_number():
    made = calibration(exposure_ms=8.0, serial="A1", fwhm_nm=NM / 100)
    header = {"sensorid": "B2"}
    scene = counts(exposure_ms=8.0)
    facts = Replay(scene, calibration=made).facts
    assert facts.exposure_ms == 8.0
    np.testing.assert_array_equal(facts.fwhm_nm, made.fwhm_nm)
    other = replace(scene, provenance=replace(scene.provenance, fields=header))
    with pytest.raises(CubeError, match="serial number A1, cube of serial number B2"):
        Replay(other, calibration=made)
    assert Replay(other, calibration=made, any_camera=True).facts.serial == "B2"


def test_depth_and_shift_are_the_calibrations_unless_given():
    made = calibration(bits=12, shift=4)
    stored = counts(1100 << 4)
    facts = Replay(stored, calibration=made).facts
    assert (facts.bits, facts.shift) == (12, 4)
    plain = Replay(stored, calibration=made, words=WordFormat(12, 4)).facts
    assert (plain.bits, plain.shift) == (12, 4)
