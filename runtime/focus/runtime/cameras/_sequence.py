"""Frame counters that wrap, made numbers that only grow, so that a wrap is no gap."""

from __future__ import annotations

from dataclasses import dataclass


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
