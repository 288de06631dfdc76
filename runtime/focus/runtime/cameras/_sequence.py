"""Frame counters that wrap, made numbers that only grow, so that a wrap is no gap."""

from __future__ import annotations

from dataclasses import dataclass

from focus.runtime._errors import CameraLost


@dataclass(frozen=True)
class CounterRule:
    """How a camera's counter wraps.

    Attributes:
        lowest: the value that comes after the highest one.
        highest: the last value before it wraps.
    """

    lowest: int
    highest: int

    @property
    def period(self) -> int:
        """Frames between two equal values."""
        return self.highest - self.lowest + 1


#: 16-bit block ids of GigE Vision 1.x: 65535 is followed by 1, and 0 is never sent.
GIGE_16 = CounterRule(1, 0xFFFF)

#: ``v4l2_buffer.sequence``.
V4L2_32 = CounterRule(0, 0xFFFFFFFF)

#: Block ids of GigE Vision 2.x, of USB3 Vision and of our own stream: 64 bits, which no run lives to see wrap.
WIDE_64 = CounterRule(0, 0xFFFFFFFFFFFFFFFF)

#: Frames in a row that may come late, which no library's order allows; more of them are a camera that began anew.
MOST_LATE = 8


class Unwrapper:
    """Numbers that grow, of a counter that wraps.

    A value is taken as the nearest one to what was expected, so frames that come a little late are put before it. Gaps
    of half a period or more cannot be told from going back.

    Args:
        rule: how the counter wraps.
    """

    def __init__(self, rule: CounterRule) -> None:
        self._rule = rule
        self._last: int | None = None

    def __call__(self, value: int) -> int:
        """The number of a frame; the first frame keeps its own value.

        Raises:
            ValueError: a value that the counter cannot have.
        """
        lowest, highest, period = self._rule.lowest, self._rule.highest, self._rule.period
        if not lowest <= value <= highest:
            raise ValueError(f"a frame counter must be {lowest} to {highest}, got {value}")
        if self._last is None:
            self._last = value
        else:
            step = (value - self._last) % period
            self._last += step if step < period / 2 else step - period
        return self._last


class FrameNumbers:
    """Frame counters made numbers that only grow.

    Args:
        rule: how the counter wraps. 16-bit ids of GigE cameras may turn out to be wide, because a camera does not say
            beforehand that they are; the first one beyond 16 bits does.
        camera: its name, for the message.
    """

    def __init__(self, rule: CounterRule, camera: str) -> None:
        self._rule, self._unwrap, self._camera = rule, Unwrapper(rule), camera
        self._last: int | None = None
        self._late = 0

    def __call__(self, value: int) -> int | None:
        """A frame's number; None for one that came after a later one, or says the number of the one before.

        Raises:
            CameraLost: too many of those in a row.
        """
        if self._rule is GIGE_16 and value > GIGE_16.highest:
            self._rule, self._unwrap = WIDE_64, Unwrapper(WIDE_64)
        possible = self._rule.lowest <= value
        number = self._unwrap(value) if possible else None
        if number is None or (self._last is not None and number <= self._last):
            self._late += 1
            if self._late > MOST_LATE:
                raise CameraLost(f"{self._camera} began to number its frames anew, so it was restarted; open it again")
            return None
        self._last, self._late = number, 0
        return number
