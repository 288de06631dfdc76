"""Lines into rows of patches: what was lost leaves its place empty and is never closed up."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CameraError, CameraLost, CannotKeepUp, FocusError, Stopped
from focus.runtime._stop import Stop
from focus.runtime.pipeline._data import LineCounts, Strip
from focus.runtime.pipeline._memory import StripMemory
from focus.runtime.pipeline._watch import Watch
from focus.runtime.sources import FrameMeta, FrameSource

#: A larger gap is no loss of lines: something else counts now.
MOST_MISSING = 1_000_000


class Assembler:
    """Collects a source's lines into strips of one row of patches, on one patch grid for the whole scene, or for each
    snapshot cube.

    The source writes its lines into ``memory``, and a strip is a view of it. A lost or damaged line leaves its place
    empty; so do the lines that fill up the last row of a scene or cube, and one smaller than a window.

    Args:
        source: where the lines come from.
        patch: edge of a patch in samples.
        least_rows: rows that a scene must have at least, the model's window.
        take: gives the place for the next strip; may wait, and may raise what ends the stream.
        memory: whose places those are.
        stop: ends the stream after the line that is being taken.
        watch: see ``Watch``.

    Attributes:
        counts: what became of the lines so far.
        ended: why the stream ended before the source did; None if it did not.
    """

    def __init__(
        self,
        source: FrameSource,
        patch: int,
        least_rows: int,
        take: Callable[[], int],
        memory: StripMemory,
        stop: Stop | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.counts = LineCounts()
        self.ended: FocusError | None = None
        self._source, self._patch, self._least_rows = source, patch, least_rows
        self._take, self._memory, self._stop, self._watch = take, memory, stop, watch or Watch()
        self._place: int | None = None
        self._next_sequence: int | None = None
        self._cube_lines = source.facts.cube_lines
        self._cube_rows = None if self._cube_lines is None else max(-(-self._cube_lines // patch), least_rows)
        self._row = self._first_row = self._cube = 0
        self._begin()

    def strips(self) -> Iterator[Strip]:
        """The rows of patches, in order.

        Raises:
            FocusError: the source went back, or sent no line.
        """
        try:
            yield from self._lines_of_source()
        except (CameraError, CannotKeepUp, Stopped) as end:
            self.ended = end
            if isinstance(end, CameraError):
                self._watch.lost(str(end))
        if self.counts.received + self.counts.dropped == 0:
            raise self.ended or FocusError(f"{self._source.facts.name} sent no usable line; check the source")
        if self._lines:
            yield self._finish()
        yield from self._fill_up()

    def _lines_of_source(self) -> Iterator[Strip]:
        metas = self._source.start(self._buffer)
        try:
            for meta in metas:
                if meta is None:
                    self._watch.idle()
                elif meta.ends:
                    yield from self._missing_until(meta.sequence)
                else:
                    yield from self._take_line(meta)
                if self._stop is not None and self._stop.reason is not None:
                    raise Stopped(self._stop.reason)
        finally:
            if isinstance(metas, Generator):
                metas.close()  # the driver lets go of its camera

    def _take_line(self, meta: FrameMeta) -> Iterator[Strip]:
        if self._next_sequence is None:
            # A cube that had begun before lacks its first lines.
            self._next_sequence = meta.sequence - meta.sequence % (self._cube_lines or 1)
            self.counts.first_sequence = self._next_sequence
        yield from self._missing_before(meta, self._next_sequence)
        self._next_sequence = meta.sequence + 1
        if meta.intact:
            self.counts.received += 1
        else:
            self.counts.rejected += 1
        yield from self._add(meta)

    def _buffer(self) -> NDArray[Any]:
        """Where the next line goes."""
        if self._place is None:
            self._place = self._take()
        line: NDArray[Any] = self._memory.places[self._place][self._lines]
        return line

    def _missing_before(self, meta: FrameMeta, expected: int) -> Iterator[Strip]:
        if meta.sequence < expected:
            went_back = CameraLost if self._source.facts.lines is None else FocusError
            raise went_back(
                f"{self._source.facts.name} went back from line {expected - 1} to {meta.sequence}; restart the camera"
            )
        if meta.sequence == expected:
            return
        if meta.sequence - expected > MOST_MISSING:
            raise CameraLost(
                f"{self._source.facts.name} jumped from line {expected - 1} to {meta.sequence}, as after a restart"
            )
        line = self._buffer().copy()  # it was written into the place of the first missing one
        yield from self._missing_until(meta.sequence)
        self._buffer()[:] = line

    def _missing_until(self, sequence: int) -> Iterator[Strip]:
        """Leaves the places of lost lines empty; a number that cannot be is left alone, at the end of a stream."""
        while self._next_sequence is not None and 0 < sequence - self._next_sequence <= MOST_MISSING:
            self._next_sequence += 1
            self.counts.missing += 1
            yield from self._add(None)

    def _begin(self) -> None:
        self._arrived = np.zeros(self._patch, bool)
        self._metas: list[FrameMeta | None] = []

    @property
    def _lines(self) -> int:
        """Lines of the strip that is being filled."""
        return len(self._metas)

    def _add(self, meta: FrameMeta | None) -> Iterator[Strip]:
        """The next line of the scene; None for one that was lost."""
        self._arrived[self._lines] = meta is not None and meta.intact
        self._metas.append(meta)
        done = (self._row - self._first_row) * self._patch + self._lines
        if self._lines == self._patch or done == self._cube_lines:
            yield self._finish()
        if done == self._cube_lines:
            yield from self._fill_up()

    def _fill_up(self) -> Iterator[Strip]:
        """The empty rows that a scene or a cube smaller than a window lacks."""
        while 0 < self._row - self._first_row < self._least_rows:
            yield self._finish()

    def _finish(self) -> Strip:
        here = self._row - self._first_row
        sequence = self.counts.first_sequence + self._cube * (self._cube_lines or 0) + here * self._patch
        place, self._place = self._place, None
        release = _nothing if place is None else partial(self._memory.give_back, place)
        raw = self._memory.places[place or 0].transpose(1, 0, 2)
        ends = here + 1 == self._cube_rows
        strip = Strip(
            self._row,
            raw,
            self._arrived,
            tuple(self._metas),
            sequence,
            -1 if place is None else place,
            release,
            None if self._cube_lines is None else self._cube,
            begins=here == 0 and self._cube_lines is not None,
            ends=ends,
        )
        self._row += 1
        if ends:
            self._cube, self._first_row = self._cube + 1, self._row
        self._begin()
        return strip


def _nothing() -> None:
    """There is nothing to release."""
