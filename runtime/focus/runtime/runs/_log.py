"""What happened in a run and when, as JSON lines."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import datetime, timezone
from logging.handlers import WatchedFileHandler
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from typing_extensions import Self

from focus.runtime._errors import OutputError
from focus.runtime.engines import ModelFile
from focus.runtime.monitor import Flag
from focus.runtime.outputs import BaseSink
from focus.runtime.pipeline import Strip
from focus.runtime.runs._events import Event

#: Of the standard library's logging; a program around this one may listen to it, too.
LOGGER = logging.getLogger("focus.run")
LOGGER.addHandler(logging.NullHandler())

#: Lost lines are said at most so often.
TOGETHER_S = 1.0

WARNINGS = frozenset({"lost", "waiting", "failed"})


class RunLog(BaseSink):
    """Appends a line for the start, each segment, each loss and return of the camera, each flag, lines that are lost,
    and the end. A context manager: an error on the way out is the last line. Where ``path`` is None, only
    the logger ``focus.run`` is told.

    Args:
        path: the file; opened anew when a log rotation has moved it.
    Raises:
        OutputError: it cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self._handler: logging.Handler | None = None
        self._last = ""
        self._lost: _Lost | None = None
        self._next_s = 0.0
        if path is None:
            return
        try:
            self._handler = _Appended(path, encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}; choose another --log") from None
        self._handler.setFormatter(_JsonLines())
        LOGGER.addHandler(self._handler)
        LOGGER.setLevel(logging.INFO)
        LOGGER.propagate = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.write(logging.ERROR, "failed", str(error) or type(error).__name__)
        if self._handler is not None:
            LOGGER.removeHandler(self._handler)
            with suppress(OSError):  # said already
                self._handler.close()

    def write(self, level: int, event: str, message: str, **facts: Any) -> None:
        """One line.

        Args:
            level: of ``logging``.
            event: its name, for programs.
            message: the same for people.
            facts: what else is known; plain values.
        """
        LOGGER.log(level, "%s", message, extra={"event": event, "facts": facts})

    def started(self, model: ModelFile, camera: str, out: Path) -> None:
        """The first line of a run."""
        facts = {"camera": camera, "out": str(out), "model": model.bundle.name, "model_sha256": model.sha256}
        self.write(logging.INFO, "start", f"{camera} through {model.bundle.name} into {out}", **facts)

    def happened(self, event: Event) -> None:
        """A ``Listener``. A camera that is tried again and again with the same result is said once."""
        if event.kind == "waiting" and event.message == self._last:
            return
        self._last = event.message
        level = logging.WARNING if event.kind in WARNINGS else logging.INFO
        self.write(level, event.kind, event.message, segment=event.segment)

    def flagged(self, flag: Flag, up: bool) -> None:
        """Listens to a monitor."""
        event, level = ("flag_raised", logging.WARNING) if up else ("flag_cleared", logging.INFO)
        value = round(flag.value, 6) if isfinite(flag.value) else None
        self.write(level, event, flag.message, flag=flag.name, value=value, limit=round(flag.limit, 6))

    def add_strip(self, strip: Strip) -> None:
        """See ``MapSink.add_strip``. Where many lines are lost, they are counted together for a second."""
        lost = _Lost.of_strip(strip)
        if lost is not None:
            self._lost = lost if self._lost is None else self._lost.joined(lost)
        if self._lost is not None and time.monotonic() >= self._next_s:
            self._write_lost()

    def close(self) -> None:
        """See ``MapSink.close``; a segment is over."""
        self._write_lost()

    def _write_lost(self) -> None:
        lost, self._lost = self._lost, None
        if lost is not None:
            self._next_s = time.monotonic() + TOGETHER_S
            message = (
                f"of the lines {lost.first_sequence} to {lost.last_sequence}, {lost.missing} never came, "
                f"{lost.damaged} are damaged and {lost.dropped} were dropped"
            )
            self.write(logging.WARNING, "lines_lost", message, **lost._asdict())


class _Lost(NamedTuple):
    """Lines that are not read, and between which sequence numbers."""

    first_sequence: int
    last_sequence: int
    missing: int
    damaged: int
    dropped: int

    @classmethod
    def of_strip(cls, strip: Strip) -> _Lost | None:
        """Those of a row of patches; None where all are read."""
        if strip.arrived[: strip.lines].all():
            return None
        states, last = Counter(strip.states), strip.first_sequence + strip.lines - 1
        return cls(strip.first_sequence, last, states["missing"], states["rejected"], states["dropped"])

    def joined(self, later: _Lost) -> _Lost:
        """Both together."""
        sums = (one + other for one, other in zip(self[2:], later[2:], strict=True))
        return _Lost(self.first_sequence, later.last_sequence, *sums)


class _JsonLines(logging.Formatter):
    """``{"utc": ..., "level": ..., "event": ..., "message": ..., ...}``."""

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter``."""
        utc = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        facts = {
            "utc": utc,
            "level": record.levelname.lower(),
            "event": getattr(record, "event", "note"),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        return json.dumps(facts, allow_nan=False, default=str)


class _Appended(WatchedFileHandler):
    """A disk that is full must not end a run: it is said once on stderr, and the run goes on without a log."""

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``; the file may have been moved away from a folder where no new one can be made."""
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``."""
        LOGGER.removeHandler(self)
        reason = getattr(sys.exc_info()[1], "strerror", None) or sys.exc_info()[1]
        print(f"focus-run: cannot write the log: {reason}; going on without it", file=sys.stderr, flush=True)
