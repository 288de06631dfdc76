"""Chunk data and packets that are sent again, through the real Aravis from a GigE Vision camera that the test plays."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from focus.runtime._errors import CameraError, CameraLost
from focus.runtime.sources import SourceOptions, source_from_uri
from support.fake_gige import alone, require_aravis
from support.own_gige import ADDRESS, HEIGHT, WIDTH, Frame, OwnGige
from support.streams import lines_from

pytestmark = pytest.mark.peer

ALL = ["FrameID", "Timestamp", "ExposureTime"]


@pytest.fixture
def power(monkeypatch):
    require_aravis(monkeypatch)
    on = []

    def switch_on(frames, **options):
        on.append(OwnGige(itertools.chain(frames, itertools.repeat(Frame())), **options))
        return on[-1]

    with alone():
        yield switch_on
        for camera in on:
            camera.kill()


def opened(chunks=None, **fields):
    options = {"wavelengths_nm": "400:1000", "quantity": "reflectance", "scale": 255.0, "packet_size": 200, **fields}
    return source_from_uri(f"gige://{ADDRESS}", SourceOptions(chunks=chunks, **options))


def read(source, count):
    """Metas, and the first sample of each line."""
    line = np.zeros((HEIGHT, WIDTH), np.uint8)
    lines = lines_from(source, lambda: line)
    found = [(meta, int(line[0, 0])) for meta in itertools.islice(lines, count)]
    lines.close()
    return found


def test_frames_that_the_camera_never_sent_are_missing_by_its_own_count(power):
    power([Frame(sent=number % 5 != 3) for number in range(20)])
    metas = [meta for meta, _ in read(opened(["FrameID", "Timestamp"]), 10)]
    numbers = [meta.sequence - metas[0].sequence for meta in metas]
    assert numbers == [0, 1, 2, 4, 5, 6, 7, 9, 10, 11]
    # The played camera takes a frame every 10 ms of its clock, from its thousandth on.
    assert [meta.camera_ns for meta in metas] == [(1000 + number) * 10**7 for number in numbers]
    assert all(meta.intact for meta in metas)


def test_without_chunks_they_are_not(power):
    power([Frame(sent=number % 5 != 3) for number in range(20)])
    metas = [meta for meta, _ in read(opened(), 10)]
    assert [meta.sequence - metas[0].sequence for meta in metas] == list(range(10))


def test_pixels_are_those_before_the_chunks(power):
    power([])
    plain = read(opened(), 5)
    assert [(after - before) % 251 for (_, before), (_, after) in itertools.pairwise(plain)] == [1, 1, 1, 1]
    found = read(opened(ALL), 5)
    assert [value for _, value in found] == [meta.camera_ns // 10**7 % 251 for meta, _ in found]


def test_a_frame_that_lost_a_packet_keeps_its_place_by_the_count_before_it(power):
    lost = {7: Frame(lost=(2,)), 3: Frame(sent=False), 8: Frame(sent=False)}
    power([lost.get(number, Frame()) for number in range(20)])
    metas = [meta for meta, _ in read(opened(["FrameID"], resend=False), 12)]
    numbers = [meta.sequence - metas[0].sequence for meta in metas]
    assert numbers == [0, 1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 13]
    assert [number for number, meta in zip(numbers, metas, strict=True) if not meta.intact] == [7]


@pytest.mark.parametrize(("resend", "answers"), [(None, True), (True, False), (False, True)])
def test_packets_that_are_lost_are_asked_for_again(power, resend, answers):
    camera = power([Frame(lost=(2,) if number == 4 else ()) for number in range(20)], answers_resend=answers)
    metas = [meta for meta, _ in read(opened(resend=resend), 12)]
    assert (camera.asked > 0) is (resend is not False)
    whole = resend is None
    assert [meta.intact for meta in metas] == [whole or place != 4 for place in range(12)]


def test_another_exposure_ends_the_segment(power):
    power([Frame(exposure_us=2000.0 if number < 5 else 3000.0) for number in range(20)])
    source = opened(["ExposureTime"])
    line, metas = np.zeros((HEIGHT, WIDTH), np.uint8), []
    with pytest.raises(CameraLost, match=r"exposes for 3 ms, for 2 ms before; set ExposureAuto=Off"):
        for meta in lines_from(source, lambda: line):
            metas.append(meta)
    assert len(metas) == 5


def test_the_way_out_is_said(power):
    power([], chunks=["FrameID"])
    with pytest.raises(ValueError, match=r"--chunk must be FrameID, FrameCounter, .*, got 'Gain'"):
        opened(["Gain"])
    with pytest.raises(CameraError, match=r"Own refuses --chunk Timestamp: "):
        opened(["Timestamp"])


def test_a_camera_without_chunks(power):
    power([], chunks=[])
    with pytest.raises(CameraError, match=r"Own has no chunk data; leave out --chunk"):
        opened(["FrameID"])
