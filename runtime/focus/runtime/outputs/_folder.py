"""A run's folder: it is whole or it is not there."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from focus.runtime._errors import OutputError

RECORD = "run.json"


def refuse_to_lose(target: Path, read: Iterable[Path | None]) -> None:
    """Before what a folder holds is replaced.

    Args:
        target: the folder.
        read: files that a run reads.
    Raises:
        OutputError: one of them lies in it.
    """
    for path in read:
        if path is not None and path.resolve().is_relative_to(target.resolve()):
            raise OutputError(f"{path} is read, and would go with what {target} holds; choose another --out")


class RunFolder:
    """A context manager: files go into a hidden folder beside the target, which becomes the target when all went well.

    Args:
        target: where the run is to end up.
        overwrite: replace an earlier run that is there.
        read: files that the run reads, which must not go with an earlier run.
    Raises:
        OutputError: on construction, if the target holds something; on entering, if nothing can be written there.
    """

    def __init__(self, target: Path | str, *, overwrite: bool = False, read: Iterable[Path | None] = ()) -> None:
        self.target = Path(target)
        # A link to a folder on another disk is followed, so that moving into place stays a rename on that disk.
        self._place = self.target.resolve()
        self._overwrite = overwrite
        self._made: list[Path] = []
        self._refuse_occupied()
        self._refuse_to_lose(read)

    def _refuse_occupied(self) -> None:
        if self._place.exists() and not self._place.is_dir():
            raise OutputError(f"{self.target} is not a folder; choose another --out")
        if not self._place.is_dir() or not any(self._place.iterdir()):
            return
        if not self._overwrite:
            raise OutputError(
                f"{self.target} exists and is not empty; choose another --out, or replace it with --overwrite"
            )
        if not (self._place / RECORD).is_file():
            raise OutputError(
                f"{self.target} holds no run (no {RECORD} in it), so --overwrite leaves it alone; choose another --out"
            )

    def _refuse_to_lose(self, read: Iterable[Path | None]) -> None:
        if any(self._place.glob("segment-*")):
            raise OutputError(f"{self.target} holds the segments of a camera; choose another --out")
        refuse_to_lose(self.target, read)

    def __enter__(self) -> Self:
        parent = self._place.parent
        missing = [folder for folder in [parent, *parent.parents] if not folder.exists()]
        try:
            parent.mkdir(parents=True, exist_ok=True)
            self._made = missing
            self.path = parent / f".{self._place.name}.{secrets.token_hex(4)}.part"
            self.path.mkdir()
        except OSError as error:
            self._remove_made()
            raise OutputError(f"cannot write into {parent}: {error.strerror}; choose another --out") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._move_into_place()
        except OSError as failure:
            self._discard()
            raise OutputError(f"cannot make {self.target}: {failure.strerror}; choose another --out") from None

    def _move_into_place(self) -> None:
        if not self._place.exists():
            self.path.rename(self._place)
            return
        old = self.path.with_suffix(".old")
        self._place.rename(old)
        try:
            self.path.rename(self._place)
        except OSError:
            old.rename(self._place)
            raise
        shutil.rmtree(old, ignore_errors=True)

    def _discard(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._remove_made()

    def _remove_made(self) -> None:
        for folder in self._made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
