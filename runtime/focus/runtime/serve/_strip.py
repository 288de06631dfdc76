"""The last stretch of the strip, in bounded memory."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.runtime.pipeline import MapRow, Plan

#: Width of the kept picture in pixels at most, and its bytes: 11,000 lines of 256 samples.
WIDTH, PIXEL_BYTES = 512, 12_000_000

#: Bytes of spectra and saliency by band that are kept for clicks; older places have none.
PLACE_BYTES = 48_000_000


class Place(NamedTuple):
    """What is kept of a row of patches for clicks: which row it is of all segments, also counting those that only
    filled up a window, its first line in its segment, and see ``MapRow``.
    """

    segment: int
    number: int
    line: int
    scores: NDArray[np.float32]
    heatmap: NDArray[np.float32]
    cube: NDArray[np.float32] | None
    band_means: NDArray[np.float32] | None

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        arrays = (self.scores, self.heatmap, self.cube, self.band_means)
        return sum(part.nbytes for part in arrays if part is not None)


class KeptRow(NamedTuple):
    """A row of patches as the page draws it.

    Attributes:
        row: its number on the page, without gaps, from segment to segment.
        segment: the recording's segment that it belongs to, from 1.
        cube: the snapshot cube that it belongs to; None for push-broom.
        pixels: uint8 [lines, width, 4], RGBA, thinned: 255 sqrt(reflectance), alpha 0 where masked.
        heatmap: float32 [columns], M.
    """

    row: int
    segment: int
    cube: int | None
    pixels: NDArray[np.uint8]
    heatmap: NDArray[np.float32]


class StripHistory:
    """Keeps the newest rows of the maps, over the segments of a recording.

    Args:
        plan: of the first segment.
    Attributes:
        factor: every factor-th line and sample is kept.
        width: pixels across.
        most: rows that are kept.
        segment: the present one, from 1.
        base: rows of all segments before it.
    """

    def __init__(self, plan: Plan) -> None:
        self.factor = -(-plan.source.samples // WIDTH)
        self.width = -(-plan.source.samples // self.factor)
        self.segment, self.base, self._number, self._line = 1, 0, -1, 0
        self._patch = plan.bundle.backbone.patch
        self.most = max(PIXEL_BYTES // (4 * self.width) * self.factor // self._patch, 1)
        self._rows: deque[KeptRow] = deque(maxlen=self.most)
        self._places: deque[tuple[int, Place]] = deque(maxlen=self.most)
        self._bytes = 0

    @property
    def last(self) -> int:
        """Number of the newest row of patches; -1 before the first."""
        return self._rows[-1].row if self._rows else -1

    def begin_segment(self) -> None:
        """The next rows are those of a new segment, and count from 0 again."""
        self.segment += 1
        self.base, self._line = self._number + 1, 0

    def add(self, row: MapRow) -> None:
        """Takes the next row of the maps."""
        page = self.last + 1
        self._number = self.base + row.row
        self._rows.append(KeptRow(page, self.segment, row.snapshot, self._pixels(row, page), row.heatmap))
        place = Place(self.segment, self._number, self._line, row.scores, row.heatmap, row.cube, row.band_means)
        self._line += row.lines
        if len(self._places) == self._places.maxlen:
            self._forget_place()
        self._places.append((page, place))
        self._bytes += place.nbytes
        while self._bytes > PLACE_BYTES and len(self._places) > 1:
            self._forget_place()

    def after(self, row: int, most: int) -> list[KeptRow]:
        """The oldest ``most`` of the kept rows after this one."""
        first = max(row + 1 - self._rows[0].row, 0) if self._rows else 0
        return [self._rows[index] for index in range(first, min(first + most, len(self._rows)))]

    def place(self, row: int) -> Place | None:
        """What is known of the patches of a row; None if it is too old or not there yet."""
        index = row - self._places[0][0] if self._places else -1
        return self._places[index][1] if 0 <= index < len(self._places) else None

    def _forget_place(self) -> None:
        self._bytes -= self._places.popleft()[1].nbytes

    def _pixels(self, row: MapRow, page: int) -> NDArray[np.uint8]:
        first = -(page * self._patch) % self.factor
        kept = np.s_[first :: self.factor, :: self.factor]
        pixels = np.empty((*row.mask[kept].shape, 4), np.uint8)
        reflectance = np.nan_to_num(row.composite[:, first :: self.factor, :: self.factor], nan=0.0)
        pixels[..., :3] = np.moveaxis(255 * np.sqrt(np.clip(reflectance, 0, 1)) + 0.5, 0, 2)
        pixels[..., 3] = np.where(row.mask[kept], 255, 0)
        return pixels
