"""Lines in, finished rows of patches out: ``ingest`` on the CPU, for a whole cube or a stream."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.kernels._cpu_ingest import UNSIGNED, Lines, Optics, Results, ingest_rows
from focus.kernels._image import finish_image
from focus.kernels._optics import Weights, stored_optics
from focus.kernels._results import COUNTS, Array, Ingested, Quality, joined
from focus.kernels._threads import run_together

#: Patches are summed in float32, which holds 255 16-bit samples exactly.
LARGEST_PATCH = 255

#: Types that are read as they are; others are copied to float32 first.
NATIVE = (np.uint8, np.uint16, np.int16, np.float32)

#: Raw samples below which a second thread costs more than it brings.
WORTH_A_THREAD = 2**20


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
        self._waiting = np.empty((patch, self._bands, samples), np.uint8)
        self._arrived = np.zeros(patch, bool)
        self._at = 0
        self._line_before: Array | None = None
        self._nothing = self._closed(self._new_results(0), 0)

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
        return joined(list(self._pieces(lines)) or [self._nothing])

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
            self._at, count = self._at + here, count - here
            if self._at == self._patch:
                pieces.append(self._finished_row())
        return joined(pieces or [self._nothing])

    def finish(self) -> Ingested:
        """The last row, if it is not full: its composite has as many lines as were given. A new scene may follow."""
        piece = self._finished_row() if self._at else self._nothing
        self._line_before = None
        return piece

    def _pieces(self, lines: NDArray[Any]) -> Iterator[Ingested]:
        """Whole rows are ingested from where they lie, if they can be; others wait until their last line is there."""
        done, count, readable = 0, lines.shape[1], _readable(lines)
        while done < count:
            rows = (count - done) // self._patch if readable and self._at == 0 else 0
            here = rows * self._patch or min(self._patch - self._at, count - done)
            block = lines[:, done : done + here]
            done += here
            if rows:
                piece = self._ingested(block, rows)
                self._line_before = piece.composite[:, -1].copy()
                yield piece
                continue
            self._wait(block)
            if self._at == self._patch:
                yield self._finished_row()

    def _wait(self, block: NDArray[Any]) -> None:
        """Copies lines to their places in the row that is begun."""
        kind = _kind(block.dtype)
        if kind != self._waiting.dtype:
            # float32 holds what the other types hold; where no line waits, nothing has to be kept.
            self._waiting = self._waiting.astype(np.float32 if self._arrived.any() else kind)
        places = slice(self._at, self._at + block.shape[1])
        with np.errstate(over="ignore", invalid="ignore"):
            self._waiting[places] = block.transpose(1, 0, 2)
        self._arrived[places] = True
        self._at = places.stop

    def _finished_row(self) -> Ingested:
        """The row that is begun, of the lines that arrived; begins the next one."""
        arrived = np.flatnonzero(self._arrived[: self._at])
        lines = self._waiting[: self._at] if arrived.size == self._at else self._waiting[arrived]
        row = self._ingested(lines.transpose(1, 0, 2), 1)
        image = row.composite if arrived.size == self._at else self._bridged(row.composite, arrived)
        self._line_before = image[:, -1].copy() if arrived.size or self._line_before is not None else None
        self._arrived[:] = False
        self._at = 0
        return Ingested(row.band_means, image, row.quality)

    def _bridged(self, image: Array, arrived: NDArray[np.intp]) -> Array:
        """The composite [3, L, S] of all lines of a row, of that of those that arrived [3, len(arrived), S]: the others
        repeat the one before; before the first line, the one after.
        """
        if self._line_before is not None:
            image = np.concatenate([self._line_before[:, None], image], axis=1)
            arrived = np.concatenate([[-1], arrived])
        if not arrived.size:
            return np.zeros((3, self._at, self._samples), np.float32)
        return image[:, np.maximum(np.searchsorted(arrived, np.arange(self._at), side="right") - 1, 0)]

    def _new_results(self, rows: int) -> Results:
        patches, shape = rows * self._columns, (3, rows * self._patch, self._samples)
        return Results(
            np.full((patches, self._bands), np.nan, np.float32),
            np.zeros((patches, len(COUNTS)), np.int32),
            np.zeros(shape, np.float32),
            np.zeros(shape, np.float32),
        )

    def _ingested(self, block: NDArray[Any], rows: int) -> Ingested:
        """Shares the patches of ``rows`` rows out to the threads; each does some rows, or some columns of one row."""
        lines, results = _lines_of(block, block.shape[1] // rows), self._new_results(rows)
        threads = self._threads if block.size >= WORTH_A_THREAD else 1
        across = rows < threads
        edges = np.linspace(0, self._columns if across else rows, threads + 1).astype(int).tolist()
        run_together(
            [
                partial(
                    ingest_rows,
                    lines,
                    *map(UNSIGNED, (0, rows, start, stop) if across else (start, stop, 0, self._columns)),
                    self._optics,
                    results,
                )
                for start, stop in pairwise(edges)
                if start < stop
            ]
        )
        return self._closed(results, block.shape[1])

    def _closed(self, results: Results, lines: int) -> Ingested:
        if self._dead_weight.any() or results.missing.any():
            finish_image(results, self._dead_weight, self._weights, self._totals, self._patch)
        return Ingested(results.means, results.image[:, :lines], Quality(results.counts, self._full))


def _kind(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type as which samples are read."""
    return dtype if dtype in NATIVE and dtype.isnative else np.dtype(np.float32)


def _readable(block: NDArray[Any]) -> bool:
    """Whether the kernel can read a block [C, L, S] where it lies: the samples of a line and band side by side."""
    steps_forward = all(stride >= 0 and stride % block.itemsize == 0 for stride in block.strides)
    return _kind(block.dtype) == block.dtype and block.strides[2] == block.itemsize and steps_forward


def _lines_of(block: NDArray[Any], number: int) -> Lines:
    """A block [C, L, S] that is ``_readable`` as the kernel sees it."""
    bands, lines, _ = (stride // block.itemsize for stride in block.strides)
    extent = (block.shape[0] - 1) * bands + (block.shape[1] - 1) * lines + block.shape[2] if block.size else 0
    flat = np.lib.stride_tricks.as_strided(block, (extent,), (block.itemsize,), writeable=False)
    return Lines(flat, UNSIGNED(lines), UNSIGNED(bands), UNSIGNED(number))
