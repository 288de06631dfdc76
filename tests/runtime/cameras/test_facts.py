"""Who says what a camera's lines are: the camera, the user, the calibration; and which camera a path names."""

from __future__ import annotations

import os
import socket
from dataclasses import replace

import numpy as np
import pytest

from focus.runtime import Calibration, CubeError
from focus.runtime._errors import CameraError
from focus.runtime.cameras import scheme_of
from focus.runtime.cameras._facts import Said, facts_of_camera
from focus.runtime.cameras._layout import FrameLayout
from focus.runtime.cameras._list import list_cameras
from focus.runtime.sources import FrameMeta, SourceOptions, source_from_uri

OWN = np.array([500.0, 600.0, 700.0])
RIG = Calibration(np.ones((3, 4), np.float32), np.full((3, 4), 0.01, np.float32), OWN + 1, panel=1.0)


def facts(options, **said):
    return facts_of_camera(
        Said(**{"name": "cam", "uri": "x:", "bands": 3, "samples": 4, "dtype": np.dtype("<u2"), **said}), options
    )


def test_the_calibration_says_what_the_camera_does_not():
    found = facts(SourceOptions(calibration=RIG))
    np.testing.assert_array_equal(found.wavelengths_nm, OWN + 1)
    np.testing.assert_array_equal(found.gain, RIG.gain)
    assert found.calibration is RIG and found.lines is None
    wide = replace(RIG, fwhm_nm=OWN / 100, bits=12, shift=4)
    found = facts(SourceOptions(calibration=wide), wavelengths_nm=OWN + 1)
    np.testing.assert_array_equal(found.fwhm_nm, OWN / 100)
    assert (found.bits, found.shift) == (12, 4)


def test_counts_can_be_had_as_they_are():
    found = facts(SourceOptions(raw=True), wavelengths_nm=OWN, exposure_ms=8.0, camera="FX10", serial="A1")
    assert (found.dark == 0).all() and (found.gain == 1).all() and found.shift == 0
    assert (found.exposure_ms, found.camera, found.serial) == (8.0, "FX10", "A1")
    with pytest.raises(CameraError, match="cam sends reflectance, a reference must hold raw counts"):
        facts(SourceOptions(raw=True), wavelengths_nm=OWN, quantity="reflectance")


def test_the_exposure_that_the_user_says_goes_before_the_camera():
    held = replace(RIG, exposure_ms=8.0)
    assert facts(SourceOptions(calibration=held, exposure_ms=8.0), exposure_ms=3.0).exposure_ms == 8.0
    with pytest.raises(CubeError, match="is for 8 ms, cam is exposed for 3 ms"):
        facts(SourceOptions(calibration=held), exposure_ms=3.0)


def test_another_camera_is_refused_unless_the_user_insists():
    held = replace(RIG, serial="A1")
    with pytest.raises(CubeError, match="serial number A1, cam of serial number B2"):
        facts(SourceOptions(calibration=held), serial="B2")
    assert facts(SourceOptions(calibration=held, any_camera=True), serial="B2").serial == "B2"


def test_the_camera_goes_before_the_calibration_and_the_user_before_the_camera():
    close = SourceOptions(calibration=Calibration(RIG.dark, RIG.gain, OWN + 0.2, panel=1.0))
    np.testing.assert_array_equal(facts(close, wavelengths_nm=OWN, fwhm_nm=OWN / 50).wavelengths_nm, OWN)
    given = SourceOptions(wavelengths_nm="400:800", quantity="reflectance", scale=100.0)
    found = facts(given, wavelengths_nm=OWN, fwhm_nm=OWN / 50)
    np.testing.assert_array_equal(found.wavelengths_nm, [400, 600, 800])
    assert found.fwhm_nm is None
    np.testing.assert_allclose(found.gain, 0.01)


@pytest.mark.parametrize(
    ("options", "said", "error", "message"),
    [
        (
            {},
            {},
            CameraError,
            r"cam sends 3 bands without saying their wavelengths; give --wavelengths FILE or START:STOP",
        ),
        ({}, {"wavelengths_nm": OWN}, CameraError, r"cam sends raw counts; give --calibration FILE"),
        ({"wavelengths_nm": OWN[:2]}, {}, CameraError, r"--wavelengths has 2 bands, cam sends 3; correct it"),
        ({"calibration": RIG}, {"wavelengths_nm": OWN}, CubeError, r"band 0 at 501 nm, cam at 500 nm"),
        (
            {"calibration": RIG},
            {"samples": 5},
            CubeError,
            r"x 4 samples, cam has 3 bands x 5 samples",
        ),
        ({"calibration": RIG}, {"quantity": "reflectance"}, CameraError, r"sends reflectance already; leave out"),
        ({"scale": 2.0, "wavelengths_nm": OWN}, {}, ValueError, r"--scale goes with --quantity reflectance"),
    ],
)
def test_what_nobody_says_is_asked_for(options, said, error, message):
    with pytest.raises(error, match=message):
        facts(SourceOptions(**options), **said)


def test_a_timeout_is_positive():
    with pytest.raises(ValueError, match="--timeout must be seconds, more than 0, got 0"):
        SourceOptions(timeout_s=0.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": ["Width=3"]}, r"--set goes with gige, usb3, gentl cameras; leave it out for tcp"),
        ({"packet_size": 1400}, r"--packet-size goes with gige cameras"),
        ({"transpose": True}, r"--transpose goes with v4l2, gige, usb3, gentl cameras"),
        ({"status_lines": 1}, r"--status-lines goes with v4l2, gige, usb3, gentl cameras"),
        ({"axes": "hwc"}, r"is a camera, whose lines are taken as they come; leave out --axes"),
        ({"variable": "cube"}, r"leave out --variable"),
    ],
)
def test_options_that_this_camera_does_not_have(options, message):
    with pytest.raises(ValueError, match=message):
        source_from_uri("tcp://127.0.0.1:9", SourceOptions(**options))


def test_a_path_is_what_it_is_not_what_it_is_called(tmp_path):
    os.mkfifo(tmp_path / "video0")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "fifo"))
        (tmp_path / "hsi0").symlink_to(tmp_path / "video0")
        assert [scheme_of(str(tmp_path / name)) for name in ("video0", "hsi0", "fifo")] == ["fifo", "fifo", "unix"]
    (tmp_path / "leaf").write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"leaf is no video device, FIFO or Unix socket; a recording is read with replay"
    ):
        scheme_of(str(tmp_path / "leaf"))
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"cannot read .*gone \(it leads to .*nowhere\): No such file or directory"):
        scheme_of(str(tmp_path / "gone"))


def test_uris_name_their_driver():
    uris = ["v4l2:/dev/video0", "gige://192.168.5.2", "usb3://SN1", "tcp://h:1", "unix:/x", "fifo:/x"]
    assert [scheme_of(uri) for uri in uris] == ["v4l2", "gige", "usb3", "tcp", "unix", "fifo"]
    assert scheme_of("leaf.hdr") is None and scheme_of("http://x") is None


def test_a_fifo_in_dev_is_listed(tmp_path):
    os.mkfifo(tmp_path / "hsi0")
    (tmp_path / "video9").write_bytes(b"")
    (tmp_path / "hsi1").symlink_to(tmp_path / "nowhere")
    found = [camera for camera in list_cameras(tmp_path, tmp_path).cameras if camera.kind == "byte stream"]
    assert [camera.uri for camera in found] == [str(tmp_path / "hsi0")]


def test_layouts_that_cannot_be():
    with pytest.raises(CameraError, match=r"--status-lines must be 0 to 3 for frames of 4 rows"):
        FrameLayout(4, 6, 12, np.dtype("<u2"), status_rows=4)
    with pytest.raises(CameraError, match=r"6 pixels of uint16 take 11 bytes; update its driver"):
        FrameLayout(4, 6, 11, np.dtype("<u2"))
    line, whole = np.zeros((4, 6), np.uint16), FrameMeta(7, 1, 2, 3)
    short = FrameLayout(4, 6, 12, np.dtype("<u2")).lines_of(bytes(47), whole, lambda: line)
    assert list(short) == [whole._replace(intact=False)]
