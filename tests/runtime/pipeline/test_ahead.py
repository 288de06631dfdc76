"""Work in a thread of its own: everything arrives, errors too, and nothing goes on when nobody reads."""

from __future__ import annotations

import threading
import time

import pytest

from focus.runtime.pipeline._ahead import ahead


def test_everything_arrives_in_order_from_another_thread():
    makers = set()

    def items():
        for number in range(50):
            makers.add(threading.current_thread())
            yield number

    assert list(ahead(items(), 3)) == list(range(50))
    assert len(makers) == 1 and threading.current_thread() not in makers


def test_it_is_ahead_by_no_more_than_its_depth():
    made = []

    def items():
        for number in range(20):
            made.append(number)
            yield number

    reader = ahead(items(), 2)
    assert next(reader) == 0
    deadline = time.monotonic() + 5
    while len(made) < 4 and time.monotonic() < deadline:  # one read, two waiting, one in hand
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 4
    assert list(reader) == list(range(1, 20))


def test_an_error_reaches_the_reader_after_what_came_before():
    def items():
        yield 1
        raise OSError("the camera is gone")

    seen = []
    with pytest.raises(OSError, match="the camera is gone"):
        for item in ahead(items(), 1):
            seen.append(item)
    assert seen == [1]


def test_a_reader_that_stops_ends_the_thread():
    before = threading.active_count()
    endless = iter(int, 1)
    reader = ahead(endless, 2)
    next(reader)
    assert threading.active_count() == before + 1
    reader.close()
    assert threading.active_count() == before


def test_an_interrupt_while_it_ends_is_raised_once_the_thread_has_ended(monkeypatch):
    """What the thread works on is given back right after."""
    let_go, join, interrupted = threading.Event(), threading.Thread.join, []

    def items():
        yield 1
        let_go.wait(10)
        yield 2

    def interrupted_once(thread, timeout=None):
        if thread.name == "focus-ingest" and not interrupted:
            interrupted.append(thread)
            threading.Timer(0.2, let_go.set).start()
            raise KeyboardInterrupt
        join(thread, timeout)

    monkeypatch.setattr(threading.Thread, "join", interrupted_once)
    rows = ahead(items(), 1)
    next(rows)
    with pytest.raises(KeyboardInterrupt):
        rows.close()
    assert let_go.is_set() and not interrupted[0].is_alive()
