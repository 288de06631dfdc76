"""Lines in, finished rows of patches out: ``ingest`` on the CPU, for a whole cube or a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.kernels._cpu_ingest import UNSIGNED, Lines, Optics, Results, Sums, ingest_gathered, ingest_rows
from focus.kernels._image import finish_image
from focus.kernels._optics import Weights, stored_optics
from focus.kernels._results import COUNTS, Array, Ingested, Quality, joined
from focus.kernels._threads import run_together

#: Patches are summed in float32, which holds 255 16-bit samples exactly.
LARGEST_PATCH = 255

#: Types that are read as they are; others are copied to float32 first.
NATIVE = (np.uint8, np.uint16, np.int16, np.float32)

#: Raw samples below which a second thread costs more than it brings.
WORTH_A_THREAD = 2**17


class LineIngest:
    """Ingests a push-broom stream: takes lines, gives rows of patches as they are finished.

    However the lines are split over calls, the results are the same to the bit. Arguments as for ``ingest``.

    Args:
        samples: samples a line, S. Where it is no multiple of the patch, the last patch of a row is cut.
        patch: edge of a patch in samples, 1 to 255.
        composite_weights: float [3, C].
        dark, gain: a number, [C], [C, 1] or [C, S].
        used: bool [C].
        bits, shift: depth and alignment of the camera's words.
        threads: how many share the work of a call.
    Raises:
        ValueError: see ``ingest``.
    """

    def __init__(
        self,
        samples: int,
        patch: int,
        composite_weights: Weights,
        *,
        dark: NDArray[np.floating] | float = 0.0,
        gain: NDArray[np.floating] | float = 1.0,
        used: NDArray[np.bool_] | None = None,
        bits: int | None = None,
        shift: int = 0,
        threads: int = 1,
    ) -> None:
        if not 1 <= patch <= LARGEST_PATCH:
            raise ValueError(f"patch must be 1 to {LARGEST_PATCH} samples, got {patch}")
        if samples < 1:
            raise ValueError(f"a line must have at least 1 sample, got {samples}")
        stored = stored_optics(samples, composite_weights, dark, gain, used, bits, shift)
        self._samples, self._patch, self._threads = samples, patch, max(1, threads)
        self._bands, self._columns = len(stored.used), -(-samples // patch)
        self._totals = stored.weights.sum(axis=1)
        self._dead_weight = (stored.weights @ stored.dead).astype(np.float32)
        self._weights = stored.weights
        self._full = int(stored.used.sum()) * patch * patch
        self._optics = Optics(
            stored.dark.reshape(-1),
            stored.gain.reshape(-1),
            stored.weights.astype(np.float32),
            stored.used,
            np.float32(stored.ceiling),
            UNSIGNED(samples),
            UNSIGNED(patch),
        )
        self._carried = Sums(np.zeros(self._bands * samples, np.float32), np.zeros(self._bands * samples, np.int32))
        self._line_before: Array | None = None
        self._begin()

    def _begin(self) -> None:
        """A new patch row."""
        self._at = 0
        self._arrived = np.zeros(self._patch, bool)
        self._open: Results | None = None

    def add(self, lines: NDArray[Any]) -> Ingested:
        """Takes the next lines; gives the rows of patches that they complete (none is fine: N = 0, H = 0).

        Args:
            lines: [C, L, S], any numeric dtype and strides; read before the call returns, not kept.
        Raises:
            ValueError: other bands or samples than this stream's.
        """
        if lines.ndim != 3 or lines.shape[0] != self._bands or lines.shape[2] != self._samples:
            raise ValueError(f"lines must be [{self._bands}, L, {self._samples}], got {list(lines.shape)}")
        if np.ma.isMaskedArray(lines):
            raise ValueError("lines must be a plain array, got a masked one; fill what is masked with NaN, in float32")
        return joined(list(self._pieces(lines)) or [self._nothing()])

    def skip(self, count: int) -> Ingested:
        """Passes over lines that never arrived, or that must not be used; gives the rows that end with them.

        Their place in the composite repeats the line before; the band means are those of the other lines.

        Raises:
            ValueError: a negative count.
        """
        if count < 0:
            raise ValueError(f"the number of lines to skip must be 0 or more, got {count}")
        pieces = []
        while count:
            here = min(count, self._patch - self._at)
            self._results()
            self._at, count = self._at + here, count - here
            if self._at == self._patch:
                pieces.append(self._close_open())
        return joined(pieces or [self._nothing()])

    def finish(self) -> Ingested:
        """The last row, if it is not full: its composite has as many lines as were given."""
        if self._at == 0:
            return self._nothing()
        lines = self._at
        piece = self._close_open()
        self._line_before = None
        return Ingested(piece.band_means, piece.composite[:, :lines], piece.quality)

    def _pieces(self, lines: NDArray[Any]) -> Iterator[Ingested]:
        done, count = 0, lines.shape[1]
        while done < count:
            whole = (count - done) // self._patch if self._at == 0 else 0
            here = whole * self._patch or min(self._patch - self._at, count - done)
            block = lines[:, done : done + here]
            done += here
            if whole:
                results = self._new_results(whole)
                self._run(block, results, whole, self._patch, True)
                yield self._closed(results, np.ones(whole * self._patch, bool))
                continue
            results = self._results()
            last = self._at + here == self._patch
            self._arrived[self._at : self._at + here] = True
            self._run(block, results, 1, here, last)
            self._at += here
            if last:
                yield self._end(results)

    def _results(self) -> Results:
        """Of the row that is begun; begins it if there is none."""
        if self._open is None:
            self._open = self._new_results(1)
        return self._open

    def _new_results(self, rows: int) -> Results:
        patches, shape = rows * self._columns, (3, rows * self._patch, self._samples)
        return Results(
            np.full((patches, self._bands), np.nan, np.float32),
            np.zeros((patches, len(COUNTS)), np.int32),
            np.zeros(shape, np.float32),
            np.zeros(shape, np.float32),
        )

    def _close_open(self) -> Ingested:
        """Closes a row whose last lines never came: there is nothing more to add."""
        nothing = np.zeros((self._bands, 0, self._samples), np.float32)
        results = self._results()
        self._run(nothing, results, 1, 0, True)
        return self._end(results)

    def _end(self, results: Results) -> Ingested:
        closed = self._closed(results, self._arrived)
        self._begin()
        return closed

    def _run(self, block: NDArray[Any], results: Results, rows: int, count: int, last: bool) -> None:
        """Shares the patches of ``rows`` rows out to the threads; each does some rows, or some columns of one row."""
        memory = _memory(block)
        whole = rows > 1 or (self._at == 0 and count == self._patch)
        seen = count if whole else int(self._arrived.sum())
        at = 0 if whole else self._at
        lines = Lines(memory.flat, UNSIGNED(0), *memory.steps, UNSIGNED(count), UNSIGNED(at), UNSIGNED(seen), last)
        threads = self._threads if block.size >= WORTH_A_THREAD else 1
        across = rows < threads
        edges = np.linspace(0, self._columns if across else rows, threads + 1).astype(int).tolist()
        run_together(
            [
                partial(
                    memory.kernel,
                    lines,
                    *map(UNSIGNED, (0, rows, start, stop) if across else (start, stop, 0, self._columns)),
                    self._optics,
                    self._carried,
                    results,
                )
                for start, stop in pairwise(edges)
                if start < stop
            ]
        )

    def _closed(self, results: Results, arrived: NDArray[np.bool_]) -> Ingested:
        if self._dead_weight.any() or results.missing.any():
            finish_image(results, self._dead_weight, self._weights, self._totals, self._patch)
        image = self._bridged(results.image, arrived)
        return Ingested(results.means, image, Quality(results.counts, self._full))

    def _bridged(self, image: Array, arrived: NDArray[np.bool_]) -> Array:
        """Lines that never came repeat the one before; before the first line, the one after."""
        if not arrived.all():
            known = np.flatnonzero(arrived)
            for line in np.flatnonzero(~arrived):
                if line > 0 and (self._line_before is not None or (known.size and known[0] < line)):
                    image[:, line] = image[:, line - 1]
                elif self._line_before is not None:
                    image[:, line] = self._line_before
                elif known.size:
                    image[:, line] = image[:, known[0]]
        if arrived.any() or self._line_before is not None:
            self._line_before = image[:, -1].copy()
        return image

    def _nothing(self) -> Ingested:
        counts = np.zeros((0, len(COUNTS)), np.int32)
        image = np.zeros((3, 0, self._samples), np.float32)
        return Ingested(np.zeros((0, self._bands), np.float32), image, Quality(counts, self._full))


class _Memory(NamedTuple):
    """A block [C, L, S] as flat memory, its steps from line to line, band to band and sample to sample, and the kernel
    for such a layout.
    """

    flat: NDArray[Any]
    steps: tuple[np.uintp, np.uintp, np.uintp]
    kernel: Callable[..., object]


def _memory(block: NDArray[Any]) -> _Memory:
    native = block.dtype in NATIVE and block.dtype.isnative
    if not native or any(stride < 0 or stride % block.itemsize for stride in block.strides):
        with np.errstate(over="ignore", invalid="ignore"):
            kind = block.dtype if native else np.dtype(np.float32)
            # A real copy: ascontiguousarray would give back an array whose axis of length 1 runs backwards.
            block = np.array(block.transpose(1, 0, 2), kind, order="C", copy=True).transpose(1, 0, 2)
    bands, lines, samples = (stride // block.itemsize for stride in block.strides)
    last = sum((length - 1) * step for length, step in zip(block.shape, (bands, lines, samples), strict=True))
    extent = last + 1 if block.size else 0
    flat = np.lib.stride_tricks.as_strided(block, (extent,), (block.itemsize,), writeable=False)
    steps = UNSIGNED(lines), UNSIGNED(bands), UNSIGNED(samples)
    return _Memory(flat, steps, ingest_rows if samples == 1 else ingest_gathered)
