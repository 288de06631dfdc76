"""Writing beside the network, in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import partial

from focus.runtime.outputs._contract import BaseSink, MapSink
from focus.runtime.pipeline import MapRow, Plan, Reading, RunSummary, Strip, Window

#: Windows and rows that may wait to be written: few, because a killed process loses them. A slow disk holds the run up.
DEPTH = 4

#: How long a full queue is waited for before looking whether the writing failed.
PATIENCE_S = 0.1


class BesideSink(BaseSink):
    """Tells a sink of windows and rows in a thread of its own, in order. What goes wrong is raised at the next call.

    Args:
        sink: told of everything else at once, in the caller's thread.
    """

    def __init__(self, sink: MapSink) -> None:
        self._sink = sink
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue(DEPTH)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self._sink.start(plan)
        self._thread = threading.Thread(target=self._work, name="focus-writer", daemon=True)
        self._thread.start()

    def add_strip(self, strip: Strip) -> None:
        """See ``MapSink.add_strip``."""
        self._sink.add_strip(strip)

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        self._put(partial(self._sink.add_window, reading))

    def add_skipped(self, window: Window) -> None:
        """See ``MapSink.add_skipped``."""
        self._put(partial(self._sink.add_skipped, window))

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""
        self._put(partial(self._sink.add_row, row))

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``; after everything before it is written."""
        self._end()
        self._raise()
        self._sink.finish(summary)

    def close(self) -> None:
        """See ``MapSink.close``; what still waits is written, as it was taken."""
        self._end()
        self._sink.close()

    def _put(self, work: Callable[[], None] | None) -> None:
        while self._error is None:
            try:
                self._waiting.put(work, timeout=PATIENCE_S)
                return
            except queue.Full:
                continue
        if work is not None:
            self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _end(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            self._put(None)
            thread.join()

    def _work(self) -> None:
        try:
            while (work := self._waiting.get()) is not None:
                work()
        except BaseException as error:  # whatever it is, it belongs to the caller
            self._error = error
