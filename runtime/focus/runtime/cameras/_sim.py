"""``focus-run camera-sim``: plays a camera into a framed byte stream, at a camera's pace and with a camera's faults."""

from __future__ import annotations

import itertools
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.cameras._camera_clock import CameraClock
from focus.runtime.cameras._frame_header import FrameHeader
from focus.runtime.cameras._outlet import Outlet
from focus.runtime.cameras._scene import Scene
from focus.runtime.cameras._writer import StreamWriter


@dataclass(frozen=True)
class SimSettings:
    """How a camera is played.

    Attributes:
        lines_per_second: 0 sends as fast as the reader takes them; a rate that cannot be kept is as fast as it goes.
        lines: how many are sent; None for the whole scene, or without end where it is repeated.
        loop: whether the scene is repeated.
        lose: share of the lines that are never sent.
        corrupt: share of the lines in which a byte is changed.
        drop: whether lines are lost that a slow reader does not take within a second, as in a camera; otherwise it is
            waited for.
        seed: of lost and corrupted lines.
    Raises:
        ValueError: shares or rates that cannot be.
    """

    lines_per_second: float = 330.0
    lines: int | None = None
    loop: bool = False
    lose: float = 0.0
    corrupt: float = 0.0
    drop: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, share in (("--lose", self.lose), ("--corrupt", self.corrupt)):
            if not 0.0 <= share < 1.0:
                raise ValueError(f"{name} is a share of the lines, 0 to below 1, got {share:g}")
        if not 0.0 <= self.lines_per_second < 1e6:
            raise ValueError(f"--lines-per-second must be 0 (no limit) or more, got {self.lines_per_second:g}")
        if self.lines is not None and self.lines < 1:
            raise ValueError(f"--lines must be 1 or more, got {self.lines}")


@dataclass
class SimCounts:
    """What became of the lines: sent, lost on purpose, changed on purpose, and dropped because nobody took them."""

    sent: int = 0
    lost: int = 0
    corrupted: int = 0
    dropped: int = 0
    readers: int = 0
    seconds: float = 0.0


class CameraSim:
    """Plays a scene to one reader after the other until it is over. The line numbers go on from reader to reader.

    Args:
        scene: what is sent.
        settings: how.
    Attributes:
        counts: see ``SimCounts``.
    """

    def __init__(self, scene: Scene, settings: SimSettings) -> None:
        self._scene, self._settings = scene, settings
        self._random = np.random.default_rng(settings.seed)
        self._taken_ns = 0
        self.counts = SimCounts()

    def run(self, outlet: Outlet, say: Callable[[str], None] = lambda _: None) -> None:
        """Waits for readers and plays.

        Args:
            outlet: where they come to.
            say: is told when one comes and goes.
        """
        lines = self._numbered()
        waiting = next(lines, None)
        while waiting is not None:
            with outlet.reader() as descriptor:
                say("a reader came")
                self.counts.readers += 1
                waiting = self._play(descriptor, waiting, lines)
            say("the scene is over" if waiting is None else "the reader went away; waiting for the next")

    def _numbered(self) -> Iterator[tuple[int, NDArray[Any]]]:
        rounds = itertools.repeat(0) if self._settings.loop else [0]
        lines = itertools.chain.from_iterable(self._scene.lines() for _ in rounds)
        return enumerate(itertools.islice(lines, self._settings.lines))

    def _play(
        self, descriptor: int, line: tuple[int, NDArray[Any]], more: Iterator[tuple[int, NDArray[Any]]]
    ) -> tuple[int, NDArray[Any]] | None:
        """Sends from ``line`` on; gives the line that the reader did not take any more, or None at the end."""
        clock = CameraClock(self._settings.lines_per_second)
        start = time.monotonic()
        try:
            writer = StreamWriter(descriptor, self._scene.header)
            for number, values in itertools.chain([line], more):
                line = number, values
                clock.wait(writer.waited_s)
                self._send(writer, number, values, full=clock.full)
            writer.end(number + 1)
        except OSError:
            return line
        finally:
            self.counts.seconds += time.monotonic() - start
        return None

    def _send(self, writer: StreamWriter, number: int, values: NDArray[Any], *, full: bool) -> None:
        line, now = self._line_of(number), time.monotonic_ns()
        if line == 0:  # all lines of a snapshot cube are taken at once
            self._taken_ns = now
        if self._random.random() < self._settings.lose:
            self.counts.lost += 1
        elif self._settings.drop and full:
            self.counts.dropped += 1
        elif self._random.random() < self._settings.corrupt:
            self.counts.corrupted += 1
            self._send_changed(writer, number, values)
        else:
            self.counts.sent += 1
            writer.line(values, number, camera_ns=self._taken_ns, monotonic_ns=now, utc_ns=time.time_ns(), line=line)

    def _line_of(self, number: int) -> int:
        """The number of a line within its snapshot cube; 0 for push-broom."""
        lines = self._scene.header.cube_lines
        return number % lines if lines else 0

    def _send_changed(self, writer: StreamWriter, number: int, values: NDArray[Any]) -> None:
        """Sends a frame of which one byte is not as it should be, in its header or in its line."""
        payload = writer.payload(values)
        now = time.monotonic_ns()
        line = self._line_of(number)
        head = FrameHeader(number, now, now, time.time_ns(), zlib.crc32(payload), len(payload), line=line)
        frame = bytearray(head.to_bytes() + payload)
        # As often in the header as in the line, which is ten thousand times as long.
        places = len(frame) - len(payload) if self._random.random() < 0.5 else len(frame)
        frame[self._random.integers(places)] ^= 1 << self._random.integers(8)
        writer.send(memoryview(frame))
