"""References to a calibration, and its file."""

from __future__ import annotations

import numpy as np
import pytest

from focus.calib import calibration_from_references
from focus.calib.commands import main
from focus.runtime import Calibration, CubeError
from focus.runtime._calibration import Rig
from focus.runtime.cubes import Cube, write_npz
from support.shared import shared_file

WAVELENGTHS = np.array([500.0, 600.0, 700.0])


def reference(level, lines=5, samples=4, **fields) -> Cube:
    noise = np.random.default_rng(int(level)).integers(-3, 4, (3, lines, samples))
    values = (level + 10 * np.arange(samples) + noise).astype(np.uint16)
    return Cube(**{"values": values, "wavelengths_nm": WAVELENGTHS, "quantity": "counts", **fields})


def test_gain_is_panel_over_white_minus_dark():
    white, dark = reference(4000), reference(100, lines=9)
    found = calibration_from_references(white, dark, panel=0.5)
    means = [cube.values.astype(float).mean(axis=1) for cube in (white, dark)]
    np.testing.assert_allclose(found.dark, means[1], rtol=1e-6)
    np.testing.assert_allclose(found.gain, 0.5 / (means[0] - means[1]), rtol=1e-6)
    assert (found.bands, found.samples, found.invalid, *found.panel) == (3, 4, 0, 0.5, 0.5, 0.5)
    # The panel itself, calibrated, has the panel's reflectance.
    np.testing.assert_allclose(((means[0] - found.dark) * found.gain), 0.5, rtol=1e-5)


def test_blocks_of_lines_change_nothing(monkeypatch):
    from focus.calib import _references

    whole = calibration_from_references(reference(4000, lines=11))
    monkeypatch.setattr(_references, "BLOCK_VALUES", 25)
    pieces = calibration_from_references(reference(4000, lines=11))
    np.testing.assert_array_equal(whole.gain, pieces.gain)


def test_what_is_too_dark_or_invalid_is_counted():
    white = reference(4000)
    values = white.values.copy()
    values[1, :, 2] = 105
    values[2, :, 3] = 65535
    white = Cube(values=values, wavelengths_nm=WAVELENGTHS, quantity="counts", ignore_value=65535)
    found = calibration_from_references(white, reference(100))
    assert found.invalid == 2 and np.isnan(found.gain[1, 2]) and np.isnan(found.gain[2, 3])
    assert np.isfinite(found.dark).all()


def test_a_scene_can_be_its_own_white():
    scene = reference(3000, lines=6)
    found = calibration_from_references(scene, panel=1.0, average_samples=True)
    assert found.samples == 1 and (found.dark == 0).all()
    mean = scene.values.astype(float).mean(axis=(1, 2))
    np.testing.assert_allclose(found.gain[:, 0], 1 / mean, rtol=1e-6)
    found.fold(Rig("another width", WAVELENGTHS, 77))


@pytest.mark.parametrize(
    ("white", "dark", "message"),
    [
        (reference(4000), reference(100, samples=5), r"cube has 3 bands x 5 samples, cube has 3 x 4; record both"),
        (reference(4000), reference(100, wavelengths_nm=WAVELENGTHS + 3), "cube has band 0 at 503 nm, cube at 500 nm"),
        (reference(4000, exposure_ms=5.0), reference(100, exposure_ms=8.0), "was exposed for 8 ms, cube for 5 ms"),
        (reference(4000, quantity="reflectance"), None, "cube holds reflectance, a reference must hold raw counts"),
        (
            reference(100),
            reference(4000),
            "cube is nowhere 10 counts brighter than the dark; check which file is which",
        ),
    ],
)
def test_refuses_references_that_do_not_fit(white, dark, message):
    with pytest.raises(CubeError, match=message):
        calibration_from_references(white, dark)


def test_refuses_impossible_choices():
    with pytest.raises(ValueError, match="--panel is the white reference's reflectance, above 0 and up to 1, got 99"):
        calibration_from_references(reference(4000), panel=99.0)
    with pytest.raises(ValueError, match="--least-counts must be above 0"):
        calibration_from_references(reference(4000), least_counts=0.0)


def test_command(tmp_path, capsys):
    write_npz(reference(4000), tmp_path / "white.npz")
    write_npz(reference(100), tmp_path / "dark.npz")
    out = tmp_path / "rig.focuscal"
    arguments = ["reference", "--white", str(tmp_path / "white.npz"), "--dark", str(tmp_path / "dark.npz")]
    assert main([*arguments, "--panel", "0.5", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"3 bands x 4 samples, 0 of 12 invalid\nwrote {out}\n"
    assert (Calibration.load(out).panel == 0.5).all()
    assert main([*arguments, "--out", str(out)]) == 2
    assert "rig.focuscal exists; choose another --out" in capsys.readouterr().err
    assert main(["show", str(out)]) == 0
    said = capsys.readouterr().out
    assert "bands      3, 500.0-700.0 nm" in said and "panel      0.5" in said and Calibration.load(out).sha256 in said
    assert main(["show", str(tmp_path / "white.npz")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_command_refuses_a_real_dark_of_another_size(tmp_path, capsys):
    white, dark = (shared_file(f"data/{name}.hdr") for name in ("corn-kernel-hyperspectral", "darkReference"))
    arguments = ["reference", "--white", str(white)]
    assert main([*arguments, "--dark", str(dark), "--out", str(tmp_path / "x.focuscal")]) == 2
    assert "978 bands x 1600 samples, corn-kernel-hyperspectral.raw has 580 x 43" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
