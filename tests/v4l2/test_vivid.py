"""V4L2 on a kernel's driver: vivid, the kernel's own test camera, in a virtual machine. `make test-v4l2` runs this."""

from __future__ import annotations

import itertools
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from linuxpy.video import device as video

from focus.runtime._errors import CameraLost
from focus.runtime.cameras._list import list_cameras
from focus.runtime.pipeline import Capture
from focus.runtime.sources import SourceOptions, source_from_uri
from support.streams import lines_from

DRIVER = Path("/sys/bus/platform/drivers/vivid")

if not DRIVER.is_dir():
    pytest.skip("no driver vivid here; to run these tests: make test-v4l2 (boots a kernel)", allow_module_level=True)

#: Bands x samples of a Specim FX10.
BANDS, SAMPLES = 224, 1024


class Vivid:
    """The camera, plugged in anew, and the driver's own controls by their names."""

    def __init__(self):
        if (DRIVER / "vivid.0").exists():
            (DRIVER / "unbind").write_text("vivid.0")
        (DRIVER / "bind").write_text("vivid.0")
        (node,) = DRIVER.glob("vivid.0/video4linux/video*")
        self.path, self.name = f"/dev/{node.name}", (node / "name").read_text().strip()
        while not Path(self.path).exists():
            time.sleep(0.01)
        self._device = video.Device(self.path)
        self._device.open()
        self._controls = {control.name: control for control in self._device.controls.values()}
        self.choose("OSD Text Mode", "None")

    def set(self, name, value):
        self._controls[name].value = value

    def choose(self, name, item):
        control = self._controls[name]
        control.value = next(number for number, text in control.data.items() if text == item)

    def push(self, name):
        self._controls[name].push()

    def form(self, name):
        form = getattr(video.PixelFormat, name)
        self._device.set_format(video.BufferType.VIDEO_CAPTURE, SAMPLES, BANDS, form)

    def opened(self, **options):
        fields = {"wavelengths_nm": "400:1000", "quantity": "reflectance", "scale": 4095.0, **options}
        return source_from_uri(self.path, SourceOptions(**fields))

    def close(self):
        self._device.close()


@pytest.fixture
def vivid():
    with closing(Vivid()) as plugged:
        yield plugged


def started(camera):
    line = np.zeros((camera.facts.bands, camera.facts.samples), camera.facts.dtype)
    return line, lines_from(camera, lambda: line)


@pytest.mark.parametrize(("form", "bits"), [("GREY", 8), ("Y10", 10), ("Y12", 12), ("Y16", 16)])
def test_every_format_at_the_size_of_a_line_camera(vivid, form, bits):
    vivid.form(form)
    vivid.choose("Test Pattern", "100% White")
    camera = vivid.opened()
    facts = camera.facts
    assert (facts.bands, facts.samples, facts.bits, facts.shift) == (BANDS, SAMPLES, bits, 0)
    assert facts.provenance["driver"] == "vivid" and facts.provenance["format"] == f"V4L2 {form}"
    line, lines = started(camera)
    metas = list(itertools.islice(lines, 20))
    # White lies in the upper half of the bits, so they are at the lower end of the word.
    assert 2 ** (bits - 1) < line.min() <= line.max() < 2**bits
    lines.close()
    numbers = [meta.sequence for meta in metas]
    assert numbers == sorted(set(numbers)) and numbers[-1] - numbers[0] < 40
    assert all(meta.intact for meta in metas)
    assert all(meta.camera_ns == meta.monotonic_ns for meta in metas)
    # vivid gives the time at which a frame was due, which may be a little later than now.
    assert all(abs(time.monotonic_ns() - meta.monotonic_ns) < 60e9 for meta in metas)
    assert all(abs(time.time_ns() - meta.utc_ns) < 60e9 for meta in metas)


def test_rows_and_columns_are_where_they_were_and_may_be_turned(vivid):
    vivid.form("Y16")
    vivid.choose("Test Pattern", "100% Colorbar")
    straight, lines = started(vivid.opened())
    next(lines)
    across = straight.copy()
    lines.close()
    assert (np.diff(across, axis=0) == 0).all() and len(np.unique(across[0])) == 8
    turned, lines = started(vivid.opened(transpose=True, status_lines=24))
    assert turned.shape == (SAMPLES, 200)
    next(lines)
    lines.close()
    np.testing.assert_array_equal(turned, across[:200].T)


def test_the_counter_wraps_without_a_gap(vivid):
    vivid.form("GREY")
    vivid.set("Wrap Sequence Number", True)
    _, lines = started(vivid.opened())
    numbers = [meta.sequence for meta in itertools.islice(lines, 200)]
    lines.close()
    assert numbers[0] < 2**32 < numbers[-1]
    assert numbers == sorted(set(numbers)) and numbers[-1] - numbers[0] < 400


def test_dropped_buffers_are_missing_lines(vivid):
    vivid.form("GREY")
    vivid.set("Percentage of Dropped Buffers", 30)
    camera = vivid.opened()
    memory = [np.zeros((16, BANDS, SAMPLES), np.uint8) for _ in range(4)]
    capture = Capture(camera, 16, 1, memory, "wait")
    with closing(capture.strips()) as strips:
        for strip in itertools.islice(strips, 12):
            strip.release()
    counts = capture.counts
    assert counts.rejected == 0 and counts.received + counts.missing == counts.lines >= 192
    assert 0.15 < counts.missing / counts.lines < 0.6


def test_a_buffer_that_the_driver_marks_is_rejected(vivid):
    vivid.form("GREY")
    _, lines = started(vivid.opened())
    next(lines)
    vivid.push("Inject V4L2_BUF_FLAG_ERROR")
    metas = list(itertools.islice(lines, 40))
    lines.close()
    assert [meta.intact for meta in metas].count(False) == 1


@pytest.mark.parametrize("button", ["Disconnect", "Inject Fatal Streaming Error"])
def test_a_camera_that_goes_away_is_lost_within_two_seconds_and_can_be_opened_again(vivid, button):
    vivid.form("GREY")
    _, lines = started(vivid.opened())
    next(lines)
    vivid.push(button)
    start = time.monotonic()
    with pytest.raises(CameraLost, match=r"^vivid "):
        for _ in lines:
            pass
    assert time.monotonic() - start < 2
    vivid.close()
    with closing(Vivid()) as again:
        again.form("GREY")
        _, lines = started(again.opened())
        next(lines)
        lines.close()


def test_it_is_listed_and_a_link_leads_to_it(vivid, tmp_path):
    (camera,) = [camera for camera in list_cameras().cameras if camera.uri == vivid.path]
    assert (camera.kind, camera.name) == ("V4L2", vivid.name)
    vivid.form("GREY")
    (tmp_path / "hsi0").symlink_to(vivid.path)
    source = source_from_uri(str(tmp_path / "hsi0"), SourceOptions(wavelengths_nm="400:1000", raw=True))
    assert source.facts.provenance["device"] == vivid.path
    source.close()
