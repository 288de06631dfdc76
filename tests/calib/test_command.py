"""``focus-calib reference`` and ``show``, with files and with cameras."""

from __future__ import annotations

import io
import sys
from contextlib import ExitStack

import numpy as np
import pytest
from PIL import Image

from focus.calib.commands import main
from focus.runtime import Calibration
from focus.runtime.cameras._scene import Scene
from focus.runtime.cameras._stream_header import StreamHeader
from focus.runtime.cubes import write_npz
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
    assert "cannot open" in says(capsys, "reference", "--white", str(tmp_path / "no.npz"), *out)
    assert "sim: brings its own calibration" in says(capsys, "reference", "--white", "sim:", *out)
    assert "--panel is the white reference's reflectance" in says(capsys, *given, "--panel", "95")
    assert "was exposed for 2 ms, white.npz for 10 ms" in says(
        capsys, *given[:-4], "--white-exposure", "10", "--dark-exposure", "2", *out
    )
    assert not (tmp_path / "rig.focuscal").exists()


def test_a_real_dark_of_another_size(tmp_path, capsys):
    white, dark = (shared_file(f"data/{name}.hdr") for name in ("corn-kernel-hyperspectral", "darkReference"))
    said = says(capsys, "reference", "--white", str(white), "--dark", str(dark), "--out", str(tmp_path / "x.focuscal"))
    assert "has 580 bands x 43 samples, darkReference has 978 bands x 1600 samples; record both" in said
    assert not list(tmp_path.iterdir())


def scene(reflectance, exposure_ms, name="rig 7") -> Scene:
    values = DETECTOR.counts(reflectance, exposure_ms, 200).transpose(1, 0, 2)
    header = StreamHeader(24, 64, np.dtype("<u2"), DETECTOR.wavelengths_nm, name=name, bits=12, exposure_ms=exposure_ms)
    return Scene(header, lambda: iter(values), len(values))


def test_from_a_camera_step_by_step(tmp_path, capsys, monkeypatch):
    """One camera, covered and uncovered by somebody at a terminal, who presses Enter when it is so."""
    uri, out, asked = f"unix:{tmp_path}/camera", tmp_path / "rig.focuscal", []

    class Terminal(io.StringIO):
        def isatty(self):
            return True

        def readline(self, *_):
            asked.append(capsys.readouterr().err)
            show = scene(0.0, 10.0) if "cover" in asked[-1] else scene(0.95, 10.0)
            cameras.enter_context(Played(uri, show, lines=50))
            return "\n"

    monkeypatch.setattr(sys, "stdin", Terminal())
    arguments = ["reference", "--white", uri, "--dark", uri, "--panel", "0.95", "--out", str(out)]
    with ExitStack() as cameras:
        assert main(arguments) == 0
    assert asked == ["dark: cover the lens, then press Enter\n", "white: put the panel into view, then press Enter\n"]
    made = Calibration.load(out)
    assert (made.exposure_ms, made.bits, made.shift, made.camera) == (10.0, 12, 0, "rig 7")
    assert made.origin["dark"] == [{"name": "rig 7", "lines": 50, "exposure_ms": 10.0}]
    good = made.flaws == 0
    np.testing.assert_allclose(made.dark[good], DETECTOR.dark(10.0)[good], atol=2)
    np.testing.assert_allclose(made.signal[good], 9.5 * DETECTOR.response[good], rtol=0.02)


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
