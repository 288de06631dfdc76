"""What a user may choose about the files of a run."""

from __future__ import annotations

from dataclasses import dataclass

from focus.runtime.outputs._open_files import Fsync

#: Seconds between two flushes of a camera's files.
FSYNC_S = 5.0


@dataclass(frozen=True)
class OutputOptions:
    """Choices about the files of a run.

    Attributes:
        record: whether the raw lines are recorded.
        fsync: see ``Fsync``; None takes never for a file, which can be read again, and 5 s for a camera.
    """

    record: bool = False
    fsync: Fsync | None = None

    def fsync_for(self, endless: bool) -> Fsync:
        """The choice for a source."""
        if self.fsync is not None:
            return self.fsync
        return FSYNC_S if endless else "never"
