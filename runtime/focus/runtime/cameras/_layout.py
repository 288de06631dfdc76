"""How lines lie in a camera's two-dimensional frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CameraError
from focus.runtime.cameras._mosaic import Mosaic, mosaic_of
from focus.runtime.sources._contract import FrameMeta, GetBuffer

if TYPE_CHECKING:
    from focus.runtime.sources._options import SourceOptions


@dataclass(frozen=True)
class FrameLayout:
    """A frame of H rows and W columns is one push-broom line: rows are bands and columns are samples, or the other way
    round. Or it is a snapshot cube: one band a pixel, in a mosaic.

    Attributes:
        rows, columns: H and W as the camera sends them.
        row_bytes: from one row to the next, padding included.
        dtype: of the pixels.
        transpose: rows are samples and columns are bands.
        status_rows: rows at the end of a frame that are no pixels: a counter or status line.
        mosaic: the pattern; None for push-broom. Pixels beyond the last whole pattern are left out.
    Raises:
        CameraError: a frame with nothing but status, or smaller than the pattern.
    """

    rows: int
    columns: int
    row_bytes: int
    dtype: np.dtype[Any]
    transpose: bool = False
    status_rows: int = 0
    mosaic: Mosaic | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.status_rows < self.rows:
            raise CameraError(f"--status-lines must be 0 to {self.rows - 1} for frames of {self.rows} rows")
        if self.row_bytes < self.columns * self.dtype.itemsize:
            raise CameraError(
                f"the camera says that {self.columns} pixels of {self.dtype} take {self.row_bytes} bytes; "
                "update its driver"
            )
        if self.mosaic is not None and not (self.lines > 0 and self.samples > 0):
            raise CameraError(f"frames of {self.rows} rows x {self.columns} columns hold no mosaic of {self.mosaic}")

    @property
    def bands(self) -> int:
        """C."""
        if self.mosaic is not None:
            return self.mosaic.bands
        return self.columns if self.transpose else self.rows - self.status_rows

    @property
    def samples(self) -> int:
        """Samples a line."""
        if self.mosaic is not None:
            return (self.columns - self.mosaic.left) // self.mosaic.columns
        return self.rows - self.status_rows if self.transpose else self.columns

    @property
    def lines(self) -> int:
        """Lines of a frame."""
        return 1 if self.mosaic is None else (self.rows - self.status_rows - self.mosaic.top) // self.mosaic.rows

    @property
    def cube_lines(self) -> int | None:
        """See ``SourceFacts``."""
        return None if self.mosaic is None else self.lines

    @property
    def frame_bytes(self) -> int:
        """Bytes from the first pixel to the last one, without padding behind it."""
        return self.row_bytes * (self.rows - 1) + self.columns * self.dtype.itemsize

    def lines_of(self, frame: Any, meta: FrameMeta, get_buffer: GetBuffer) -> Iterator[FrameMeta]:
        """Copies a frame's pixels into lines, once.

        Args:
            frame: bytes, any buffer; it must stay until the last line is there.
            meta: of the frame; damaged frames, and those that are too short, give lines that are not intact.
            get_buffer: see ``FrameSource.start``.
        """
        intact = meta.intact and memoryview(frame).nbytes >= self.frame_bytes
        for number in range(self.lines):
            line = get_buffer()
            if intact:
                self._copy(self._pixels(frame), number, line)
            yield meta._replace(sequence=meta.sequence * self.lines + number, intact=intact)

    def _pixels(self, frame: Any) -> NDArray[Any]:
        """[H, W] without the status rows, where they lie."""
        steps = self.row_bytes, self.dtype.itemsize
        pixels: NDArray[Any] = np.ndarray((self.rows, self.columns), self.dtype, frame, strides=steps)
        return pixels[: self.rows - self.status_rows]

    def _copy(self, pixels: NDArray[Any], number: int, line: NDArray[Any]) -> None:
        mosaic = self.mosaic
        if mosaic is None:
            line[...] = pixels.T if self.transpose else pixels
            return
        first, across = mosaic.top + number * mosaic.rows, self.samples * mosaic.columns
        block = pixels[first : first + mosaic.rows, mosaic.left : mosaic.left + across]
        places = block.reshape(mosaic.rows, self.samples, mosaic.columns).transpose(0, 2, 1)
        if not mosaic.order:
            line.reshape(places.shape)[...] = places
            return
        for place, band in enumerate(mosaic.order):
            if band >= 0:
                line[band] = places[divmod(place, mosaic.columns)]


def layout_of(rows: int, columns: int, row_bytes: int, dtype: np.dtype[Any], options: SourceOptions) -> FrameLayout:
    """The layout of a camera's frames, as the user says it.

    Raises:
        CameraError: see ``FrameLayout`` and ``mosaic_of``.
        ValueError: options that do not go together.
    """
    mosaic = mosaic_of(options)
    if mosaic is not None and options.transpose:
        raise ValueError("--transpose goes with push-broom cameras; leave it out for a mosaic")
    return FrameLayout(rows, columns, row_bytes, dtype, bool(options.transpose), options.status_lines or 0, mosaic)
