"""Writing in a thread of its own: in order, bounded, and no error is lost."""

from __future__ import annotations

import threading

import pytest

from focus.runtime.outputs import BaseSink
from focus.runtime.outputs import _beside as beside
from focus.runtime.outputs._beside import BesideSink


class Told(BaseSink):
    """Remembers what it is told, and in which thread; waits and fails as a test wants."""

    def __init__(self):
        self.told, self.threads, self.go, self.fails = [], set(), threading.Event(), None
        self.go.set()

    def start(self, plan):
        self.told.append(("start", plan))

    def add_window(self, reading):
        assert self.go.wait(30)
        self.threads.add(threading.current_thread().name)
        if reading == self.fails:
            raise OSError("no space left")
        self.told.append(("window", reading))

    def add_row(self, row):
        self.told.append(("row", row))

    def add_skipped(self, window):
        self.told.append(("skipped", window))

    def finish(self, summary):
        self.told.append(("finish", summary))

    def close(self):
        self.told.append(("close",))


def test_everything_is_told_in_order_before_the_end():
    sink = Told()
    writer = BesideSink(sink)
    writer.start("plan")
    for number in range(300):
        writer.add_window(number)
        writer.add_skipped(number)
        writer.add_row(number)
    writer.finish("summary")
    writer.close()
    told = [(what, number) for number in range(300) for what in ("window", "skipped", "row")]
    assert sink.told == [("start", "plan"), *told, ("finish", "summary"), ("close",)]
    assert sink.threads == {"focus-writer"}


def test_the_caller_goes_on_while_it_is_written_and_waits_when_too_much_waits(monkeypatch):
    monkeypatch.setattr(beside, "DEPTH", 4)
    sink = Told()
    sink.go.clear()
    writer = BesideSink(sink)
    writer.start("plan")
    for number in range(5):  # one is being written, four wait
        writer.add_window(number)
    assert sink.told == [("start", "plan")]
    more = threading.Thread(target=writer.add_window, args=(5,))
    more.start()
    more.join(0.3)
    assert more.is_alive()
    sink.go.set()
    more.join(30)
    writer.finish("summary")
    writer.close()
    assert [what for what, *_ in sink.told].count("window") == 6


def test_what_goes_wrong_is_raised_and_ends_the_waiting(monkeypatch):
    monkeypatch.setattr(beside, "DEPTH", 2)
    sink = Told()
    sink.fails = 1
    writer = BesideSink(sink)
    writer.start("plan")
    with pytest.raises(OSError, match="no space left"):
        for number in range(1000):
            writer.add_window(number)
    with pytest.raises(OSError, match="no space left"):
        writer.finish("summary")
    writer.close()
    assert sink.told == [("start", "plan"), ("window", 0), ("close",)]


def test_a_run_that_breaks_off_keeps_what_was_handed_over():
    sink = Told()
    sink.go.clear()
    writer = BesideSink(sink)
    writer.start("plan")
    writer.add_window(0)
    writer.add_row(0)
    threading.Timer(0.1, sink.go.set).start()
    writer.close()
    writer.close()
    assert sink.told == [("start", "plan"), ("window", 0), ("row", 0), ("close",), ("close",)]


def test_a_sink_that_failed_is_closed_all_the_same():
    sink = Told()
    sink.fails = 0
    writer = BesideSink(sink)
    writer.start("plan")
    writer.add_window(0)
    writer._thread.join(30)
    writer.close()
    assert sink.told == [("start", "plan"), ("close",)]
