"""What takes the results of a run."""

from __future__ import annotations

from typing import Protocol

from focus.runtime.pipeline import MapRow, Plan, Reading, RunSummary, Strip, Window


class MapSink(Protocol):
    """Takes the maps as they are finished. ``start``, then windows and rows, then ``finish``; ``close`` always."""

    def start(self, plan: Plan) -> None:
        """Before the first row."""

    def add_strip(self, strip: Strip) -> None:
        """The next raw lines, before they are read; they must not be kept. Called in the thread that ingests."""

    def add_window(self, reading: Reading) -> None:
        """What the network said of one window, in the order of reading."""

    def add_skipped(self, window: Window) -> None:
        """A window without a valid sample, which the network does not read."""

    def add_row(self, row: MapRow) -> None:
        """The next finished row of the maps."""

    def finish(self, summary: RunSummary) -> None:
        """After the last row: makes the files whole."""

    def close(self) -> None:
        """Frees files and memory; may be called more than once, and without ``finish`` if the run failed."""


class BaseSink:
    """A sink that does nothing; real ones override what they need."""

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""

    def add_strip(self, strip: Strip) -> None:
        """See ``MapSink.add_strip``."""

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""

    def add_skipped(self, window: Window) -> None:
        """See ``MapSink.add_skipped``."""

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""

    def close(self) -> None:
        """See ``MapSink.close``."""
