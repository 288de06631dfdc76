"""What is done and what failed: a file of JSON lines that only grows.

The first line says what all are made with; each further one is an ``Entry``, and of several about a cube the last
holds. A line is appended with one call and is on the disk before the next cube is told of; half a line at the end, of
a run that was killed, is cut off.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from typing_extensions import Self

from focus.runtime._errors import FocusError, OutputError

#: Raised whenever the layout changes.
LAYOUT = 1

HEAD = "focus-map"


@dataclass(frozen=True)
class Entry:
    """What became of a cube.

    Attributes:
        cube: its name.
        state: ``done`` or ``failed``.
        files: see ``ArchiveCube``, as they were when it was read.
        sha256: of its data, where it could be read; of an ENVI cube, of the data file.
        error: one line, where it failed.
        tries: how often it was begun.
        windows: that the network read; seconds: from the first line to the last.
        flags: what the monitor raised meanwhile, names in ``FLAGS``.
        host: that read it.
        utc: when it was over, ISO 8601.
    """

    cube: str
    state: Literal["done", "failed"]
    files: tuple[tuple[str, int, int], ...]
    sha256: str | None = None
    error: str | None = None
    tries: int = 1
    windows: int = 0
    seconds: float = 0.0
    flags: tuple[str, ...] = ()
    host: str = ""
    utc: str = ""

    def to_json(self) -> str:
        """One line without its end."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Self:
        """The reverse; TypeError for anything else."""
        files = tuple((name, size, time) for name, size, time in facts["files"])
        return cls(**{**facts, "files": files, "flags": tuple(facts.get("flags", ()))})


class Manifest:
    """A context manager: the file is this run's alone, and ends with a whole line.

    Args:
        path: made if it is missing.
        made_with: what all entries depend on; JSON values only.
        write: False looks only, and leaves the file as it is.
    Attributes:
        entries: the last one of each cube.
    Raises:
        FocusError: on entering: another run writes it, it is no manifest, or it was made with something else.
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path, made_with: Mapping[str, Any], *, write: bool = True) -> None:
        self.path, self.entries = path, dict[str, Entry]()
        self._head = {HEAD: LAYOUT, **made_with}
        self._file: int | None = None
        self._write = write
        self._foreign = f"{path} is no manifest of focus-map; choose another --out, or remove it"

    def __enter__(self) -> Self:
        if not self._write:
            if self.path.exists():
                self._read()
            return self
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}; choose another --out") from None
        try:
            self._lock(self._file)
            os.ftruncate(self._file, self._read())
            if not self.path.stat().st_size:
                self._append(json.dumps(self._head, separators=(",", ":")))
        except BaseException:
            os.close(self._file)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)

    def add(self, entry: Entry) -> None:
        """Appends an entry.

        Raises:
            OutputError: the disk is full, or fails.
        """
        self._append(entry.to_json())
        self.entries[entry.cube] = entry

    def _lock(self, file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FocusError(f"another focus-map writes {self.path}; wait for it, or choose another --out") from None

    def _read(self) -> int:
        """Takes the entries that are there; returns how many bytes of whole lines there are."""
        text = self.path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if not whole:
            begun = json.dumps(self._head, separators=(",", ":")).encode()
            if not begun.startswith(text):
                raise FocusError(self._foreign)
            return 0
        try:
            head, *lines = map(json.loads, whole.splitlines())
            layout = head[HEAD]
            entries = [Entry.from_json(line) for line in lines]
        except (ValueError, TypeError, KeyError):
            raise FocusError(self._foreign) from None
        if layout != LAYOUT:
            raise FocusError(f"{self.path} is of another version of focus-map; choose another --out")
        wanted = json.loads(json.dumps(self._head))
        changed = [name for name in {**head, **wanted} if head.get(name) != wanted.get(name)]
        if changed and any(entry.state == "done" for entry in entries):
            raise FocusError(
                f"{self.path} was made with other {'; '.join(_change(name, head, wanted) for name in changed)}; choose "
                "another --out, or remove it and its Zarr store"
            )
        if changed:  # nothing was made with it
            return 0
        self.entries = {entry.cube: entry for entry in entries}
        return len(whole)

    def _append(self, line: str) -> None:
        if self._file is None:
            return
        try:
            content = f"{line}\n".encode()
            if os.write(self._file, content) != len(content):
                raise OutputError(f"cannot write {self.path}: the disk is full; free some space, and start again")
            os.fsync(self._file)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}; free some space, and start again") from None


def _change(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """A part of the head, and of several values in it those that differ."""
    old, new = before.get(name), now.get(name)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return name
    parts = (f"{key} {old.get(key)}, now {new.get(key)}" for key in {**old, **new} if old.get(key) != new.get(key))
    return f"{name} ({', '.join(parts)})"
