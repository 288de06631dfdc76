"""Real faults of a rig, made on the way from a source's lines to the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.engines import Engine
from focus.runtime.monitor import Monitor
from focus.runtime.outputs import BaseSink
from focus.runtime.pipeline import Reading, RunSummary, Settings, run_pipeline
from focus.runtime.sources import FrameMeta, FrameSource, GetBuffer

Line = NDArray[Any]


class Altered:
    """A source whose lines are changed; its calibration stays as it was unless ``facts`` say otherwise.

    Args:
        source: not yet started.
        change: makes a line of a line, float64 [C, S]; its number comes with it.
        facts: fields of its facts to replace.
    """

    def __init__(self, source: FrameSource, change: Callable[[Line, int], Line], **facts: Any) -> None:
        self.facts, self.truth = replace(source.facts, **facts), source.truth
        self._source, self._change = source, change

    def start(self, get_buffer: GetBuffer) -> Iterator[FrameMeta | None]:
        """See ``FrameSource.start``."""
        given: list[Line] = []

        def buffer() -> Line:
            given[:] = [get_buffer()]
            return given[0]

        for number, meta in enumerate(self._source.start(buffer)):
            line = given[0]
            changed = self._change(line.astype(np.float64), number)
            whole = line.dtype.kind in "ui"
            line[...] = np.clip(np.round(changed), 0, np.iinfo(line.dtype).max) if whole else changed
            yield meta

    def close(self) -> None:
        """See ``FrameSource.close``."""
        self._source.close()


def drifted(source: FrameSource, counts: float, from_line: int = 0) -> Altered:
    """The dark level has moved by so many counts since the dark reference was taken."""
    return Altered(source, lambda line, number: line + counts * (number >= from_line))


def overexposed(source: FrameSource, exposure: float, bits: int) -> Altered:
    """The exposure is so many times as long, which the calibration knows, and the camera's words end."""
    dark, most = source.facts.dark, 2**bits - 1
    return Altered(
        source,
        lambda line, _: np.minimum((line - dark) * exposure + dark, most),
        gain=source.facts.gain / np.float32(exposure),
        bits=bits,
    )


def brighter(source: FrameSource, light: float) -> Altered:
    """So many times the light that the white reference was taken in."""
    dark = source.facts.dark
    return Altered(source, lambda line, _: (line - dark) * light + dark)


def reversed_bands(source: FrameSource) -> Altered:
    """The sensor is read out from the other end: bands come last first, with references taken likewise."""
    facts = source.facts
    return Altered(source, lambda line, _: line[::-1], dark=facts.dark[::-1], gain=facts.gain[::-1])


class Watched(BaseSink):
    """What a monitor said after each window.

    Attributes:
        names: of the flags that were up, a tuple a window.
        seconds: of the run.
    """

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self.names: list[tuple[str, ...]] = []
        self.seconds = 0.0

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        self.names.append(tuple(flag.name for flag in self._monitor.flags()))

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        self.seconds = summary.seconds


def watch(source: FrameSource, engine: Engine, monitor: Monitor, **settings: Any) -> Watched:
    """Runs the pipeline with a monitor."""
    watched = Watched(monitor)
    run_pipeline(source, engine, [monitor, watched], Settings(**settings))
    return watched
