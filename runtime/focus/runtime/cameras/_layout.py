"""How a push-broom line lies in a camera's two-dimensional frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CameraError


@dataclass(frozen=True)
class FrameLayout:
    """A frame of H rows and W columns is one line: rows are bands and columns are samples, or the other way round.

    Attributes:
        rows, columns: H and W as the camera sends them.
        row_bytes: from one row to the next, padding included.
        dtype: of the pixels.
        transpose: rows are samples and columns are bands.
        status_rows: rows at the end of a frame that are no pixels: a counter or status line.
    Raises:
        CameraError: a frame with nothing but status.
    """

    rows: int
    columns: int
    row_bytes: int
    dtype: np.dtype[Any]
    transpose: bool = False
    status_rows: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.status_rows < self.rows:
            raise CameraError(f"--status-lines must be 0 to {self.rows - 1} for frames of {self.rows} rows")
        if self.row_bytes < self.columns * self.dtype.itemsize:
            raise CameraError(
                f"the camera says that {self.columns} pixels of {self.dtype} take {self.row_bytes} bytes; "
                "update its driver"
            )

    @property
    def bands(self) -> int:
        """C."""
        return self.columns if self.transpose else self.rows - self.status_rows

    @property
    def samples(self) -> int:
        """Samples a line."""
        return self.rows - self.status_rows if self.transpose else self.columns

    @property
    def frame_bytes(self) -> int:
        """Bytes from the first pixel to the last one, without padding behind it."""
        return self.row_bytes * (self.rows - 1) + self.columns * self.dtype.itemsize

    def copy(self, frame: Any, line: NDArray[Any]) -> bool:
        """Copies a frame's pixels into a line.

        Args:
            frame: bytes, any buffer.
            line: [C, samples].
        Returns: False where the frame is too short; the line is left as it was.
        """
        if memoryview(frame).nbytes < self.frame_bytes:
            return False
        steps = self.row_bytes, self.dtype.itemsize
        pixels: NDArray[Any] = np.ndarray((self.rows, self.columns), self.dtype, frame, strides=steps)
        kept = pixels[: self.rows - self.status_rows]
        line[...] = kept.T if self.transpose else kept
        return True
