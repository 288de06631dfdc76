"""GenTL against the producer that the genicam package brings: a game of 400 x 400 pixels, which counts its frames."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from pathlib import Path

import genicam
import numpy as np
import pytest

from focus.runtime._errors import CameraError, CameraLost
from focus.runtime.cameras._list import list_cameras
from focus.runtime.sources import SourceOptions, source_from_uri
from support.streams import lines_from

PRODUCER = Path(genicam.__file__).parent / "viky.cti"
pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        not PRODUCER.is_file(),
        reason="this genicam has no viky.cti; to run this test: the wheel of genicam 1.6.0 for Linux on x86_64",
    ),
]

FAST = ["PixelFormat=Mono8", "AcquisitionFrameRate=100"]


def opened(features=FAST, where=f"{PRODUCER},0", **fields):
    options = {"wavelengths_nm": "400:1000", "quantity": "reflectance", "scale": 255.0, **fields}
    return source_from_uri(f"gentl:{where}", SourceOptions(features=features, **options))


def reopened():
    """The camera again, once its loss is over."""
    for _ in range(100):
        try:
            return opened()
        except CameraError:
            time.sleep(0.1)
    raise AssertionError("it was never given back")


def started(source):
    line = np.zeros((source.facts.bands, source.facts.samples), source.facts.dtype)
    return line, lines_from(source, lambda: line)


def test_frames_are_lines_and_none_is_lost():
    source = opened()
    assert (source.facts.bands, source.facts.samples, source.facts.bits) == (400, 400, 8)
    assert source.facts.name == "Machine Vision Games Ltd. Viky 0"
    assert (source.facts.camera, source.facts.serial) == ("Machine Vision Games Ltd. Viky", "0")
    line, lines = started(source)
    metas = list(itertools.islice(lines, 100))
    picture = line.copy()
    lines.close()
    assert [meta.sequence for meta in metas] == list(range(metas[0].sequence, metas[0].sequence + 100))
    assert all(meta.intact and meta.camera_ns is None for meta in metas)
    arrivals = [meta.monotonic_ns for meta in metas]
    assert arrivals == sorted(arrivals) and abs(metas[-1].utc_ns - time.time_ns()) < 60e9
    # The frame of the field is white, and there is a game in it.
    assert (picture[0] == 255).all() and (picture[:, 0] == 255).all() and len(np.unique(picture)) > 1


def test_transposition_and_status_rows():
    straight, lines = started(opened())
    next(lines)
    seen = straight.copy()
    lines.close()
    turned, lines = started(opened(transpose=True, status_lines=2))
    assert turned.shape == (400, 398)
    next(lines)
    lines.close()
    # The ball has moved on since; the field is the same.
    assert (turned == seen[:398].T).mean() > 0.9


def test_a_frame_that_stays_incomplete_is_rejected_in_its_place(monkeypatch):
    import genicam.gentl

    whole, source = genicam.gentl.Buffer.is_complete, opened()
    taken = itertools.count()
    monkeypatch.setattr(genicam.gentl.Buffer, "is_complete", lambda self: whole(self) and next(taken) % 5 != 3)
    _, lines = started(source)
    metas = list(itertools.islice(lines, 40))
    lines.close()
    assert [meta.sequence - metas[0].sequence for meta in metas] == list(range(40))
    assert [place for place, meta in enumerate(metas) if not meta.intact] == list(range(3, 40, 5))


def test_a_camera_that_falls_silent_is_lost_within_two_seconds():
    source = opened()
    _, lines = started(source)
    next(lines)
    source._device.features.AcquisitionStop.execute()
    start = time.monotonic()
    with pytest.raises(CameraLost, match=r"Viky 0 sent nothing for 1.8 s; check its cable, power and trigger"):
        for _ in lines:
            pass
    assert time.monotonic() - start < 2.0
    reopened().close()


def test_what_the_producer_says_of_a_loss_is_said(monkeypatch):
    import genicam.gentl

    source = opened()
    _, lines = started(source)
    next(lines)

    def gone(*_):
        raise genicam.gentl.IoException("the device is gone")

    monkeypatch.setattr(genicam.gentl.EventManagerNewBuffer, "update_event_data", gone)
    with pytest.raises(CameraLost, match=r"Viky 0 went away \(.*the device is gone\); check its cable"):
        next(lines)
    reopened().close()


def test_the_way_out_is_said(tmp_path):
    with pytest.raises(CameraError, match=r"Viky 0 is set to RGBa8, expected Mono8, .*; add --set PixelFormat=Mono12"):
        opened(["PixelFormat=RGBa8"])
    with pytest.raises(CameraError, match=r"Viky 0 refuses --set Foo=1: Node not existing"):
        opened(["Foo=1"])
    with pytest.raises(CameraError, match=r"Viky 0 refuses --set PixelFormat=Mono12: "):
        opened(["PixelFormat=Mono12"])
    with pytest.raises(CameraError, match=r"3 cameras are called gentl:viky.cti, expected one; there are 0, 1, 2"):
        opened(where=str(PRODUCER))
    with pytest.raises(CameraError, match=r"0 cameras are called gentl:viky.cti,7, expected one; there are 0, 1, 2"):
        opened(where=f"{PRODUCER},7")
    with pytest.raises(CameraError, match=r"there is no GenTL producer x.cti; name its .cti file, or set GENICAM_"):
        opened(where="x.cti")
    (tmp_path / "x.cti").write_bytes(b"no library")
    with pytest.raises(CameraError, match=r"the GenTL producer .*x.cti cannot be loaded: "):
        opened(where=str(tmp_path / "x.cti"))


def test_a_camera_that_is_taken_is_said(monkeypatch):
    import genicam.gentl
    import harvesters.core

    first = opened()
    with pytest.raises(CameraError, match=r"0 cameras are called gentl:viky.cti,0, expected one; none is free"):
        opened()  # a producer serves a program once
    first.close()

    def taken(*_, **__):
        raise genicam.gentl.ResourceInUseException("somebody has it")

    monkeypatch.setattr(harvesters.core.Harvester, "create", taken)
    with pytest.raises(CameraError, match=r"cannot open .*Viky 0 \(.*somebody has it\); does another program control"):
        opened()


def test_ctrl_c_stays_ours():
    before = signal.getsignal(signal.SIGINT)
    opened().close()
    assert signal.getsignal(signal.SIGINT) is before and threading.current_thread() is threading.main_thread()


def test_cameras_of_the_producers_that_gentl_says_are_listed(tmp_path, monkeypatch):
    monkeypatch.setenv("GENICAM_GENTL64_PATH", str(PRODUCER.parent))
    found = [camera for camera in list_cameras(tmp_path).cameras if camera.kind == "GenTL"]
    assert [camera.uri for camera in found] == [f"gentl:{PRODUCER},{serial}" for serial in range(3)]
    assert "Viky" in found[0].name
    _, lines = started(opened(where="viky.cti,2"))
    next(lines)
    lines.close()
