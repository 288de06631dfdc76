"""V4L2 through the real linuxpy, on a driver that the test plays: there is none here."""

from __future__ import annotations

import os
import select
import time

import numpy as np
import pytest

from focus.runtime._errors import CameraError, CameraLost
from focus.runtime.cameras._v4l2 import V4L2Camera
from focus.runtime.sources import SourceOptions
from support.played_v4l2 import PlayedDriver
from support.streams import lines_from

HELD = {"wavelengths_nm": "400:1000", "quantity": "reflectance", "scale": 4095.0}


@pytest.fixture
def plug(tmp_path, monkeypatch):
    """Plugs a camera in, under a link as udev makes it."""
    drivers = []

    def plug_in(width=6, height=4, **facts):
        driver = PlayedDriver(tmp_path / "video3", width, height, **facts)
        driver.install(monkeypatch)
        (tmp_path / "hsi0").symlink_to(tmp_path / "video3")
        drivers.append(driver)
        return driver

    plug_in.path = tmp_path / "hsi0"
    yield plug_in
    for driver in drivers:
        driver.close()


def opened(plug, **fields):
    return V4L2Camera(plug.path, SourceOptions(**{**HELD, **fields}))


def started(camera):
    line = np.zeros((camera.facts.bands, camera.facts.samples), camera.facts.dtype)
    lines = lines_from(camera, lambda: line)
    return line, lines


def in_step(driver, lines, content, sequence, **options):
    """Sends a frame, the first one as soon as the stream is on, and gives what the camera says of it."""

    def send():
        driver.frame(content, sequence, 10**9 * 5 + 1000 * sequence, **options)

    if driver.streaming:
        send()
    else:
        driver.when_on = send
    return next(lines)


def test_frames_are_lines(plug):
    driver = plug(form="Y12")
    camera = opened(plug)
    facts = camera.facts
    assert (facts.bands, facts.samples, facts.bits, facts.shift) == (4, 6, 12, 0)
    assert facts.provenance["device"].endswith("video3") and facts.name == "played"
    line, lines = started(camera)
    frame = np.arange(24, dtype=np.uint16).reshape(4, 6)
    for number in (7, 8):
        meta = in_step(driver, lines, (frame * number).tobytes(), number)
        np.testing.assert_array_equal(line, frame * number)
        assert (meta.sequence, meta.intact) == (number, True)
        assert meta.camera_ns == meta.monotonic_ns == 5 * 10**9 + 1000 * number
        since_boot = time.monotonic_ns() - meta.monotonic_ns
        assert abs(time.time_ns() - since_boot - meta.utc_ns) < 10**9
    assert len(driver.queued) == 31  # every buffer went back, but for that of the line that is being looked at
    lines.close()
    assert not driver.streaming


def test_padding_transposition_and_status_rows(plug):
    driver = plug(height=5, form="GREY", row_bytes=8)
    camera = opened(plug, transpose=True, status_lines=1)
    assert (camera.facts.bands, camera.facts.samples, camera.facts.dtype) == (6, 4, np.uint8)
    line, lines = started(camera)
    stored = np.arange(40, dtype=np.uint8).reshape(5, 8)
    in_step(driver, lines, stored.tobytes(), 0)
    np.testing.assert_array_equal(line, stored[:4, :6].T)
    lines.close()


def test_the_counter_wraps_without_a_gap(plug):
    driver = plug()
    _, lines = started(opened(plug))
    frame = bytes(48)
    sequences = [in_step(driver, lines, frame, number).sequence for number in (2**32 - 2, 2**32 - 1, 0, 2)]
    assert sequences == [2**32 - 2, 2**32 - 1, 2**32, 2**32 + 2]
    lines.close()


def test_a_frame_that_the_driver_marks_is_not_intact(plug):
    driver = plug()
    _, lines = started(opened(plug))
    assert not in_step(driver, lines, bytes(48), 0, error=True).intact
    assert in_step(driver, lines, bytes(48), 1).intact
    lines.close()


def test_an_unplugged_or_silent_camera_is_lost(plug):
    driver = plug()
    _, lines = started(opened(plug, timeout_s=0.2))
    in_step(driver, lines, bytes(48), 0)
    start = time.monotonic()
    with pytest.raises(CameraLost, match=r"played sent nothing for 0.2 s; check the camera and its cable"):
        next(lines)
    assert time.monotonic() - start < 1
    _, lines = started(opened(plug))
    in_step(driver, lines, bytes(48), 1)
    driver.unplug()
    with pytest.raises(CameraLost, match=r"played went away \(No such device\); plug it in again"):
        next(lines)


def test_bit_depth_and_alignment_are_what_the_user_says(plug):
    plug()
    camera = opened(plug, bits=12, shift=4)
    assert (camera.facts.bits, camera.facts.shift) == (12, 4)
    camera.close()


def test_formats_that_are_not_read(plug):
    plug(form="YUYV")
    with pytest.raises(CameraError, match=r"is set to YUYV, expected GREY, Y10, Y12, Y16; run v4l2-ctl -d .*video3"):
        opened(plug)


def test_nothing_there(tmp_path):
    with pytest.raises(CameraError, match=r"cannot open .*video9 \(No such file or directory\); check the camera"):
        V4L2Camera(tmp_path / "video9")


def test_a_device_that_goes_while_it_is_opened(plug):
    plug().gone = True
    with pytest.raises(CameraError, match=r"cannot open .*video3 \(No such device\); check the camera"):
        opened(plug)


def test_a_device_that_may_not_be_opened(plug, monkeypatch):
    plug()

    def refused(*_, **__):
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("linuxpy.io.IO.open", refused)
    with pytest.raises(CameraError, match=r"\(Permission denied\); check the camera and your rights to it"):
        opened(plug)


def test_a_frame_of_a_mosaic_sensor_is_a_cube(plug):
    driver = plug(width=4, height=5)
    camera = opened(plug, mosaic="2x2+1+0", wavelengths_nm=[500.0, 400.0, 700.0, 600.0])
    facts = camera.facts
    assert (facts.bands, facts.samples, facts.cube_lines) == (4, 2, 2)
    line, lines = started(camera)
    frame = np.arange(20, dtype=np.uint16).reshape(5, 4)
    first = in_step(driver, lines, frame.tobytes(), 5)
    np.testing.assert_array_equal(line, [[5, 7], [4, 6], [9, 11], [8, 10]])
    second = next(lines)
    np.testing.assert_array_equal(line, frame[3:, :].reshape(2, 2, 2).transpose(0, 2, 1).reshape(4, 2)[[1, 0, 3, 2]])
    assert (first.sequence, second.sequence) == (10, 11)
    damaged = in_step(driver, lines, frame.tobytes(), 8, error=True)
    assert [damaged.sequence, next(lines).sequence] == [16, 17] and not damaged.intact
    assert len(driver.queued) == 31  # the last one is still ours
    lines.close()


def test_moments_without_a_frame_are_told_and_an_error_is_no_frame(plug):
    class Polled:
        asked, answers = (), [[], [(0, select.POLLERR)]]

        def poll(self, timeout_ms):
            self.asked += (timeout_ms,)
            return self.answers.pop(0)

    plug()
    camera, polled = opened(plug), Polled()
    waits = camera._wait(polled, 1.0)
    assert next(waits) is None
    with pytest.raises(CameraLost, match="played went away; plug it in again"):
        next(waits)
    assert polled.asked == (50, 50)
    camera.close()
