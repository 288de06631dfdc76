"""Everything that a run leaves on disk."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from focus.runtime._errors import OutputError
from focus.runtime.monitor import Monitor
from focus.runtime.outputs._bigtiff import BigTiffWriter
from focus.runtime.outputs._contract import BaseSink, MapSink
from focus.runtime.outputs._curve import CurveSink
from focus.runtime.outputs._envi import EnviWriter
from focus.runtime.outputs._folder import RECORD
from focus.runtime.outputs._free_space import FreeSpace
from focus.runtime.outputs._maps import MapWriter, SaliencyCubeSink, SaliencySink, ScoresSink
from focus.runtime.outputs._open_files import OpenFiles
from focus.runtime.outputs._options import OutputOptions
from focus.runtime.outputs._placed import FixesSink
from focus.runtime.outputs._preview import Preview
from focus.runtime.outputs._record import RecordSink
from focus.runtime.outputs._run_record import Results, RunFacts, RunRecord, unmeasured_bands
from focus.runtime.outputs._truth import TruthSink
from focus.runtime.outputs._utc import utc_text
from focus.runtime.outputs._windows import WindowsSink
from focus.runtime.pipeline import MapRow, Plan, Reading, RunSummary, Strip, Window
from focus.runtime.positions import Track

#: What writes the maps in each format.
MAP_WRITERS: dict[str, MapWriter] = {"envi": EnviWriter, "bigtiff": BigTiffWriter}


class RunWriter(BaseSink):
    """A sink that writes all files of a run into one folder, each of which opens at every moment; see docs/outputs.md.

    Args:
        folder: an empty folder.
        facts: see ``RunFacts``.
        with_cube: whether T is written.
        options: see ``OutputOptions``.
        low: called with the reason when the disk is nearly full, to ask for the end of the run.
        monitor: is told of every window by this sink; None takes one of its own.
    Attributes:
        results: after ``finish``.
    """

    def __init__(
        self,
        folder: Path,
        facts: RunFacts,
        *,
        with_cube: bool,
        options: OutputOptions | None = None,
        low: Callable[[str], None] = lambda reason: None,
        monitor: Monitor | None = None,
    ) -> None:
        self.results = Results()
        self._monitor = monitor or Monitor()
        self._folder, self._facts, self._with_cube = folder, facts, with_cube
        self._options, self._low = options or OutputOptions(), low
        self._preview, self._curves = Preview(), CurveSink(folder)
        self._truth: TruthSink | None = None
        self._sinks: list[MapSink] = []
        self._files: OpenFiles | None = None
        self._record: RunRecord | None = None

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self._plan = plan
        self._record = RunRecord(self._folder, plan, self._facts)
        self._record.begin()
        options = self._options.resolved(endless=plan.source.lines is None)
        files = self._files = OpenFiles(self._folder, options.fsync)
        new_map = MAP_WRITERS[options.format]
        self._sinks = [
            self._monitor, self._preview, self._curves, SaliencySink(files, new_map), ScoresSink(files, new_map)
        ]  # fmt: skip
        if self._with_cube:
            self._sinks.append(SaliencyCubeSink(files, new_map))
        self._windows = WindowsSink(files, self._monitor, options.track)
        self._sinks.append(self._windows)
        if options.record:
            self._sinks.append(RecordSink(files, options.track))
        if options.track is not None and options.track.live:
            self._sinks.append(FixesSink(files, options.track))
        if options.min_free:
            # Named by the folder above it: a recording's own is hidden until it is whole.
            self._sinks.insert(0, FreeSpace(self._folder.parent, options.min_free, self._low))
        if plan.truth is not None:
            self._truth = TruthSink(files)
            self._sinks.append(self._truth)
        for sink in self._sinks:
            sink.start(plan)

    def add_strip(self, strip: Strip) -> None:
        """See ``MapSink.add_strip``."""
        for sink in self._sinks:
            sink.add_strip(strip)

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        for sink in self._sinks:
            sink.add_window(reading)
        if self._files is not None:
            self._files.after_window()

    def add_skipped(self, window: Window) -> None:
        """See ``MapSink.add_skipped``."""
        for sink in self._sinks:
            sink.add_skipped(window)

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""
        for sink in self._sinks:
            sink.add_row(row)

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        # matplotlib takes half a second to import, which a run that fails early need not wait for.
        from focus.runtime.outputs._pictures import Pictures

        for sink in self._sinks:
            sink.finish(summary)
            sink.close()
        if self._files is not None:
            self._files.close()
        found = self.results.lesion_iou = {} if self._truth is None else self._truth.lesion_iou
        Pictures(self._folder, self._plan, self._preview, self._curves, summary, found).write()
        self.results.monitor, self.results.unmeasured = self._monitor.to_json(), unmeasured_bands(self._plan)
        track = self._options.track
        if track is not None:
            self.results.positions = self._positions(track)
        self.results.files = self._files_left()
        if self._record is not None:
            self._record.end(summary, self.results)
            self._record = None

    def _positions(self, track: Track) -> dict[str, Any]:
        first, last = track.span_ns() or (None, None)
        table = self._windows.table
        return {
            "source": track.name,
            "fixes": track.fixes,
            "bad_lines": track.bad_lines,
            "utc_first": None if first is None else utc_text(first),
            "utc_last": None if last is None else utc_text(last),
            "windows": table.rows,
            "windows_placed": table.placed,
        }

    def close(self) -> None:
        """See ``MapSink.close``."""
        for sink in self._sinks:
            sink.close()
        try:
            if self._files is not None:
                self._files.close()
        finally:
            self._break_off()

    def _break_off(self) -> None:
        """Whoever closes a run that did not finish is on the way out with an error: the record says which."""
        error, record, self._record = sys.exc_info()[1], self._record, None
        if record is not None:
            with suppress(OutputError):  # it stays ``running`` on a disk that is full
                record.break_off(str(error) or type(error).__name__)

    def _files_left(self) -> list[str]:
        """Names of the files, in the order of interest."""
        first = ["overview.png", "overlay.png", "curve.png", "quicklook.png"]
        others = sorted(path.name for path in self._folder.iterdir() if path.name not in (*first, RECORD))
        return [*first, *others, RECORD]
