"""How fast a recording is played."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from focus.runtime._errors import CubeError
from focus.runtime.cubes import Cube
from focus.runtime.sources._lines import lines_table_of

#: Fields of ENVI headers that hold lines per second.
RATE_FIELDS = ("fps", "framerate", "frame rate")


@dataclass(frozen=True)
class Pace:
    """How a recording is played.

    Attributes:
        lines_per_second: 0 plays as fast as the lines are taken; None as fast as they were recorded.
        loop: plays it again and again; the line numbers go on.
    Raises:
        ValueError: a rate below 0.
    """

    lines_per_second: float | None = 0.0
    loop: bool = False

    def __post_init__(self) -> None:
        if self.lines_per_second is not None and not 0 <= self.lines_per_second < 1e6:
            raise ValueError(f"rate must be lines per second, 0 (no limit) or more, got {self.lines_per_second:g}")

    @classmethod
    def from_texts(cls, rate: str, loop: str) -> Pace:
        """Reads the values of ``rate=`` and ``loop=``.

        Raises:
            ValueError: they are none.
        """
        if loop not in ("0", "1"):
            raise ValueError(f"loop must be 0 or 1, got {loop!r}")
        try:
            lines_per_second = None if rate == "recorded" else float(rate)
        except ValueError:
            raise ValueError(f"rate must be lines per second, or recorded, got {rate!r}") from None
        return cls(lines_per_second, loop == "1")


class LineClock:
    """Waits for the time of each line of a recording.

    Args:
        pace: how it is played.
        cube: the recording; its table of lines, or else its header, says how fast it was taken.
    Raises:
        CubeError: neither says so.
    """

    def __init__(self, pace: Pace, cube: Cube) -> None:
        rate = pace.lines_per_second
        self._by_table = rate is None and lines_table_of(Path(cube.provenance.path or "cube")).is_file()
        if rate is None and not self._by_table:
            rate = _recorded_rate(cube)
        self._step_s = 1.0 / rate if rate else 0.0
        self._due: float | None = None
        self._last_ns: int | None = None

    def wait(self, arrived_ns: int | None) -> None:
        """Until the next line's time. A delay is caught up with.

        Args:
            arrived_ns: this machine's monotonic clock when the line was recorded, or None.
        """
        if self._due is None:
            self._due, self._last_ns = time.monotonic(), arrived_ns
            return
        if not self._by_table:
            self._due += self._step_s
        elif arrived_ns is not None:
            since_s = (arrived_ns - (arrived_ns if self._last_ns is None else self._last_ns)) / 1e9
            # Where the recording begins anew, its clock goes back.
            self._step_s = since_s if since_s >= 0 else self._step_s
            self._due, self._last_ns = self._due + self._step_s, arrived_ns
        time.sleep(max(0.0, self._due - time.monotonic()))


def _recorded_rate(cube: Cube) -> float:
    name, fields = cube.provenance.name, cube.provenance.fields
    for field in RATE_FIELDS:
        if field in fields:
            try:
                rate = float(fields[field])
            except ValueError:
                rate = 0.0
            if not 0 < rate < 1e6:
                raise CubeError(f"{name}: {field!r} must be lines per second, got {fields[field]!r}; give rate=330")
            return rate
    raise CubeError(
        f"{name} does not say how fast it was recorded: no table of lines lies beside it, and its header has none of "
        f"{', '.join(RATE_FIELDS)}; give rate=LINES_PER_SECOND, or leave it out for full speed"
    )
