"""``focus-calib reference`` and ``show``, with files and with cameras."""

from __future__ import annotations

import io
import sys
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from focus.calib.commands import main
from focus.runtime import Calibration
from focus.runtime.cameras._mosaic import Mosaic, mosaic_of
from focus.runtime.cameras._scene import Scene
from focus.runtime.cameras._stream_header import StreamHeader
from focus.runtime.cubes import write_npz
from focus.runtime.sources import SourceOptions
from support.rigs import Detector
from support.shared import shared_file
from support.streams import Played

DETECTOR = Detector(1)


@pytest.fixture
def recordings(tmp_path):
    """A white and a dark reference at 10 ms, and a dark at 2 ms, as arguments."""
    for name, reflectance, exposure in (("white", 0.95, 10.0), ("dark", 0.0, 10.0), ("dark2", 0.0, 2.0)):
        write_npz(DETECTOR.cube(reflectance, exposure, quantity=None), tmp_path / f"{name}.npz")
    given = ["--white", str(tmp_path / "white.npz"), "--dark", str(tmp_path / "dark.npz"), "--bit-depth", "12"]
    return [*given, "--white-exposure", "10", "--dark-exposure", "10"]


def says(capsys, *arguments, code=2) -> str:
    assert main([*arguments]) == code
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_from_recordings(tmp_path, capsys, recordings):
    out = tmp_path / "rig.focuscal"
    reference = ["reference", *recordings, "--panel", "0.95", "--out", str(out)]
    assert main(reference) == 0
    said = capsys.readouterr().out
    assert "24 bands x 64 samples, 3 of 1536 elements without a gain\n  hot: 1\n  noisy: 1\n  odd response: 1\n" in said
    assert f"wrote {out}; look at it with focus-calib show" in said
    made = Calibration.load(out)
    assert (made.exposure_ms, made.bits, made.dark_rate) == (10.0, 12, None)
    assert "rig.focuscal exists; choose another --out" in says(capsys, *reference)
    grown = [*reference, "--dark", str(tmp_path / "dark2.npz"), "--dark-exposure", "2", "--overwrite"]
    assert main(grown) == 0
    assert Calibration.load(out).dark_rate is not None


def test_wrong_usage_names_the_help_of_its_kind(capsys):
    for given in (["reference", "--whit", "x"], ["reference", "--white", "x", "--out", "y", "--bogus"]):
        assert "; see focus-calib reference --help" in says(capsys, *given)
    assert "unrecognized arguments: --bogus; see focus-calib show --help" in says(capsys, "show", "x", "--bogus")
    assert "; see focus-calib --help" in says(capsys, "make")


def test_show_draws_and_prints(tmp_path, capsys, recordings, monkeypatch):
    out = tmp_path / "rig.focuscal"
    assert main(["reference", *recordings, "--panel", "0.95", "--out", str(out)]) == 0
    capsys.readouterr()
    monkeypatch.chdir(tmp_path)
    assert main(["show", str(out)]) == 0
    said = capsys.readouterr().out
    rows = {line[:14].strip(): line[14:].strip() for line in said.splitlines() if line[:1] != " "}
    assert rows["bands"] == "24, 450.0-900.0 nm" and rows["samples"] == "64" and rows["panel"] == "0.95"
    assert rows["exposure"] == "10 ms; holds for this one only" and rows["words"] == "12 bits, 0 unused low bits"
    assert rows["without gain"] == "3 of 1536: hot 1, noisy 1, odd response 1"
    assert said.endswith("wrote rig.png\n")
    picture = np.asarray(Image.open(tmp_path / "rig.png").convert("RGB"))
    assert picture.shape[0] > 600 and picture.shape[1] > 1000 and len(np.unique(picture.reshape(-1, 3), axis=0)) > 200
    assert main(["show", str(out), "--out", str(tmp_path / "other.png")]) == 0 and (tmp_path / "other.png").is_file()


def test_show_takes_what_is_least_known(tmp_path, capsys):
    ones = np.ones((3, 1), np.float32)
    made = Calibration(0 * ones, ones * np.float32([[1], [np.nan], [2]]), np.array([400.0, 500.0, 600.0]), 1.0)
    made.save(tmp_path / "a.focuscal")
    assert main(["show", str(tmp_path / "a.focuscal"), "--out", str(tmp_path / "a.png")]) == 0
    said = capsys.readouterr().out
    assert "not known, so not checked" in said and "1 (the same for every sample)" in said
    assert "1 of 3: low denominator 1" in said
    assert "is not a FOCUS calibration" in says(capsys, "show", str(tmp_path / "a.png"))


def test_wrong_input(tmp_path, capsys, recordings):
    out = ["--out", str(tmp_path / "rig.focuscal")]
    given = ["reference", *recordings, *out]
    assert "--dark-exposure goes with --dark one by one, got 2 for 1" in says(capsys, *given, "--dark-exposure", "3")
    assert "--lines must be 1 or more, got 0" in says(capsys, *given, "--lines", "0")
    assert "white.npz is no text; --panel takes a number" in says(
        capsys, *given, "--panel", str(tmp_path / "white.npz")
    )
    assert "white.npz is no text; --bad-pixels lists" in says(
        capsys, *given, "--bad-pixels", str(tmp_path / "white.npz")
    )
    assert "cannot open" in says(capsys, "reference", "--white", str(tmp_path / "no.npz"), *out)
    assert "sim: target must be one of leaves, white, dark, got 'grey'" in says(
        capsys, "reference", "--white", "sim:target=grey", *out
    )
    assert "--panel is the white reference's reflectance" in says(capsys, *given, "--panel", "95")
    assert "was exposed for 2 ms, white.npz for 10 ms" in says(
        capsys, *given[:-4], "--white-exposure", "10", "--dark-exposure", "2", *out
    )
    assert not (tmp_path / "rig.focuscal").exists()


def test_the_simulated_camera_has_the_references_that_it_says(tmp_path):
    from focus.runtime.sources import source_from_uri

    out, small = tmp_path / "sim.focuscal", "leaves=1,samples=48,leaf=48"
    places = ["--white", f"sim:target=white,{small}", "--dark", f"sim:target=dark,{small}", "--panel", "1"]
    assert main(["reference", *places, "--lines", "60", "--out", str(out)]) == 0
    made, own = Calibration.load(out), source_from_uri(f"sim:{small}").facts
    assert made.invalid == 0 and made.bits == 12
    np.testing.assert_allclose(made.dark, own.dark, atol=2)
    np.testing.assert_allclose(made.gain, own.gain, rtol=0.05)


def test_a_real_dark_of_another_size(tmp_path, capsys):
    white, dark = (shared_file(f"data/{name}.hdr") for name in ("corn-kernel-hyperspectral", "darkReference"))
    said = says(capsys, "reference", "--white", str(white), "--dark", str(dark), "--out", str(tmp_path / "x.focuscal"))
    assert "has 580 bands x 43 samples, darkReference has 978 bands x 1600 samples; record both" in said
    assert not list(tmp_path.iterdir())


def scene(reflectance, exposure_ms, name="rig 7") -> Scene:
    values = DETECTOR.counts(reflectance, exposure_ms, 200).transpose(1, 0, 2)
    header = StreamHeader(24, 64, np.dtype("<u2"), DETECTOR.wavelengths_nm, name=name, bits=12, exposure_ms=exposure_ms)
    return Scene(header, lambda: iter(values), len(values))


@pytest.fixture
def somebody(tmp_path, capsys, monkeypatch):
    """Somebody at a terminal, who covers and uncovers a camera when asked to, and then presses Enter.

    Called with what the camera sends covered and uncovered, and the arguments of ``focus-calib reference``; gives the
    questions and the calibration.
    """
    uri, out = f"unix:{tmp_path}/camera", tmp_path / "rig.focuscal"

    def answers(covered, uncovered, *arguments):
        asked = []

        class Terminal(io.StringIO):
            def isatty(self):
                return True

            def readline(self, *_):
                asked.append(capsys.readouterr().err)
                cameras.enter_context(Played(uri, covered if "cover" in asked[-1] else uncovered, lines=50))
                return "\n"

        monkeypatch.setattr(sys, "stdin", Terminal())
        with ExitStack() as cameras:
            assert main(["reference", "--white", uri, "--dark", uri, "--out", str(out), *arguments]) == 0
        return asked, Calibration.load(out)

    return answers


def test_from_a_camera_step_by_step(somebody):
    asked, made = somebody(scene(0.0, 10.0), scene(0.95, 10.0), "--panel", "0.95")
    assert asked == ["dark: cover the lens, then press Enter\n", "white: put the panel into view, then press Enter\n"]
    assert (made.exposure_ms, made.bits, made.shift, made.camera) == (10.0, 12, 0, "rig 7")
    assert made.origin["dark"] == [{"name": "rig 7", "lines": 50, "exposure_ms": 10.0}]
    good = made.flaws == 0
    np.testing.assert_allclose(made.dark[good], DETECTOR.dark(10.0)[good], atol=2)
    np.testing.assert_allclose(made.signal[good], 9.5 * DETECTOR.response[good], rtol=0.02)


def mosaic_scene(light) -> Scene:
    """Frames of 7 x 8 pixels: from row 1 on a pattern of 2 x 2, whose places see ``light`` counts above 100."""
    places = np.tile(np.reshape(light, (2, 2)), (3, 4))
    frame = np.vstack([np.full((1, 8), 4000), 100 + places])
    noise = np.random.default_rng(0).integers(-2, 3, (50, 7, 8))
    frames = (frame + noise).astype("<u2")
    header = StreamHeader(7, 8, np.dtype("<u2"), name="mosaic", bits=12, exposure_ms=5.0)
    return Scene(header, lambda: iter(frames), len(frames))


def test_a_mosaic_camera_and_the_order_of_its_bands(somebody, tmp_path):
    table = tmp_path / "pattern.csv"
    table.write_text("wavelength,fwhm\n700,14\n500,10\n800,16\n600,12\n")
    light = [700, 500, 800, 600]
    _, made = somebody(
        mosaic_scene([0, 0, 0, 0]), mosaic_scene(light), "--mosaic", "2x2+1+0", "--wavelengths", str(table)
    )
    assert (made.mosaic, made.mosaic_order) == ((2, 2, 1, 0), (2, 0, 3, 1))
    np.testing.assert_array_equal(made.wavelengths_nm, [500, 600, 700, 800])
    np.testing.assert_array_equal(made.fwhm_nm, [10, 12, 14, 16])
    np.testing.assert_allclose(made.signal, np.broadcast_to([[500], [600], [700], [800]], (4, 4)), atol=1)
    assert mosaic_of(SourceOptions(calibration=made)) == Mosaic(2, 2, 1, 0, (2, 0, 3, 1))


def test_nobody_is_there_to_cover_the_lens(tmp_path, capsys, monkeypatch):
    uri = f"unix:{tmp_path}/camera"
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    said = says(capsys, "reference", "--white", uri, "--dark", uri, "--out", str(tmp_path / "rig.focuscal"))
    assert f"both come from {uri}, and there is no terminal to say when to cover its lens" in said


def test_the_white_of_a_camera_and_the_dark_of_a_file(tmp_path, monkeypatch):
    uri, out = f"unix:{tmp_path}/camera", tmp_path / "rig.focuscal"
    write_npz(DETECTOR.cube(0.0, 10.0, quantity=None), tmp_path / "dark.npz")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    dark = ["--dark", str(tmp_path / "dark.npz"), "--dark-exposure", "10"]
    with Played(uri, scene(0.95, 10.0), lines=90):
        assert main(["reference", "--white", uri, *dark, "--out", str(out)]) == 0
    made = Calibration.load(out)
    assert (made.origin["white"]["lines"], made.origin["dark"][0]["lines"]) == (90, 40)
    assert (made.camera, made.exposure_ms) == ("rig 7", 10.0)


def test_a_folder_that_is_not_there_is_said_before_anything_is_taken(tmp_path, capsys):
    nowhere = tmp_path / "nowhere" / "rig.focuscal"
    said = says(capsys, "reference", "--white", str(tmp_path / "none.npz"), "--out", str(nowhere))
    assert f"cannot write {nowhere}: there is no folder {nowhere.parent}; make it" in said


def test_options_that_no_reference_has_a_use_for(tmp_path, capsys, recordings):
    given = ["reference", *recordings, "--out", str(tmp_path / "rig.focuscal")]
    assert "--mosaic is for a camera, and no reference is one" in says(capsys, *given, "--mosaic", "4x4")
    assert "--timeout is for a camera" in says(capsys, *given, "--timeout", "3")
    assert "--wait" in says(capsys, *given, "--wait")
    from_camera = [
        "reference",
        "--white",
        "tcp://127.0.0.1:7999",
        "--axes",
        "hwc",
        "--out",
        str(tmp_path / "x.focuscal"),
    ]
    assert "--axes is for a recording, and no reference is one" in says(capsys, *from_camera)


def test_references_of_other_widths_do_not_go_together(tmp_path, capsys, recordings):
    narrow = DETECTOR.cube(0.95, 10.0, quantity=None)
    write_npz(replace(narrow, values=narrow.values[:, :, :1]), tmp_path / "white.npz")
    said = says(capsys, "reference", *recordings, "--out", str(tmp_path / "rig.focuscal"))
    assert "white.npz has 1 samples a line, dark.npz 64; record both references with one camera" in said
