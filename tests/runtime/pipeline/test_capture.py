"""Lines that come faster than they are read, cameras that go away, and runs that somebody ends."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from focus.runtime._errors import CameraLost, CannotKeepUp, FocusError, Stopped
from focus.runtime._stop import Stop
from focus.runtime.engines import engine_from_path
from focus.runtime.pipeline import Capture, Watch
from focus.runtime.sources import Replay
from support.runs import run
from support.scenes import Scripted, cube
from support.toy_model import Toy

PATCH = 4


class Camera(Scripted):
    """An endless source, as far as anybody knows; may be lost after its last line."""

    def __init__(self, lines, samples=8, error=None, **options):
        super().__init__(cube(lines, samples), range(lines), **options)
        self.facts = replace(self.facts, lines=None)
        self.error, self.closed, self.seen = error, False, threading.Event()
        self.seen.set()

    def start(self, get_buffer):
        try:
            for number, meta in enumerate(super().start(get_buffer)):
                yield meta
                if number == PATCH - 1:
                    assert self.seen.wait(10)  # until the reader has the first strip
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


def capture(source, places, policy, stop=None, watch=None):
    facts = source.facts
    memory = [np.zeros((PATCH, facts.bands, facts.samples), facts.dtype) for _ in range(places)]
    return Capture(source, PATCH, 1, memory, policy, stop, watch)


def add_up(counts, lines):
    assert counts.received + counts.missing + counts.rejected == lines == counts.lines


def test_a_recording_that_cannot_keep_up_ends_and_keeps_what_was_taken():
    source = Camera(100)
    taken = capture(source, 3, "record")
    strips = list(taken.strips())  # nobody releases them
    assert [strip.row for strip in strips] == [0, 1, 2]
    assert all(strip.arrived.all() for strip in strips)
    np.testing.assert_array_equal(strips[1].raw, source._cube.values[:, 4:8])
    assert isinstance(taken.ended, CannotKeepUp) and source.closed
    assert "sends faster than its lines are read: 12 wait, and there is room for no more; use a larger --buffer" in str(
        taken.ended
    )
    add_up(taken.counts, 12)
    assert taken.counts.received == 12


def test_a_live_run_gives_up_the_oldest_lines_and_counts_them():
    source = Camera(400)
    source.seen.clear()
    taken = capture(source, 4, "live")
    strips, held = [], taken.strips()
    strips.append(next(held))
    source.seen.set()
    while not source.closed:  # the camera does not wait for the reader
        time.sleep(0.01)
    first = strips[0]
    np.testing.assert_array_equal(first.raw, source._cube.values[:, :4])
    for strip in held:
        if strip.arrived.all():
            np.testing.assert_array_equal(strip.raw, source._cube.values[:, 4 * strip.row : 4 * strip.row + 4])
        else:
            assert not strip.arrived.any()
        strips.append(strip)
    assert [strip.row for strip in strips] == list(range(100))
    assert [strip.first_sequence for strip in strips] == list(range(0, 400, 4))
    seen = [strip.row for strip in strips if strip.arrived.any()]
    assert seen == [0, 97, 98, 99]  # what is held, and the newest that there was memory for
    add_up(taken.counts, 400)
    assert (taken.counts.received, taken.counts.dropped) == (16, 384)
    assert taken.ended is None
    for strip in strips:
        strip.release()
    assert sorted(taken._memory._free) == [0, 1, 2, 3]  # each place once: two strips in one would mix their lines


def test_a_file_waits_for_its_reader():
    source, seen = Camera(40), 0
    for strip in capture(source, 2, "wait").strips():
        time.sleep(0.002)
        np.testing.assert_array_equal(strip.raw, source._cube.values[:, 4 * strip.row : 4 * strip.row + 4])
        strip.release()
        seen += 1
    assert seen == 10


def test_a_reader_that_goes_away_ends_the_source():
    source = Camera(4000)
    strips = capture(source, 2, "wait").strips()
    next(strips)
    strips.close()
    assert source.closed


def test_a_stop_keeps_the_lines_up_to_it():
    source, stop = Camera(4000), Stop()
    strips, lost = [], []
    taken = capture(source, 2, "wait", stop, Watch(lost.append))
    for strip in taken.strips():
        strips.append(strip.lines)
        strip.release()
        if len(strips) == 3:
            stop.request("enough")
    assert isinstance(taken.ended, Stopped) and source.closed and not lost
    assert sum(strips) == taken.counts.received < 30


def test_a_lost_camera_keeps_the_lines_up_to_it():
    strips, lost = [], []
    taken = capture(Camera(10, error=CameraLost("the rig fell silent")), 3, "record", watch=Watch(lost.append))
    for strip in taken.strips():
        strips.append(strip.lines)
        strip.release()
    assert strips == [4, 4, 2]
    assert [str(taken.ended)] == lost == ["the rig fell silent"]
    add_up(taken.counts, 10)


def test_a_camera_that_is_lost_before_its_first_line_is_an_error():
    source = Camera(1, error=CameraLost("the rig fell silent"))
    source._sequences = []
    with pytest.raises(CameraLost, match="the rig fell silent"):
        list(capture(source, 3, "record").strips())


def test_other_errors_come_after_the_lines_before_them():
    strips = capture(Camera(9, error=FocusError("the format changed")), 3, "wait").strips()
    seen = []
    with pytest.raises(FocusError, match="the format changed"):
        for strip in strips:
            seen.append(strip.row)
            strip.release()
    assert seen == [0, 1]


def test_a_counter_that_jumps_is_a_restart_and_no_loss_of_lines():
    source = Camera(8)
    source._sequences, source._first = [0, 1, 2, 3, 4, 2**40], 0
    source._damaged = {2**40}
    taken = capture(source, 3, "record")
    for strip in taken.strips():
        strip.release()
    assert isinstance(taken.ended, CameraLost) and "jumped from line 4 to" in str(taken.ended)
    add_up(taken.counts, 5)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return engine_from_path(Toy().save(tmp_path_factory.mktemp("model") / "toy.onnx"), threads=1)


def test_a_run_whose_camera_is_lost_has_the_maps_of_what_was_taken(engine):
    source = Camera(30, 20, error=CameraLost("the rig fell silent"))
    found, summary = run(source, engine)
    expected, whole = run(Replay(cube(30, 20)), engine)
    assert summary.ended == "the rig fell silent" and whole.ended is None
    assert summary.lines == 30
    np.testing.assert_array_equal(found.stacked("heatmap"), expected.stacked("heatmap"))


def test_lines_that_were_given_up_are_masked_in_the_maps(engine):
    class Slow:
        """Sends in bursts what the network cannot read in time."""

        truth = None

        def __init__(self):
            self._camera = Camera(600, 16)
            self.facts = self._camera.facts

        def start(self, get_buffer):
            return self._camera.start(get_buffer)

    found, summary = run(Slow(), engine, policy="live", buffer=1)
    add_up(summary.counts, 600)
    mask = np.concatenate([row.mask for row in found.rows])
    assert len(mask) == 600
    assert np.count_nonzero(mask.any(axis=1)) == summary.counts.received
    assert summary.counts.missing == summary.counts.dropped == 600 - summary.counts.received


def test_a_stop_need_not_wait_for_the_next_line():
    class Waits(Camera):
        def start(self, get_buffer):
            yield from super().start(get_buffer)
            while True:
                time.sleep(0.01)
                yield None

    stop = Stop()
    taken = capture(Waits(10), 3, "record", stop)
    threading.Timer(0.2, stop.request, ["enough"]).start()
    strips = []
    for strip in taken.strips():
        strips.append(strip.lines)
        strip.release()
    assert strips == [4, 4, 2] and str(taken.ended) == "enough"
    add_up(taken.counts, 10)
