"""GigE Vision against Aravis' fake camera, a process of its own on the loopback network."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from focus.runtime._errors import CameraError, CameraLost
from focus.runtime.cameras._aravis_device import open_device
from focus.runtime.sources import SourceOptions, source_from_uri
from support.fake_gige import ADDRESS, SERIAL, FakeGige, alone, require_aravis
from support.streams import lines_from

pytestmark = pytest.mark.peer

#: A Specim FX10's frame. The fake camera reaches some 250 of them a second on two cores.
FX10 = ["PixelFormat=Mono16", "Width=1024", "Height=224", "AcquisitionFrameRate=100", "ExposureTimeAbs=1000"]
SMALL = ["PixelFormat=Mono8", "Width=64", "Height=16", "AcquisitionFrameRate=100"]


@pytest.fixture
def power(monkeypatch):
    """Switches cameras on; all are off at the end."""
    require_aravis(monkeypatch)
    on = []

    def switch_on(**options):
        on.append(FakeGige(**options))
        return on[-1]

    with alone():
        yield switch_on
        for camera in on:
            camera.kill()


def opened(features, where=ADDRESS, **fields):
    options = {"wavelengths_nm": "400:1000", "quantity": "reflectance", "scale": 65535.0, **fields}
    return source_from_uri(f"gige://{where}", SourceOptions(features=features, **options))


def started(source):
    line = np.zeros((source.facts.bands, source.facts.samples), source.facts.dtype)
    return line, lines_from(source, lambda: line)


def test_lines_at_full_rate_without_loss_also_where_the_frame_ids_wrap(power):
    power()
    source = opened(FX10)
    facts = source.facts
    assert (facts.bands, facts.samples, facts.bits) == (224, 1024, 16)
    assert (facts.exposure_ms, facts.serial) == (1.0, SERIAL)
    _, lines = started(source)
    metas = list(itertools.islice(lines, 300))
    lines.close()
    # The fake camera's ids begin at 65401, so they wrap, and skip 0, on the way.
    assert metas[0].sequence < 65535 < metas[-1].sequence
    assert [meta.sequence for meta in metas] == list(range(metas[0].sequence, metas[0].sequence + 300))
    assert all(meta.intact for meta in metas)
    camera_ms = np.diff([meta.camera_ns for meta in metas]) / 1e6
    assert np.median(camera_ms) == pytest.approx(10, rel=0.05)
    assert all(abs(meta.utc_ns - time.time_ns()) < 60e9 for meta in metas)
    arrivals = [meta.monotonic_ns for meta in metas]
    assert arrivals == sorted(arrivals)


def test_pixels_arrive_as_they_were_sent(power):
    power()
    line, lines = started(opened(SMALL, where=SERIAL))
    next(lines)
    # The fake camera draws a diagonal ramp.
    np.testing.assert_array_equal(np.diff(line.astype(np.uint8), axis=1), 1)
    np.testing.assert_array_equal(np.diff(line.astype(np.uint8), axis=0), 1)
    lines.close()
    turned, lines = started(opened(SMALL, transpose=True, status_lines=2))
    assert turned.shape == (64, 14)
    next(lines)
    np.testing.assert_array_equal(np.diff(turned.astype(np.uint8), axis=0), 1)
    lines.close()


def test_a_frame_of_a_mosaic_sensor_is_a_cube(power):
    power()
    source = opened(SMALL, mosaic="4x4", wavelengths_nm=np.linspace(900, 600, 16))
    assert (source.facts.bands, source.facts.samples, source.facts.cube_lines) == (16, 16, 4)
    line, lines = started(source)
    metas = list(itertools.islice(lines, 8))
    assert [meta.sequence % 4 for meta in metas] == [0, 1, 2, 3] * 2
    assert len({meta.camera_ns for meta in metas[:4]}) == 1
    # The fake camera draws a diagonal ramp; the last place of the pattern has the shortest wavelength.
    steps = line[::-1].reshape(4, 4, 16).astype(np.uint8)
    for axis, step in ((0, 1), (1, 1), (2, 4)):
        np.testing.assert_array_equal(np.diff(steps, axis=axis), step)
    lines.close()


def test_lost_packets_are_counted(power):
    power(lost_per_thousand=2.0)
    _, lines = started(opened(FX10))
    metas = list(itertools.islice(lines, 200))
    lines.close()
    span = metas[-1].sequence - metas[0].sequence + 1
    received, rejected = sum(meta.intact for meta in metas), sum(not meta.intact for meta in metas)
    # 330 packets a frame: about half of the frames lose one.
    assert 40 < received < 160
    assert received + rejected == 200 and span - 200 <= 4
    assert len({meta.sequence for meta in metas}) == 200


def test_a_killed_camera_is_missed_within_two_seconds_and_can_be_opened_again(power):
    for _ in range(2):
        camera = power()
        _, lines = started(opened(SMALL))
        next(lines)
        camera.kill()
        start = time.monotonic()
        with pytest.raises(CameraLost, match=r"sent nothing for 1.8 s; check its cable, power and trigger"):
            for _ in lines:
                pass
        assert time.monotonic() - start < 2.0


def test_a_camera_that_goes_while_it_is_opened_can_be_waited_for(power, monkeypatch):
    camera = power()

    def goes(*asked):
        found = open_device(*asked)
        camera.kill()
        return found

    monkeypatch.setattr("focus.runtime.cameras._aravis.open_device", goes)
    with pytest.raises(CameraError, match=r"gige://127.0.0.1 does not say what it sends: .*timeout"):
        opened([])


class Restarted:
    """An acquisition whose frames are numbered anew after some."""

    def __init__(self, acquisition, after):
        self._acquisition, self._after, self._first = acquisition, after, None

    def pop(self, limit_us):
        filled = self._acquisition.pop(limit_us)
        if filled is not None:
            self._first = self._first or filled.get_frame_id()
            self._after -= 1
            if self._after < 0:
                filled.set_frame_id(self._first)
        return filled

    def __getattr__(self, name):
        return getattr(self._acquisition, name)


def test_a_camera_that_is_restarted_within_the_timeout_is_lost(power, monkeypatch):
    power()
    source = opened(SMALL)
    begin = source._begin
    monkeypatch.setattr(source, "_begin", lambda: Restarted(begin(), 20))
    line = np.zeros((16, 64), np.uint8)
    metas = []
    with pytest.raises(CameraLost, match=r"began to number its frames anew, so it was restarted; open it again"):
        for meta in lines_from(source, lambda: line):
            metas.append(meta)
    assert len(metas) == 20


def test_the_way_out_is_said(power):
    power()
    with pytest.raises(CameraError, match=r"is set to RGB8, expected Mono8, .*; add --set PixelFormat=Mono12"):
        opened(["PixelFormat=RGB8"])
    with pytest.raises(CameraError, match=r"Fake refuses --set Foo=1: \[Foo\] Not found"):
        opened(["Foo=1"])
    with pytest.raises(ValueError, match=r"--set must be Feature=value, got 'Width'"):
        opened(["Width"])
    with pytest.raises(CameraError, match=r"0 cameras are called gige://HSI002, expected one; there are HSI001"):
        opened([], where="HSI002")
    with pytest.raises(CameraError, match=r"0 cameras are called usb3://, expected one; none is there"):
        source_from_uri("usb3://")
    with pytest.raises(CameraError, match=r"sends 16 bands without saying their wavelengths; give --wavelengths FILE"):
        opened(SMALL, wavelengths_nm=None)
    first = opened(SMALL)
    with pytest.raises(CameraError, match=r"another program controls gige://127.0.0.1"):
        opened(SMALL)
    assert first.facts.bands == 16


def test_cameras_are_listed(power, capsys):
    from focus.runtime.commands.run import main

    power()
    assert main(["cameras"]) == 0
    assert f"gige://{ADDRESS}" in capsys.readouterr().out
