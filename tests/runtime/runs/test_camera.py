"""Runs of cameras that are lost, come back, send too fast, or are stopped."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from itertools import chain, repeat
from types import SimpleNamespace

import numpy as np
import pytest
import spectral.io.envi

from focus.runtime import CubeError, OutputError
from focus.runtime._errors import BrokenOff, CameraError, CameraLost
from focus.runtime._stop import Stop
from focus.runtime.engines import engine_from_path
from focus.runtime.outputs import BaseSink, OutputOptions
from focus.runtime.outputs import _free_space as free_space
from focus.runtime.pipeline import Settings
from focus.runtime.runs import CameraRun, SegmentsFolder
from focus.runtime.runs import _reconnect as reconnect
from support.scenes import Scripted, cube
from support.toy_model import WAVELENGTHS, Toy

LINES = 24


class Camera(Scripted):
    """An endless source, as far as anybody knows."""

    def __init__(self, sequences=range(LINES), lost=None, **fields):
        super().__init__(cube(LINES, 18, **fields), sequences)
        self.facts = replace(self.facts, lines=None)
        self.lost, self.closed = lost, False

    def start(self, get_buffer):
        yield from super().start(get_buffer)
        if self.lost is not None:
            raise CameraLost(self.lost)

    def close(self):
        self.closed = True


class Rig:
    """A run over cameras that come one after the other; an error in their place is raised when they are opened."""

    def __init__(self, folder, *cameras, then=None, settings=None, sinks=(), outputs=None, idle=lambda: None, **places):
        self.cameras, self.events, self.progress = list(cameras), [], []
        self.stop = Stop()
        engine = engine_from_path(Toy().save(folder / "toy.onnx"))
        self.run = CameraRun(
            self.open,
            engine,
            SegmentsFolder(folder / "out", **places),
            settings or Settings(policy="wait"),
            stop=self.stop,
            sinks=sinks,
            outputs=outputs,
            listeners=[self.hear],
            idle=idle,
            progress=lambda *done: self.progress.append(done),
        )
        self.then = then

    def open(self):
        found = self.cameras.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def hear(self, event):
        self.events.append(event)
        if self.then is not None:
            self.then(self, event)

    def __call__(self):
        return self.run.run(self.open())

    @property
    def kinds(self):
        return [event.kind for event in self.events]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(reconnect, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(reconnect, "LONGEST_PAUSE_S", 0.002)


def record(folder):
    return json.loads((folder / "out" / "run.json").read_text())


def test_a_camera_that_ends_its_stream_leaves_one_segment(tmp_path):
    camera = Camera()
    rig = Rig(tmp_path, camera)
    summary = rig()
    assert (summary.ended, summary.failed) == ("the camera ended its stream", False)
    assert rig.kinds == ["opened", "ended"] and camera.closed
    assert [segment.name for segment in summary.segments] == ["segment-0001"]
    assert spectral.envi.open(tmp_path / "out/segment-0001/saliency.hdr").shape == (LINES, 18, 1)
    written = record(tmp_path)
    assert written["state"] == "complete" and written["segments"][0]["received"] == LINES
    assert rig.progress[-1][0] == LINES


def test_a_lost_camera_is_opened_again_and_goes_on_in_a_new_segment(tmp_path):
    first, second = Camera(range(10), lost="the cable is out"), Camera(range(3, LINES))
    rig = Rig(tmp_path, first, CameraError("not yet"), CameraError("not yet"), second)
    summary = rig()
    assert rig.kinds == ["opened", "lost", "waiting", "waiting", "opened", "ended"]
    assert rig.events[1].message == "the cable is out; trying again until it is back"
    assert [event.segment for event in rig.events] == [*4 * ["segment-0001"], *2 * ["segment-0002"]]
    counts = [segment.summary.counts for segment in summary.segments]
    assert [(each.first_sequence, each.received) for each in counts] == [(0, 10), (3, 21)]
    assert summary.counts.received == 31 and first.closed and second.closed
    assert [part["ended"] for part in record(tmp_path)["segments"]] == ["the cable is out", None]
    # Progress goes on where the segment before ended.
    assert rig.progress[-1][0] == 31 and rig.progress == sorted(rig.progress)


def test_a_segment_is_what_a_run_of_its_lines_alone_would_be(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    Rig(tmp_path / "a", Camera(range(5), lost="x"), Camera())()
    Rig(tmp_path / "b", Camera())()
    for name in ("saliency.dat", "scores.dat", "windows.csv", "curve.csv"):
        twice, once = tmp_path / "a/out/segment-0002" / name, tmp_path / "b/out/segment-0001" / name
        assert twice.read_bytes() == once.read_bytes()


def test_a_run_that_is_ended_before_the_first_line_is_no_failure(tmp_path):
    class Silent(Camera):
        def start(self, get_buffer):
            yield from repeat(None)

    def ends(rig, event):
        rig.stop.request("stopped by SIGTERM")

    camera = Silent()
    summary = Rig(tmp_path, camera, then=ends)()
    assert (summary.ended, summary.failed, summary.segments) == ("stopped by SIGTERM", False, ()) and camera.closed
    assert not (tmp_path / "out").exists()


def test_a_run_goes_on_or_is_replaced(tmp_path):
    Rig(tmp_path, Camera())()
    with pytest.raises(ValueError, match="leave out one of them"):
        SegmentsFolder(tmp_path / "out", append=True, overwrite=True)
    assert (tmp_path / "out/segment-0001/windows.csv").is_file()


def test_a_camera_that_is_lost_before_its_first_line_leaves_no_segment(tmp_path):
    rig = Rig(tmp_path, Camera([], lost="silent"), Camera([], lost="silent"), Camera())
    summary = rig()
    assert rig.kinds == ["opened", "lost", "opened", "lost", "opened", "ended"]
    assert [segment.name for segment in summary.segments] == ["segment-0001"]
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()] == ["segment-0001"]


def test_a_camera_that_comes_back_as_another_one_is_waited_for(tmp_path):
    other = Camera(wavelengths_nm=WAVELENGTHS + 30)
    rig = Rig(tmp_path, Camera(range(8), lost="x"), other, Camera())
    assert not rig().failed and other.closed
    assert "toy has other bands, and cube cannot be resampled: band 0" in rig.events[2].message


def test_a_stop_finishes_the_segment(tmp_path):
    class Stops(BaseSink):
        def add_row(self, row):
            rig.stop.request("stopped by SIGTERM")

    camera = Camera(range(LINES))
    rig = Rig(tmp_path, camera, sinks=[Stops()])
    summary = rig()
    assert (summary.ended, summary.failed) == ("stopped by SIGTERM", False) and camera.closed
    assert rig.kinds == ["opened", "ended"]
    written = record(tmp_path)
    assert (written["state"], written["ended"]) == ("ended", "stopped by SIGTERM")
    assert (tmp_path / "out/segment-0001/run.json").exists()


def test_a_stop_while_the_camera_is_away(tmp_path):
    def then(rig, event):
        if event.kind == "waiting":
            rig.stop.request("stopped by Ctrl-C")

    rig = Rig(tmp_path, Camera(range(8), lost="x"), CameraError("away"), Camera(), then=then)
    summary = rig()
    assert rig.kinds == ["opened", "lost", "waiting", "ended"]
    assert (summary.ended, summary.failed, len(summary.segments)) == ("stopped by Ctrl-C", False, 1)


def test_a_full_disk_ends_the_run_and_leaves_the_record(tmp_path):
    class Full(BaseSink):
        def add_row(self, row):
            raise OutputError("cannot write raw.dat: No space left on device")

    rig = Rig(tmp_path, Camera(), sinks=[Full()])
    summary = rig()
    assert (summary.ended, summary.failed) == ("cannot write raw.dat: No space left on device", True)
    assert rig.kinds == ["opened", "failed"]
    assert (record(tmp_path)["state"], record(tmp_path)["ended"]) == ("broken off", summary.ended)
    assert record(tmp_path)["segments"] == [{"folder": "segment-0001", "state": "broken off", "ended": summary.ended}]


def test_what_nobody_expected_is_raised_and_recorded(tmp_path):
    class Breaks(BaseSink):
        def add_row(self, row):
            raise RuntimeError("a mistake of ours")

    camera = Camera()
    with pytest.raises(BrokenOff, match="the run broke off: RuntimeError: a mistake of ours") as raised:
        Rig(tmp_path, camera, sinks=[Breaks()])()
    assert isinstance(raised.value.__cause__, RuntimeError)
    assert (record(tmp_path)["state"], record(tmp_path)["ended"]) == ("broken off", "a mistake of ours")
    assert record(tmp_path)["segments"] == [
        {"folder": "segment-0001", "state": "broken off", "ended": "a mistake of ours"}
    ]
    assert camera.closed


def test_what_fails_while_the_camera_is_silent_is_not_waited_out(tmp_path):
    silences = iter(range(400))

    class Silent(Camera):
        def start(self, get_buffer):
            yield from super().start(get_buffer)
            for _ in silences:
                time.sleep(0.05)
                yield None

    class Full(BaseSink):
        def add_window(self, reading):
            raise OutputError("the disk is full")

    summary = Rig(tmp_path, Silent(range(16)), sinks=[Full()])()
    assert (summary.ended, summary.failed) == ("the disk is full", True)
    assert next(silences, None) is not None


def test_a_camera_that_looks_into_the_dark_is_no_failure(tmp_path):
    dark = Camera(values=np.full((12, LINES, 18), np.nan, np.float32))
    summary = Rig(tmp_path, dark)()
    assert not summary.failed and summary.windows == 0
    assert np.isnan(np.fromfile(tmp_path / "out/segment-0001/saliency.dat", "<f4")).all()


def test_sinks_are_started_and_closed_once_a_segment(tmp_path):
    class Counts(BaseSink):
        told = ()

        def start(self, plan):
            self.told += ("start",)

        def finish(self, summary):
            self.told += ("finish",)

        def close(self):
            self.told += ("close",)

    sink = Counts()
    Rig(tmp_path, Camera(range(6), lost="x"), Camera(), sinks=[sink])()
    assert sink.told == ("start", "finish", "close") * 2


def test_append_goes_on_and_keeps_what_was_recorded(tmp_path):
    Rig(tmp_path, Camera(range(6), lost="x"), Camera())()
    Rig(tmp_path, Camera(), append=True)()
    names = [part["folder"] for part in record(tmp_path)["segments"]]
    assert names == ["segment-0001", "segment-0002", "segment-0003"]
    assert all((tmp_path / "out" / name / "run.json").exists() for name in names)


def test_overwrite_replaces_a_camera_run_and_nothing_else(tmp_path):
    Rig(tmp_path, Camera(range(6), lost="x"), Camera())()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "out" / "segment-notes").mkdir()
    Rig(tmp_path, Camera(), overwrite=True)()
    left = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert left == ["notes.txt", "run.json", "segment-0001", "segment-notes"]


@pytest.mark.parametrize("choice", [{}, {"append": True}, {"overwrite": True}])
def test_other_folders_are_left_alone(tmp_path, choice):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text('{"summary": {}}')
    with pytest.raises(OutputError, match="holds no camera run" if choice else "go on in it with --append"):
        SegmentsFolder(tmp_path / "out", **choice)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["run.json"]


def test_a_model_that_does_not_fit_writes_nothing(tmp_path):
    rig = Rig(tmp_path, Camera(wavelengths_nm=WAVELENGTHS + 30))
    with pytest.raises(Exception, match="toy has other bands, and cube cannot be resampled: band 0"):
        rig()
    assert not (tmp_path / "out").exists()


def test_append_lists_the_segment_of_a_run_that_was_killed(tmp_path):
    Rig(tmp_path, Camera())()
    (tmp_path / "out/segment-0002").mkdir()  # what was there when it was killed; the record knows it only once it ends
    Rig(tmp_path, Camera(), append=True)()
    listed = [(part["folder"], part["ended"]) for part in record(tmp_path)["segments"]]
    assert listed == [
        ("segment-0001", None),
        ("segment-0002", "the run was killed or broke off"),
        ("segment-0003", None),
    ]


def test_other_faults_of_the_source_end_the_run(tmp_path):
    class Broken(Camera):
        def start(self, get_buffer):
            yield from super().start(get_buffer)
            raise CubeError("the stream says other things than before")

    summary = Rig(tmp_path, Broken())()
    assert (summary.ended, summary.failed) == ("the stream says other things than before", True)


def test_a_disk_below_the_floor_ends_the_run_with_all_that_was_taken(tmp_path, monkeypatch):
    free = chain([10**10], repeat(10**6))
    monkeypatch.setattr(free_space.shutil, "disk_usage", lambda folder: SimpleNamespace(free=next(free)))
    monkeypatch.setattr(free_space, "INTERVAL_S", 0.0)
    summary = Rig(tmp_path, Camera(), outputs=OutputOptions(min_free=10**9))()
    assert summary.failed and "has 1 MB left, --min-free is 1 GB; all lines up to here are there" in summary.ended
    assert (tmp_path / "out/segment-0001/overview.png").exists()


def test_a_disk_that_is_full_from_the_start_leaves_no_segment(tmp_path):
    summary = Rig(tmp_path, Camera(), outputs=OutputOptions(min_free=10**18))()
    assert summary.failed and "free some space" in summary.ended and not summary.segments
    assert not (tmp_path / "out").exists()


def test_a_loss_is_said_before_the_segment_is_finished(tmp_path):
    class Finishes(BaseSink):
        def finish(self, summary):
            heard.append(list(rig.kinds))

    heard = []
    rig = Rig(tmp_path, Camera(range(8), lost="x"), Camera(), sinks=[Finishes()])
    rig()
    assert heard == [["opened", "lost"], ["opened", "lost", "opened"]]


def test_a_camera_that_is_not_there_yet_is_waited_for(tmp_path):
    rig = Rig(tmp_path, CameraError("not yet"), CameraError("not yet"), Camera())
    assert not rig.run.run().failed
    assert rig.kinds == ["waiting", "waiting", "opened", "ended"]


def test_a_stop_before_the_camera_was_ever_there_writes_nothing(tmp_path):
    def then(rig, event):
        rig.stop.request("stopped by SIGTERM")

    rig = Rig(tmp_path, CameraError("not yet"), then=then)
    summary = rig.run.run()
    assert (summary.ended, summary.failed, summary.segments) == ("stopped by SIGTERM", False, ())
    assert not (tmp_path / "out").exists()


def test_a_camera_that_is_waited_for_between_lines_is_told(tmp_path):
    class Waits(Camera):
        def start(self, get_buffer):
            for meta in super().start(get_buffer):
                yield from (None, None, meta)

    idle = []
    rig = Rig(tmp_path, Waits(range(10)), idle=lambda: idle.append(1))
    assert rig().counts.received == 10 and len(idle) == 20


def test_a_camera_that_sends_rubbish_is_opened_again_and_what_it_sent_before_is_kept(tmp_path):
    class Rubbish(Camera):
        def start(self, get_buffer):
            yield from super().start(get_buffer)
            raise CameraError("it sent a line of 3 bytes")

    rig = Rig(tmp_path, Rubbish(range(10)), Camera())
    assert [part.summary.counts.received for part in rig().segments] == [10, LINES]
    assert rig.kinds == ["opened", "lost", "opened", "ended"]


def test_a_camera_that_counts_anew_is_opened_again(tmp_path):
    rig = Rig(tmp_path, Camera([0, 1, 2, 3, 4, 1, 2]), Camera())
    assert [part.summary.counts.received for part in rig().segments] == [5, LINES]
    assert "went back from line 4 to 1" in rig.events[1].message


def test_the_record_says_which_segment_is_being_filled(tmp_path):
    class Looks(BaseSink):
        def finish(self, summary):
            seen.append([(part["folder"], part["state"]) for part in record(tmp_path)["segments"]])
            assert record(tmp_path)["utc_end"] == ""

    seen = []
    Rig(tmp_path, Camera(range(8), lost="x"), Camera(), sinks=[Looks()])()
    assert seen == [[("segment-0001", "running")], [("segment-0001", "ended"), ("segment-0002", "running")]]
    assert [part["state"] for part in record(tmp_path)["segments"]] == ["ended", "complete"]
    assert record(tmp_path)["utc_end"] > record(tmp_path)["utc_start"]


def test_append_without_a_line_keeps_the_earlier_record(tmp_path):
    Rig(tmp_path, Camera())()
    Rig(tmp_path, Camera([], lost="x"), then=lambda rig, event: rig.stop.request("enough"), append=True)()
    assert [part["folder"] for part in record(tmp_path)["segments"]] == ["segment-0001"]


def test_append_never_fills_a_segment_again(tmp_path):
    Rig(tmp_path, Camera(range(6), lost="x"), Camera())()
    shutil.rmtree(tmp_path / "out/segment-0001")  # somebody took it away
    Rig(tmp_path, Camera(), append=True)()
    assert [part["folder"] for part in record(tmp_path)["segments"]][-1] == "segment-0003"


def test_append_lists_a_segment_that_was_being_filled_as_broken_off(tmp_path):
    (tmp_path / "out/segment-0001").mkdir(parents=True)
    segments = [{"folder": "segment-0001", "state": "running"}]
    (tmp_path / "out/run.json").write_text(json.dumps({"segments": segments}))
    (earlier,) = SegmentsFolder(tmp_path / "out", append=True).earlier
    assert (earlier["state"], earlier["ended"]) == ("broken off", "the run was killed or broke off")


def test_counts_and_progress_are_those_of_all_segments(tmp_path):
    dark = Camera(values=np.full((12, LINES, 18), np.nan, np.float32), lost="x")
    damaged = Camera([0, 1, 2, 5, 6])
    damaged._damaged = {1}
    rig = Rig(tmp_path, dark, damaged)
    counts = rig().counts
    assert (counts.received, counts.missing, counts.rejected) == (LINES + 4, 2, 1)
    windows = [windows for _, windows in rig.progress]
    assert windows[0] < windows[-1] and windows == sorted(windows)


def test_a_failure_is_said_where_the_record_cannot_be_written_either(tmp_path, monkeypatch):
    class Full(BaseSink):
        def add_row(self, row):
            monkeypatch.setattr(SegmentsFolder, "write", full)
            full()

    def full(*_):
        raise OutputError("No space left on device")

    rig = Rig(tmp_path, Camera(), sinks=[Full()])
    summary = rig()
    assert (summary.ended, summary.failed) == ("No space left on device", True)
    assert rig.kinds == ["opened", "failed"] and record(tmp_path)["state"] == "running"


def test_a_second_ctrl_c_is_no_fault(tmp_path):
    class Insists(BaseSink):
        def add_row(self, row):
            raise KeyboardInterrupt

    camera = Camera()
    with pytest.raises(KeyboardInterrupt):
        Rig(tmp_path, camera, sinks=[Insists()])()
    assert record(tmp_path)["state"] == "broken off" and camera.closed


def test_a_camera_that_comes_back_with_larger_cubes_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(reconnect, "FIRST_PAUSE_S", 0.01)
    first, other, again = Camera(lost="gone"), Camera(), Camera()
    other.facts = replace(other.facts, cube_lines=128)
    rig = Rig(tmp_path, first, other, again, settings=Settings(policy="wait", buffer=64))
    summary = rig.run.run(rig.open())
    said = [event.message for event in rig.events if event.kind == "waiting"]
    assert said == ["--buffer must hold a whole cube, 128 lines, got 64"]
    assert other.closed and len(summary.segments) == 2


def test_stopped_before_the_first_camera_the_end_is_told(tmp_path):
    def stop(rig, event):
        if event.kind == "waiting":
            rig.stop.request("stopped by SIGTERM")

    rig = Rig(tmp_path, *repeat(CameraError("away"), 3), then=stop)
    assert rig.run.run().segments == ()
    assert [event.kind for event in rig.events] == ["waiting", "ended"]
    assert rig.events[-1].message == "stopped by SIGTERM"


def test_segments_that_a_run_reads_are_not_replaced(tmp_path):
    rig = Rig(tmp_path, Camera())
    rig.run.run(rig.open())
    read = tmp_path / "out" / "segment-0001" / "run.json"
    with pytest.raises(OutputError, match=r"run\.json is read, and would go with what .*segment-0001 holds"):
        SegmentsFolder(tmp_path / "out", overwrite=True, read=[None, read])
    assert read.is_file()
    SegmentsFolder(tmp_path / "out", append=True, read=[read])
    beside = tmp_path / "out" / "rig.focuscal"
    beside.touch()
    SegmentsFolder(tmp_path / "out", overwrite=True, read=[beside]).begin()
    assert beside.is_file() and not read.exists()
