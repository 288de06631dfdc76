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


class FrameNumbers:
    """Frame ids of GenICam cameras made numbers that grow.

    Args:
        wide: ids are of 64 bits; else of 16 that wrap and skip 0, as in GigE Vision 1.x, until one does not fit.
    Attributes:
        late: frames in a row that came after a later one.
    """

    def __init__(self, *, wide: bool) -> None:
        self._wide = wide
        self._unwrap = Unwrapper(WIDE_64 if wide else GIGE_16)
        self._last = -1
        self.late = 0

    def __call__(self, value: int) -> int | None:
        """A frame's number; None for one that was given up, and completed when later ones had come."""
        # A camera does not say beforehand that its ids are wide; the first one beyond 16 bits does.
        if not self._wide and value > GIGE_16.highest:
            self._wide, self._unwrap = True, Unwrapper(WIDE_64)
        number = self._unwrap(value) if self._wide or value else self._last
        if number <= self._last:
            self.late += 1
            return None
        self._last, self.late = number, 0
        return number
