"""The way through: lines -> rows of patches -> windows -> network -> maps -> sinks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from focus.runtime._errors import CubeError
from focus.runtime.engines import Engine
from focus.runtime.pipeline._assembler import Assembler
from focus.runtime.pipeline._blend import Blend
from focus.runtime.pipeline._data import LineCounts, Plan, Reading, RunSummary, Settings, Window
from focus.runtime.pipeline._ingest import Ingest
from focus.runtime.pipeline._read import read_window, shown_index
from focus.runtime.pipeline._windows import WindowCutter
from focus.runtime.sources import FrameSource

if TYPE_CHECKING:
    from focus.runtime.outputs import MapSink

#: Called now and then with the lines and windows done so far.
Progress = Callable[[int, int], None]


def plan_run(source: FrameSource, engine: Engine, settings: Settings) -> Plan:
    """Checks that source, model and choices fit each other, before anything is read or written.

    Raises:
        BundleError: other bands than the model's.
        ValueError: a class or an overlap that does not exist.
    """
    bundle, facts = engine.bundle, source.facts
    bundle.require_wavelengths(facts.wavelengths_nm, facts.name)
    columns = max(-(-facts.samples // bundle.backbone.patch), bundle.backbone.columns)
    WindowCutter(bundle, columns, settings.overlap)
    Ingest(facts, bundle, columns)
    return Plan(bundle, facts, source.truth, settings, columns, shown_index(bundle, settings.shown))


def run_pipeline(
    source: FrameSource,
    engine: Engine,
    sinks: Sequence[MapSink],
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> RunSummary:
    """Streams a source through a model into sinks.

    Args:
        source: not yet started.
        engine: not entered; it is entered here.
        sinks: get every window and every finished row of the maps; they are closed here, whatever happens.
        settings: see ``Settings``.
        progress: called after every row of patches.
    Raises:
        FocusError: source, model or disk do not fit; BundleError, CubeError and OutputError say which.
        ValueError: settings that do not fit the model.
    """
    plan = plan_run(source, engine, settings or Settings())
    try:
        with engine:
            for sink in sinks:
                sink.start(plan)
            summary = _Run(plan, source, engine, sinks, progress).stream()
        for sink in sinks:
            sink.finish(summary)
        return summary
    finally:
        for sink in sinks:
            sink.close()


class _Run:
    """The state of one run: how far it is, and the sums for its summary."""

    def __init__(
        self, plan: Plan, source: FrameSource, engine: Engine, sinks: Sequence[MapSink], progress: Progress | None
    ) -> None:
        bundle = plan.bundle
        self._plan, self._engine, self._sinks, self._progress = plan, engine, sinks, progress
        self._assembler = Assembler(source, bundle.backbone.patch, plan.columns, bundle.backbone.rows)
        self._ingest = Ingest(plan.source, bundle, plan.columns)
        self._cutter = WindowCutter(bundle, plan.columns, plan.settings.overlap)
        self._blend = Blend(bundle, plan.columns, plan.source.samples, plan.settings.with_cube)
        self._windows = self._skipped = self._valid_samples = 0
        self._scores = np.zeros(len(bundle.targets))
        self._classes: Counter[int] = Counter()

    def stream(self) -> RunSummary:
        """From the first line to the last row."""
        start = time.perf_counter()
        for strip in self._assembler.strips():
            row = self._ingest(strip)
            self._blend.add_row(row)
            self._valid_samples += int(np.count_nonzero(row.mask))
            self._read(self._cutter.add(row))
            if self._progress is not None:
                self._progress(self._assembler.counts.lines, self._windows + self._skipped)
        self._read(self._cutter.finish())
        self._release(None)
        if self._windows == 0:
            raise CubeError(
                f"{self._plan.source.name} has no valid sample in the model's bands; "
                "check its ignore value, quality mask and calibration"
            )
        return self._summary(time.perf_counter() - start)

    def _read(self, windows: Iterator[Window]) -> None:
        settings = self._plan.settings
        for window in windows:
            self._release(window.first_row)
            if not window.valid_share.any():
                self._skipped += 1
                continue
            reading = read_window(self._engine, window, self._plan.shown, settings.with_cube)
            self._count(reading)
            self._blend.add_window(reading)
            for sink in self._sinks:
                sink.add_window(reading)

    def _release(self, before: int | None) -> None:
        for row in self._blend.release(before):
            for sink in self._sinks:
                sink.add_row(row)

    def _count(self, reading: Reading) -> None:
        self._windows += 1
        self._scores += reading.scores
        if reading.predicted is not None:
            self._classes[reading.predicted] += 1

    def _summary(self, seconds: float) -> RunSummary:
        counts: LineCounts = self._assembler.counts
        samples, names = self._plan.source.samples, self._plan.bundle.class_names
        classification = self._plan.bundle.task == "classification"
        return RunSummary(
            windows=self._windows,
            skipped=self._skipped,
            lines=counts.lines,
            samples=samples,
            counts=counts,
            seconds=seconds,
            class_counts={name: self._classes[index] for index, name in enumerate(names)} if classification else {},
            mean_scores={name: float(score / self._windows) for name, score in zip(names, self._scores, strict=True)},
            valid_share=self._valid_samples / (counts.lines * samples),
        )
