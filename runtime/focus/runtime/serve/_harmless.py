"""A sink that may break without breaking the run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from focus.runtime.outputs import BaseSink, MapSink
from focus.runtime.pipeline import MapRow, Plan, Reading, RunSummary, Strip, Window


class HarmlessSink(BaseSink):
    """Passes everything on to a sink; what that raises is said once on stderr, and it gets nothing more.

    Args:
        sink: what nobody should lose a recording for.
        name: what to call it.
    """

    def __init__(self, sink: MapSink, name: str) -> None:
        self._sink, self._name, self._broken = sink, name, False

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self._try(self._sink.start, plan)

    def add_strip(self, strip: Strip) -> None:
        """See ``MapSink.add_strip``."""
        self._try(self._sink.add_strip, strip)

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        self._try(self._sink.add_window, reading)

    def add_skipped(self, window: Window) -> None:
        """See ``MapSink.add_skipped``."""
        self._try(self._sink.add_skipped, window)

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""
        self._try(self._sink.add_row, row)

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        self._try(self._sink.finish, summary)

    def close(self) -> None:
        """See ``MapSink.close``."""
        self._try(self._sink.close)

    def _try(self, call: Callable[..., None], *arguments: Any) -> None:
        if self._broken:
            return
        try:
            call(*arguments)
        except Exception as error:  # whatever it is, the recording goes on
            self._broken = True
            print(f"{self._name} stands still, the run goes on: {type(error).__name__}: {error}", file=sys.stderr)
