"""What the page shows: a sink that remembers a little of the run, for other threads to read."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from focus.runtime.monitor import Monitor
from focus.runtime.outputs import BaseSink
from focus.runtime.pipeline import LineCounts, MapRow, Plan, Reading, RunSummary, Strip
from focus.runtime.serve._lines import LineTally
from focus.runtime.serve._rates import Latency, Rate
from focus.runtime.serve._scores import ScoreHistory
from focus.runtime.serve._strip import StripHistory

#: Before the first line; lines come; the camera went away and is looked for; all is over; it broke off.
Phase = Literal["starting", "running", "lost", "ended", "failed"]

#: A silence is one that lasts longer than this, and than this many strips usually take.
SILENT_S, SILENT_STRIPS = 5.0, 4.0


class LiveSink(BaseSink):
    """Keeps small things under a lock; readers hold the same lock as briefly, so the pipeline never waits for them.

    It may be started again, for the next segment of a recording: counts and history go on.

    Args:
        folder: whose disk is watched.
        monitor: says what makes the maps lie; somebody else tells it of the windows.
    Attributes:
        lock: to be held while reading any of the others.
        run: a name of this history; another one where it began anew.
        phase: see ``Phase``; ``reason`` says for people why it is so, where there is something to say.
        losses: how often the camera was lost.
        plan, strip: None before the start.
        scores: what the network said over time.
        highest: float32 [C], maximum of B over the run.
        classes: windows predicted as each class.
        window_count, mapped_lines: so far, of all segments.
    """

    def __init__(self, folder: Path, monitor: Monitor | None = None) -> None:
        self.lock = threading.Lock()
        self.folder, self.monitor = folder, monitor or Monitor()
        self.run = secrets.token_hex(4)
        self.phase: Phase = "starting"
        self.reason, self.losses = "", 0
        self.plan: Plan | None = None
        self.strip: StripHistory | None = None
        self.scores = ScoreHistory()
        self.highest: NDArray[np.float32] = np.zeros(0, np.float32)
        self.classes: Counter[int] = Counter()
        self.lines, self.window_rate, self.latency = LineTally(), Rate(), Latency()
        self.window_count = self.mapped_lines = 0
        self._earlier = LineCounts()
        self._segment_mapped = 0

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        with self.lock:
            if self.strip is None or not _fits(self.plan, plan):
                self.run = secrets.token_hex(4)
                self.strip, self.scores = StripHistory(plan), ScoreHistory()
                self.highest = np.zeros(plan.bundle.bands, np.float32)
            else:
                self.scores.close_bin(self.strip.segment)
                self.strip.begin_segment()
            self._earlier = self.counts
            self.plan, self.lines, self._segment_mapped = plan, LineTally(plan.source.file is not None), 0
            self.phase, self.reason = "running", ""

    def add_strip(self, strip: Strip) -> None:
        """See ``MapSink.add_strip``."""
        with self.lock:
            self.lines.add(strip)

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        with self.lock:
            if self.plan is None or self.strip is None:
                return
            backbone, window = self.plan.bundle.backbone, reading.window
            last_row = window.first_row + -(-window.lines // backbone.patch) - 1
            arrival_ns = self.lines.arrival_ns(last_row)
            if arrival_ns is not None:
                self.latency.add(max(time.monotonic_ns() - arrival_ns, 0) / 1e9)
            self.scores.add(reading, self.strip.base, (backbone.rows, backbone.columns), self.strip.segment)
            self.highest = np.maximum(self.highest, reading.curve)
            if reading.predicted is not None:
                self.classes[reading.predicted] += 1
            self.window_count += 1
            self.window_rate.add(1)

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""
        with self.lock:
            if self.strip is not None:
                self.strip.add(row)
            self.mapped_lines += row.lines
            self._segment_mapped += row.lines

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        with self.lock:
            if self.strip is not None:
                self.scores.close_bin(self.strip.segment)
            self.lines.counts = summary.counts
            if not summary.lost:  # else ``camera_lost`` says so, before the segment is finished
                self.phase, self.reason = "ended", summary.ended or ""

    def close(self) -> None:
        """See ``MapSink.close``."""
        with self.lock:
            if self.phase == "running":
                self.phase = "failed"

    def camera_lost(self, reason: str) -> None:
        """The camera is away, and is looked for; the next ``start`` says that it is back.

        Args:
            reason: for people; may be told anew as long as it is away.
        """
        with self.lock:
            if self.phase != "lost":
                self.losses += 1
            self.phase, self.reason = "lost", reason

    def end(self, reason: str) -> None:
        """The run is over; ``reason`` is for people."""
        with self.lock:
            self.phase, self.reason = "ended", reason

    def fail(self, reason: str) -> None:
        """The run broke off; ``reason`` is for people."""
        with self.lock:
            self.phase, self.reason = "failed", reason

    @property
    def counts(self) -> LineCounts:
        """What became of the lines of all segments."""
        return self._earlier.joined(self.lines.counts)

    @property
    def underway(self) -> int:
        """Lines between ingest and map."""
        return max(self.lines.counts.lines - self._segment_mapped, 0) if self.phase == "running" else 0

    @property
    def silent_s(self) -> float:
        """Seconds since the last lines, while lines should come."""
        return (self.lines.silent_s or 0.0) if self.phase == "running" else 0.0

    @property
    def silent(self) -> bool:
        """Whether lines have stopped coming though the run goes on."""
        return self.silent_s > max(SILENT_S, SILENT_STRIPS * self.lines.interval_s)


def _fits(before: Plan | None, plan: Plan) -> bool:
    """Whether a new segment can be drawn beside the old ones."""
    return before is not None and before.bundle == plan.bundle and before.source.samples == plan.source.samples
