"""What a user may choose about the files of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from typing_extensions import Self

from focus.runtime.outputs._open_files import Fsync
from focus.runtime.positions import Track

#: Formats of the maps.
Format = Literal["envi", "bigtiff"]

#: What holds for a camera, whose lines do not come again: seconds between two flushes, and bytes that stay free.
CAMERA_FSYNC_S, CAMERA_MIN_FREE = 5.0, 10**9


@dataclass(frozen=True)
class OutputOptions:
    """Choices about the files of a run.

    Attributes:
        format: of the maps.
        record: whether the raw lines are recorded.
        fsync: see ``Fsync``; None takes never for a file, which can be read again, and 5 s for a camera.
        track: where the camera was, or None.
        min_free: bytes that are to stay free on the disk; None takes none for a file and 1 GB for a camera.
    """

    format: Format = "envi"
    record: bool = False
    fsync: Fsync | None = None
    min_free: int | None = None
    track: Track | None = None

    def resolved(self, *, endless: bool) -> Self:
        """The same with what holds for a camera, or for a file, where nothing was chosen."""
        fsync: Fsync = CAMERA_FSYNC_S if endless else "never"
        least = CAMERA_MIN_FREE if endless else 0
        return replace(
            self,
            fsync=fsync if self.fsync is None else self.fsync,
            min_free=least if self.min_free is None else self.min_free,
        )
