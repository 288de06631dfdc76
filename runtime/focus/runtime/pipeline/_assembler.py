"""Lines into rows of patches: what was lost leaves its place empty and is never closed up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import FocusError
from focus.runtime.pipeline._data import LineCounts, Strip, Times
from focus.runtime.sources import FrameMeta, FrameSource


class Assembler:
    """Collects a source's lines into strips of one row of patches, on one patch grid for the whole scene.

    It holds no more strips than it has memory for, however long the scene is; the source writes its lines into that
    memory, and strips take turns at it. A lost or damaged line
    leaves its place empty; so do the lines that fill up the last row, and a scene smaller than a window.

    Args:
        source: where the lines come from.
        patch: edge of a patch in samples.
        least_rows: rows that a scene must have at least, the model's window.
        memory: one or more arrays [patch, C, S] of the source's type, for a strip each.
    """

    def __init__(
        self, source: FrameSource, patch: int, least_rows: int, memory: Sequence[NDArray[Any]] | None = None
    ) -> None:
        self.counts = LineCounts()
        self._source, self._patch, self._least_rows = source, patch, least_rows
        facts = source.facts
        # Line by line, as cameras send them: band-interleaved by line.
        self._memory = memory or [np.zeros((patch, facts.bands, facts.samples), facts.dtype)]
        self._next_sequence: int | None = None
        self._row = 0
        self._begin()

    def strips(self) -> Iterator[Strip]:
        """The rows of patches, in order; a strip's samples are overwritten when it is the turn of its memory again.

        Raises:
            FocusError: the source went back, or sent no line.
        """
        for meta in self._source.start(lambda: self._lines_in_memory[self._lines]):
            if self._next_sequence is None:
                self._next_sequence = self.counts.first_sequence = meta.sequence
            yield from self._missing_before(meta, self._next_sequence)
            self._next_sequence = meta.sequence + 1
            if meta.intact:
                self.counts.received += 1
            else:
                self.counts.rejected += 1
            yield from self._add(meta.intact, meta.utc_ns)
        if self.counts.received == 0:
            raise FocusError(f"{self._source.facts.name} sent no usable line; check the source")
        if self._lines:
            yield self._finish()
        while self._row < self._least_rows:
            yield self._finish()

    @property
    def _lines_in_memory(self) -> NDArray[Any]:
        return self._memory[self._row % len(self._memory)]

    def _missing_before(self, meta: FrameMeta, expected: int) -> Iterator[Strip]:
        if meta.sequence < expected:
            raise FocusError(
                f"{self._source.facts.name} went back from line {expected - 1} to {meta.sequence}; restart the camera"
            )
        if meta.sequence == expected:
            return
        line = self._lines_in_memory[self._lines].copy()  # it was written into the place of the first missing one
        for _ in range(meta.sequence - expected):
            self.counts.missing += 1
            yield from self._add(False, None)
        self._lines_in_memory[self._lines] = line

    def _begin(self) -> None:
        self._arrived = np.zeros(self._patch, bool)
        self._lines = 0
        self._times = Times(None, None)

    def _add(self, intact: bool, utc_ns: int | None) -> Iterator[Strip]:
        self._arrived[self._lines] = intact
        self._times = self._times.joined(Times(utc_ns, utc_ns))
        self._lines += 1
        if self._lines == self._patch:
            yield self._finish()

    def _finish(self) -> Strip:
        sequence = self.counts.first_sequence + self._row * self._patch
        raw = self._lines_in_memory.transpose(1, 0, 2)
        strip = Strip(self._row, raw, self._arrived, self._lines, sequence, self._times)
        self._row += 1
        self._begin()
        return strip
