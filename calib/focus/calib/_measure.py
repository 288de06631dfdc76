"""A reference, look by look: what each element of the detector counted, and how steadily.

A look is a line, or the mean of a cube's lines where a snapshot camera sends cubes: dark and gain are the same in all
lines of a cube, which are different places, not different times.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from focus.runtime import CubeError
from focus.runtime.sources import FrameSource, SourceFacts

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reference:
    """What a recording of a panel, or of the dark, says of each element, [C, S]. Counts are without unused low bits.

    Attributes:
        facts: of its source.
        lines: number of looks.
        measured: int64 [C, S], looks in which the element gave a number.
        mean: float64 [C, S], counts; nan where it never did.
        deviation: float64 [C, S], standard deviation from look to look; nan with less than two.
        jitter: float64 [C, S], the same from neighbouring looks alone, which slow changes do not touch.
        lowest, highest: float64 [C, S], counts of any line.
        level: float64 [lines], mean counts of each look.
    """

    facts: SourceFacts
    lines: int
    measured: NDArray[np.int64]
    mean: Array
    deviation: Array
    jitter: Array
    lowest: Array
    highest: Array
    level: Array

    @property
    def name(self) -> str:
        """For messages."""
        return self.facts.name

    @property
    def saturated(self) -> NDArray[np.bool_]:
        """bool [C, S], elements that reached the highest count of the camera's words; none where that is not known."""
        bits = self.facts.bits
        return np.asarray(self.highest >= (np.inf if bits is None else 2.0**bits - 1))


def measure(source: FrameSource, lines: int | None = None, progress: Callable[[int], None] | None = None) -> Reference:
    """Reads a reference.

    Args:
        source: gives raw counts; it is started here, and let go of at the end.
        lines: how many lines, or cubes of a snapshot camera, to read; None reads all that a file has.
        progress: called with how many were read so far.
    Raises:
        CubeError: it gave no line.
        ValueError: an endless source, and no number of lines.
    """
    facts = source.facts
    if lines is None and facts.lines is None:
        raise ValueError(f"{facts.name} sends lines without end; say how many to take with --lines N")
    sums = _Sums(facts.bands, facts.samples)
    looks = _looks(source, sums)
    try:
        for look in looks:
            sums.add(look)
            if progress is not None:
                progress(sums.lines)
            if sums.lines == lines:
                break
    finally:
        looks.close()
    if sums.lines == 0:
        raise CubeError(f"{facts.name} gave no line; check the source")
    return sums.reference(facts)


def _looks(source: FrameSource, sums: _Sums) -> Generator[Array, None, None]:
    """Each look in counts, [C, S]; what is no measurement is nan. ``sums`` sees every line."""
    facts = source.facts
    stored = np.empty((facts.bands, facts.samples), facts.dtype)
    cube: list[Array] = []
    at = -1
    metas = source.start(lambda: stored)
    try:
        for meta in metas:
            if meta is None:
                continue
            number = meta.sequence if facts.cube_lines is None else meta.sequence // facts.cube_lines
            if number != at and cube:
                yield _mean(cube)
                cube = []
            at = number
            if meta.intact:
                line = stored / 2.0**facts.shift
                cube.append(np.where(np.isfinite(line), line, np.nan))
                sums.see(cube[-1])
        if cube:
            yield _mean(cube)
    finally:
        if isinstance(metas, Generator):
            metas.close()
        source.close()


def _mean(lines: list[Array]) -> Array:
    if len(lines) == 1:
        return lines[0]
    stack = np.stack(lines)
    known = np.isfinite(stack)
    total, count = np.where(known, stack, 0.0).sum(axis=0), known.sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0))


class _Sums:
    """Running sums, so that a long recording need not fit into memory."""

    def __init__(self, bands: int, samples: int) -> None:
        self.lines = 0
        self._count, self._pairs = np.zeros((2, bands, samples), np.int64)
        self._sum, self._squares, self._steps = np.zeros((3, bands, samples))
        self._lowest, self._highest = np.full((bands, samples), np.inf), np.full((bands, samples), -np.inf)
        self._first = self._before = np.full((bands, samples), np.nan)
        self._level: list[float] = []

    def see(self, line: Array) -> None:
        """Takes a line's lowest and highest counts, [C, S]; nan is no measurement."""
        np.fmin(self._lowest, line, out=self._lowest)
        np.fmax(self._highest, line, out=self._highest)

    def add(self, line: Array) -> None:
        """Takes a look in counts, [C, S]; nan is no measurement."""
        self.lines += 1
        finite = np.isfinite(line)
        known = np.where(finite, line, 0.0)
        # Sums of squares are taken around the first value: counts are large and their noise is small.
        self._first = np.where(np.isnan(self._first) & finite, line, self._first)
        around = np.where(finite, line - self._first, 0.0)
        step = line - self._before
        paired = np.isfinite(step)
        self._count += finite
        self._sum += around
        self._squares += around**2
        self._pairs += paired
        self._steps += np.where(paired, step, 0.0) ** 2
        self._before = line
        self._level.append(float(known.sum() / max(int(finite.sum()), 1)))

    def reference(self, facts: SourceFacts) -> Reference:
        """What they come to."""
        count, pairs = self._count.astype(np.float64), self._pairs.astype(np.float64)
        mean = np.divide(self._sum, count, out=np.full_like(count, np.nan), where=count > 0)
        squares = np.maximum(self._squares - count * np.nan_to_num(mean) ** 2, 0.0)
        variance = np.divide(squares, count - 1, out=np.full_like(count, np.nan), where=count > 1)
        jitter = np.divide(self._steps, 2 * pairs, out=np.full_like(count, np.nan), where=pairs > 0)
        return Reference(
            facts,
            self.lines,
            self._count,
            mean + self._first,
            np.sqrt(variance),
            np.sqrt(jitter),
            self._lowest,
            self._highest,
            np.array(self._level),
        )
