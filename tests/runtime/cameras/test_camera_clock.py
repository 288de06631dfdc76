"""The clock of a simulated camera: whose delay is caught up with, and when its memory is full."""

from __future__ import annotations

import pytest

from focus.runtime.cameras._camera_clock import CameraClock


class Rig:
    """A camera that takes ``own_s`` to make a line, and a reader that is waited for; time passes only here."""

    def __init__(self, rate_hz):
        self.time_s = self.waited_s = 0.0
        self.clock = CameraClock(rate_hz, lambda: self.time_s, self.sleep)

    def sleep(self, seconds):
        self.time_s += seconds

    def line(self, own_s, reader_s):
        """One line; gives whether it was sent."""
        self.clock.wait(self.waited_s)
        self.time_s += own_s
        if self.clock.full:
            return False
        self.time_s += reader_s
        self.waited_s += reader_s
        return True

    def lines(self, number, own_s, reader_s):
        return sum(self.line(own_s, reader_s) for _ in range(number))


def test_a_camera_slower_than_its_rate_sends_all_it_can():
    rig = Rig(1000)
    assert rig.lines(5000, own_s=0.005, reader_s=0.001) == 5000
    # What it could not send is not made up for: after a second at most it is at its pace again.
    rig.lines(1500, own_s=0.0, reader_s=0.0)
    start = rig.time_s
    rig.lines(100, own_s=0.0, reader_s=0.0)
    assert rig.time_s - start == pytest.approx(0.1)


def test_a_short_stall_of_the_reader_is_caught_up_with():
    rig = Rig(100)
    rig.line(0.001, 0.9)
    assert rig.lines(199, own_s=0.001, reader_s=0.0) == 199
    rig.clock.wait(rig.waited_s)
    assert rig.time_s == pytest.approx(2.0)


def test_what_a_reader_leaves_for_longer_than_a_second_is_lost_and_then_it_goes_on():
    rig = Rig(100)
    rig.line(0.001, 3.0)
    sent = [rig.line(0.001, 0.0) for _ in range(400)]
    lost = sent.index(True)
    assert 198 <= lost <= 201 and all(sent[lost:])


@pytest.mark.parametrize("own_s", [0.001, 0.05])
def test_a_slow_reader_gets_the_lines_that_it_can_take(own_s):
    rig = Rig(100)
    rig.lines(1000, own_s, reader_s=0.1)
    sent = rig.lines(1000, own_s, reader_s=0.1)
    assert sent == pytest.approx(1000 * max(0.01, own_s) / 0.1, rel=0.05)


def test_without_a_rate_it_never_waits_and_nothing_is_lost():
    rig = Rig(0)
    assert rig.lines(100, own_s=0.0, reader_s=1.0) == 100
    assert rig.time_s == pytest.approx(100.0)
