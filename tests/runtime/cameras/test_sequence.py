"""Counters that wrap give numbers that grow as the frames do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus.runtime._errors import CameraLost
from focus.runtime.cameras._sequence import GIGE_16, V4L2_32, WIDE_64, CounterRule, FrameNumbers, Unwrapper

RULES = st.sampled_from([GIGE_16, V4L2_32, WIDE_64, CounterRule(3, 12)])


def counter(rule: CounterRule, frame: int) -> int:
    """What the camera's counter shows for a frame."""
    return rule.lowest + frame % rule.period


@given(RULES, st.integers(0, 2**70), st.lists(st.floats(0, 1, exclude_max=True), max_size=60))
def test_gaps_below_half_a_period_are_kept(rule, first, shares):
    frames = [first]
    for share in shares:
        frames.append(frames[-1] + max(1, int(share * (rule.period // 2))))
    unwrap = Unwrapper(rule)
    numbers = [unwrap(counter(rule, frame)) for frame in frames]
    assert numbers[0] == counter(rule, first)
    assert [number - numbers[0] for number in numbers] == [frame - first for frame in frames]


@given(RULES, st.integers(0, 2**70), st.integers(1, 4))
def test_a_frame_that_comes_late_is_put_before(rule, first, steps):
    unwrap = Unwrapper(rule)
    last = unwrap(counter(rule, first + 5))
    assert unwrap(counter(rule, first + 5 - steps)) == last - steps


def test_gige_ids_skip_zero():
    unwrap = Unwrapper(GIGE_16)
    assert [unwrap(value) for value in (65534, 65535, 1, 2)] == [65534, 65535, 65536, 65537]
    with pytest.raises(ValueError, match="a frame counter must be 1 to 65535, got 0"):
        unwrap(0)


def test_v4l2_counters_do_not():
    unwrap = Unwrapper(V4L2_32)
    assert [unwrap(value) for value in (2**32 - 1, 0, 1)] == [2**32 - 1, 2**32, 2**32 + 1]


def test_aravis_frames_that_come_late_are_left_out():
    numbers = FrameNumbers(GIGE_16, "cam")
    assert [numbers(value) for value in (65534, 65535, 1, 65534, 0, 2)] == [65534, 65535, 65536, None, None, 65537]
    assert [numbers(value) for value in (1, 2, 2, 2, 2, 2, 2, 2)] == [None] * 8
    with pytest.raises(CameraLost, match="cam began to number its frames anew, so it was restarted; open it again"):
        numbers(2)


def test_a_number_that_is_said_twice_is_that_of_the_first_frame():
    numbers = FrameNumbers(V4L2_32, "cam")
    assert [numbers(value) for value in (2**32 - 1, 2**32 - 1, 0, 0, 1)] == [2**32 - 1, None, 2**32, None, 2**32 + 1]


def test_wide_ids_are_known_by_the_first_one():
    numbers = FrameNumbers(GIGE_16, "cam")
    assert [numbers(value) for value in (65534, 65535, 65536, 65537)] == [65534, 65535, 65536, 65537]
    assert [FrameNumbers(WIDE_64, "cam")(value) for value in (0, 70_000)] == [0, 70_000]
