"""Pauses between attempts to open a camera."""

from __future__ import annotations

import pytest

from focus.runtime._errors import CameraError
from focus.runtime.runs._reconnect import reconnected


class Waits:
    """Notes how long it is to wait, and does not."""

    def __init__(self, most):
        self.pauses, self._most = [], most

    def wait(self, seconds):
        self.pauses.append(seconds)
        return len(self.pauses) > self._most


def away():
    raise CameraError("away")


def test_pauses_grow_up_to_the_longest():
    stop, said = Waits(6), []
    assert reconnected(away, stop, said.append) is None
    assert stop.pauses == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0, 2.0]
    assert said == 6 * ["away"]


def test_a_mistake_is_not_waited_out():
    with pytest.raises(ZeroDivisionError):
        reconnected(lambda: 1 // 0, Waits(2), print)
