"""Real faults of a rig, made on the way from a source's lines to the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.outputs import BaseSink
from focus.runtime.pipeline import Settings, run_pipeline
from focus.runtime.sources import FrameMeta, FrameSource

Lines = NDArray[Any]


class Altered:
    """A source whose lines are changed, while its calibration stays as it was unless ``facts`` say otherwise.

    Args:
        source: not yet started.
        change: makes a line, float64 [C, S], of a line; its number comes with it.
        facts: fields of its facts to replace.
    """

    def __init__(self, source: FrameSource, change: Callable[[Lines, int], Lines], **facts: Any) -> None:
        self.facts, self.truth = replace(source.facts, **facts), source.truth
        self._source, self._change = source, change

    def start(self, get_buffer: Callable[[], Lines]) -> Iterator[FrameMeta]:
        given: list[Lines] = []

        def buffer() -> Lines:
            given[:] = [get_buffer()]
            return given[0]

        for number, meta in enumerate(self._source.start(buffer)):
            line = given[0]
            changed = self._change(line.astype(np.float64), number)
            whole = line.dtype.kind in "ui"
            line[...] = np.clip(np.round(changed), 0, np.iinfo(line.dtype).max) if whole else changed
            yield meta


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


class Watched(BaseSink):
    """The names of a monitor's flags after each window."""

    def __init__(self, monitor) -> None:
        self.monitor, self.names = monitor, []

    def add_window(self, reading) -> None:
        self.names.append(tuple(flag.name for flag in self.monitor.flags()))


def watch(source: FrameSource, engine, monitor, **settings: Any) -> Watched:
    """A run of the pipeline with a monitor; its flags after each window."""
    watched = Watched(monitor)
    run_pipeline(source, engine, [monitor, watched], Settings(threads=1, **settings))
    return watched
