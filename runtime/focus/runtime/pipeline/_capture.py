"""Takes lines from a source in a thread of its own, and says what happens where nobody reads them in time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CannotKeepUp
from focus.runtime._stop import Stop
from focus.runtime.pipeline._assembler import Assembler
from focus.runtime.pipeline._data import LineCounts, Policy, Strip
from focus.runtime.pipeline._memory import StripMemory
from focus.runtime.pipeline._watch import Watch
from focus.runtime.sources import FrameSource

#: How long a thread waits before it looks whether it is still wanted.
PATIENCE_S = 0.1


class Capture:
    """A source's lines as strips; the memory for them is bounded, and lives here.

    Where all of it waits to be read, ``policy`` decides: ``wait`` makes the source wait (a file does), ``record`` ends
    the stream (all that was taken is still given out), ``live`` gives up the oldest strip that waits: its lines count
    as missing, and keep their place.

    Args:
        source: not yet started.
        patch: edge of a patch in samples.
        least_rows: rows of patches that a scene must have at least.
        memory: arrays [patch, C, S] of the source's type, at least 3 for ``live``.
        policy: see above.
        stop: ends the stream after the line that is being taken.
        watch: see ``Watch``.
    """

    def __init__(
        self,
        source: FrameSource,
        patch: int,
        least_rows: int,
        memory: Sequence[NDArray[Any]],
        policy: Policy = "wait",
        stop: Stop | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._memory, self._policy, self._name = StripMemory(memory), policy, source.facts.name
        watch = watch or Watch()
        self._told_idle, told = watch.idle, Watch(watch.lost, self._idle)
        self._assembler = Assembler(source, patch, least_rows, self._take, self._memory, stop, told)
        self._waiting: deque[Strip] = deque()
        self._changed = threading.Condition()
        self._done, self._unread = False, threading.Event()
        self._error: BaseException | None = None

    @property
    def counts(self) -> LineCounts:
        """What became of the lines so far."""
        return self._assembler.counts

    @property
    def ended(self) -> Exception | None:
        """Why the stream ended before the source did; None if it did not."""
        return self._assembler.ended

    def strips(self) -> Generator[Strip, None, None]:
        """The strips, in order; each is to be released by its reader.

        Raises:
            FocusError: the source went back, sent no line, or failed; after what it sent before.
        """
        thread = threading.Thread(target=self._run, name="focus-capture", daemon=True)
        thread.start()
        try:
            while (strip := self._next()) is not None:
                yield strip
        finally:
            self._unread.set()
            while thread.is_alive():
                thread.join(PATIENCE_S)
        if self._error is not None:
            raise self._error

    def leave(self) -> None:
        """Nobody reads any more: ``strips`` ends, also while the source is silent."""
        self._unread.set()

    def _idle(self) -> None:
        if self._unread.is_set():
            raise CannotKeepUp("nobody reads any more")
        self._told_idle()

    def _next(self) -> Strip | None:
        with self._changed:
            while not self._waiting and not self._done and not self._unread.is_set():
                self._changed.wait(PATIENCE_S)
            return self._waiting.popleft() if self._waiting else None

    def _run(self) -> None:
        try:
            for strip in self._assembler.strips():
                with self._changed:
                    self._waiting.append(strip)
                    self._changed.notify_all()
                if self._unread.is_set():
                    break
        except BaseException as error:  # whatever it is, it belongs to the reader
            self._error = error
        with self._changed:
            self._done = True
            self._changed.notify_all()

    def _take(self) -> int:
        """A place for the next strip."""
        while (place := self._memory.take()) is None:
            if self._unread.is_set():
                raise CannotKeepUp("nobody reads any more")
            if self._policy == "record":
                lines = sum(len(place) for place in self._memory.places)
                raise CannotKeepUp(
                    f"{self._name} sends faster than its lines are read: {lines} wait, and there is room for no more; "
                    "use a larger --buffer, a larger --stride, or --policy live"
                )
            if self._policy == "wait" or not self._give_up_oldest():
                self._memory.wait(PATIENCE_S)
        return place

    def _give_up_oldest(self) -> bool:
        """Gives up the lines of the oldest strip that waits, if one does."""
        with self._changed:
            for index, strip in enumerate(self._waiting):
                if strip.arrived.any():
                    self.counts.give_up(int(np.count_nonzero(strip.arrived)))
                    self._waiting[index] = replace(strip, arrived=np.zeros_like(strip.arrived), release=_nothing)
                    strip.release()
                    return True
        return False


def _nothing() -> None:
    """There is nothing to release."""
