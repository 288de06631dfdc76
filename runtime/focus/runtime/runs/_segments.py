"""A camera run's folder: a segment for each time that the camera was there, and a record of them all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from focus.runtime._errors import OutputError
from focus.runtime._files import write_atomically
from focus.runtime.outputs import RECORD
from focus.runtime.outputs._folder import refuse_to_lose

#: Says in a record that it is a camera run's.
SEGMENTS = "segments"

#: What became of a segment that nobody wrote the end of.
KILLED = {"state": "broken off", "ended": "the run was killed or broke off"}


class SegmentsFolder:
    """``DIR/run.json`` and ``DIR/segment-0001``, ``DIR/segment-0002`` and so on. Nothing is made before ``begin``.

    Args:
        target: where.
        append: go on in an earlier camera run that is there, with the next segment.
        overwrite: replace it.
        read: files that the run reads, which must not go with an earlier run.
    Raises:
        OutputError: the target holds something else.
        ValueError: both ``append`` and ``overwrite``.
    Attributes:
        earlier: what the record says of the segments of the earlier run, and those that it does not know.
    """

    def __init__(
        self, target: Path | str, *, append: bool = False, overwrite: bool = False, read: Sequence[Path | None] = ()
    ) -> None:
        if append and overwrite:
            raise ValueError("--append goes on in a run and --overwrite replaces it; leave out one of them")
        self.target = Path(target)
        self.earlier: list[dict[str, Any]] = []
        self._overwrite = overwrite
        if self.target.exists() and not self.target.is_dir():
            raise OutputError(f"{self.target} is not a folder; choose another --out")
        if not self.target.is_dir() or not any(self.target.iterdir()):
            return
        if not (append or overwrite):
            raise OutputError(
                f"{self.target} exists and is not empty; choose another --out, go on in it with --append, "
                "or replace it with --overwrite"
            )
        segments = self._recorded()
        if overwrite:
            for segment in self._folders():
                refuse_to_lose(segment, read)
        if append:
            self.earlier = [*segments, *self._killed({segment.get("folder") for segment in segments})]

    def _recorded(self) -> list[dict[str, Any]]:
        try:
            record = json.loads((self.target / RECORD).read_text())
            segments = [dict(segment) for segment in record[SEGMENTS]]
            return [{**segment, **KILLED} if segment.get("state") == "running" else segment for segment in segments]
        except (OSError, ValueError, TypeError, KeyError):
            raise OutputError(
                f"{self.target} holds no camera run (no {RECORD} with {SEGMENTS} in it), so it is left alone; "
                "choose another --out"
            ) from None

    def _killed(self, known: Container[object]) -> list[dict[str, Any]]:
        """The segments that the record does not know: they are told when they end, and a killed run tells nothing."""
        names = sorted((folder.name for folder in self._folders()), key=_number)
        return [{"folder": name, **KILLED} for name in names if name not in known]

    def begin(self) -> None:
        """Makes the folder; an earlier run that is to be replaced goes now.

        Raises:
            OutputError: it cannot be made.
        """
        try:
            if self._overwrite and self.target.is_dir():
                for segment in self._folders():
                    shutil.rmtree(segment)
            self.target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write into {self.target}: {error.strerror}; choose another --out") from None

    def new(self) -> Path:
        """The next segment's folder, empty.

        Raises:
            OutputError: it cannot be made.
        """
        taken = [_number(folder.name) for folder in self._folders()]
        folder = self.target / f"segment-{max(taken, default=0) + 1:04d}"
        try:
            folder.mkdir()
        except OSError as error:
            raise OutputError(f"cannot make {folder}: {error.strerror}; free some space") from None
        return folder

    def holds_data(self, segment: Path) -> bool:
        """Whether a segment has more than a record."""
        return any(path.name != RECORD for path in segment.iterdir())

    def drop(self, segment: Path) -> None:
        """Removes a segment in which no line arrived."""
        shutil.rmtree(segment, ignore_errors=True)

    def forget(self) -> None:
        """Removes a record without segments, and the folder if nothing else is in it."""
        (self.target / RECORD).unlink(missing_ok=True)
        with suppress(OSError):  # something else is in it
            self.target.rmdir()

    def write(self, record: Mapping[str, Any]) -> None:
        """Replaces the record at once: whoever reads it finds the old one or the new one."""
        write_atomically(self.target / RECORD, (json.dumps(record, indent=2) + "\n").encode())

    def _folders(self) -> list[Path]:
        return [folder for folder in self.target.glob("segment-*") if folder.name[len("segment-") :].isdigit()]


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])
