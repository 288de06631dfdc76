"""Lines into rows of patches: what was lost is filled and masked, never closed up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import FocusError
from focus.runtime.pipeline._data import LineCounts, Strip, Times
from focus.runtime.sources import FrameMeta, FrameSource


class Assembler:
    """Collects a source's lines into strips of one row of patches, on one patch grid for the whole scene.

    It holds a single strip, however long the scene is. Lost and damaged lines repeat the line before them and are
    masked; so do the lines and samples that fill up the last row and column, and a scene smaller than a window.

    Args:
        source: where the lines come from.
        patch: edge of a patch in samples.
        columns: columns of the patch grid; columns * patch is at least the source's samples.
        least_rows: rows that a scene must have at least, the model's window.
    """

    def __init__(self, source: FrameSource, patch: int, columns: int, least_rows: int) -> None:
        self.counts = LineCounts()
        self._source, self._patch, self._columns, self._least_rows = source, patch, columns, least_rows
        facts = source.facts
        self._line: NDArray[Any] = np.zeros((facts.bands, facts.samples), facts.dtype)
        self._previous: NDArray[Any] | None = None
        self._next_sequence: int | None = None
        self._row = 0
        self._begin()

    def strips(self) -> Iterator[Strip]:
        """The rows of patches, in order; each is a fresh array.

        Raises:
            FocusError: the source went back, or sent no line.
        """
        for meta in self._source.start(lambda: self._line):
            if self._next_sequence is None:
                self._next_sequence = self.counts.first_sequence = meta.sequence
            yield from self._missing_before(meta, self._next_sequence)
            self._next_sequence = meta.sequence + 1
            if meta.intact:
                self.counts.received += 1
                self._previous = self._line.copy()
            else:
                self.counts.rejected += 1
            yield from self._add(meta.intact, meta.utc_ns)
        if self.counts.received == 0:
            raise FocusError(f"{self._source.facts.name} sent no usable line; check the source")
        yield from self._fill_up()

    def _missing_before(self, meta: FrameMeta, expected: int) -> Iterator[Strip]:
        if meta.sequence < expected:
            raise FocusError(
                f"{self._source.facts.name} went back from line {expected - 1} to {meta.sequence}; restart the camera"
            )
        for _ in range(meta.sequence - expected):
            self.counts.missing += 1
            yield from self._add(False, None)

    def _begin(self) -> None:
        facts = self._source.facts
        width = self._columns * self._patch
        self._raw: NDArray[Any] = np.zeros((facts.bands, self._patch, width), facts.dtype)
        self._measured = np.zeros((self._patch, width), bool)
        self._lines = 0
        self._times = Times(None, None)

    def _add(self, intact: bool, utc_ns: int | None) -> Iterator[Strip]:
        samples = self._source.facts.samples
        if self._previous is not None:
            self._raw[:, self._lines, :samples] = self._previous
            self._raw[:, self._lines, samples:] = self._previous[:, -1:]
        self._measured[self._lines, :samples] = intact
        self._times = self._times.joined(Times(utc_ns, utc_ns))
        self._lines += 1
        if self._lines == self._patch:
            yield self._finish()

    def _finish(self) -> Strip:
        if self._previous is not None and self._lines:
            self._raw[:, self._lines :] = self._raw[:, self._lines - 1 : self._lines]
        sequence = self.counts.first_sequence + self._row * self._patch
        strip = Strip(self._row, self._raw, self._measured, self._lines, sequence, self._times)
        self._row += 1
        self._begin()
        return strip

    def _fill_up(self) -> Iterator[Strip]:
        if self._lines:
            yield self._finish()
        while self._row < self._least_rows and self._previous is not None:
            self._raw[:, :, : self._source.facts.samples] = self._previous[:, None]
            self._raw[:, :, self._source.facts.samples :] = self._previous[:, None, -1:]
            yield self._finish()
