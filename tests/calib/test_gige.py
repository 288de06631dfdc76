"""References straight from a GigE Vision camera: Aravis' fake one, whose picture moves."""

from __future__ import annotations

import io
import sys

import pytest

from focus.calib.commands import main
from focus.runtime import Calibration, CubeError
from focus.runtime.sources import SourceOptions, source_from_uri
from support.fake_gige import ADDRESS, SERIAL, FakeGige, alone, require_aravis

pytestmark = pytest.mark.peer

FEATURES = ["PixelFormat=Mono8", "Width=64", "Height=16", "AcquisitionFrameRate=100", "ExposureTimeAbs=5000"]


@pytest.fixture
def camera(monkeypatch):
    require_aravis(monkeypatch)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with alone():
        fake = FakeGige()
        yield f"gige://{ADDRESS}"
        fake.kill()


def test_a_moving_picture_is_no_panel_and_the_camera_says_who_it_is(camera, tmp_path, capsys):
    out = tmp_path / "rig.focuscal"
    settings = [word for feature in FEATURES for word in ("--set", feature)]
    arguments = ["reference", "--white", camera, *settings, "--wavelengths", "400:1000", "--out", str(out)]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "record it again, or take it as it is with --accept-faulty" in said and not out.exists()
    assert main([*arguments, "--accept-faulty", "--lines", "20"]) == 0
    made = Calibration.load(out)
    assert (made.serial, made.exposure_ms, made.bits, made.bands, made.samples) == (SERIAL, 5.0, 8, 16, 64)
    assert made.origin["white"]["lines"] == 20
    longer = [*FEATURES[:-1], "ExposureTimeAbs=8000"]
    with pytest.raises(CubeError, match=r"is for 5 ms, .* is exposed for 8 ms; set the camera to 5 ms, or make a"):
        source_from_uri(camera, SourceOptions(calibration=made, features=longer))
