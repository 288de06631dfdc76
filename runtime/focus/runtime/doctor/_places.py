"""Folders that runs write to."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PlaceFacts:
    """A folder.

    Attributes:
        use: what it is for: ``results`` or ``compiled models``.
        path: the folder, which may not exist yet.
        free_bytes: on its disk; None where that cannot be asked.
        writable: whether this user may write there.
    """

    use: str
    path: str
    free_bytes: int | None
    writable: bool


def place_facts() -> tuple[PlaceFacts, ...]:
    """Looks at the current folder and the one of compiled models."""
    places = {"results": _current_folder, "compiled models": cache_home}
    return tuple(_place(use, find()) for use, find in places.items())


def cache_home() -> Path | None:
    """The folder below which engines keep compiled models; None where a user has no home."""
    own, user = os.environ.get("FOCUS_CACHE"), os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(own) if own else (Path(user) if user else Path.home() / ".cache") / "focus"
    except RuntimeError:
        return None


def _current_folder() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # it was removed
        return None


def _place(use: str, path: Path | None) -> PlaceFacts:
    if path is None:
        return PlaceFacts(use, "", None, False)
    try:
        there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        free = shutil.disk_usage(there).free
    except (OSError, StopIteration):
        return PlaceFacts(use, str(path), None, False)
    return PlaceFacts(use, str(path), free, there.is_dir() and os.access(there, os.W_OK | os.X_OK))
