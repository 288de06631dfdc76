"""The way through: lines -> rows of patches -> windows -> network -> maps -> sinks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import numpy as np

from focus.runtime._bundle import Bundle
from focus.runtime._errors import BundleError, CameraError, CubeError
from focus.runtime._stop import Stop
from focus.runtime.engines import Engine
from focus.runtime.pipeline._ahead import ahead
from focus.runtime.pipeline._blend import Blend
from focus.runtime.pipeline._capture import Capture
from focus.runtime.pipeline._data import Cut, LineCounts, PatchRow, Plan, Reading, RunSummary, Settings, Strip
from focus.runtime.pipeline._ingest import Ingest
from focus.runtime.pipeline._read import shown_index
from focus.runtime.pipeline._reader import prepare_kernels, reader_of
from focus.runtime.pipeline._watch import Watch
from focus.runtime.pipeline._windows import WindowCutter
from focus.runtime.sources import Bands, FrameSource, SourceFacts

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
    if facts.resampling is None:
        _require_bands(bundle, facts)
    columns = max(-(-facts.samples // bundle.backbone.patch), bundle.backbone.columns)
    if settings.batch < 1:
        raise ValueError(f"--batch must be at least 1, got {settings.batch}")
    if settings.buffer is not None and settings.buffer < 1:
        raise ValueError(f"--buffer must be at least 1 line, got {settings.buffer}")
    if settings.buffer is not None and settings.buffer < (facts.cube_lines or 0):
        raise ValueError(f"--buffer must hold a whole cube, {facts.cube_lines} lines, got {settings.buffer}")
    WindowCutter(bundle, columns, settings.overlap, settings.stride)
    Ingest(facts, bundle, columns)
    return Plan(bundle, facts, source.truth, settings, columns, shown_index(bundle, settings.shown))


def _require_bands(bundle: Bundle, facts: SourceFacts) -> None:
    """Refuses other bands than the model's, and says whether they can be resampled."""
    try:
        bundle.require_wavelengths(facts.wavelengths_nm, facts.name, "resample it with --resample")
    except BundleError:
        try:
            Bands.of_model(bundle).made_of(facts)
        except CubeError as error:
            raise BundleError(f"model {bundle.name} has other bands, and {error}") from None
        raise


def run_pipeline(
    source: FrameSource,
    engine: Engine,
    sinks: Sequence[MapSink],
    settings: Settings | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> RunSummary:
    """Streams a source through a model into sinks. Where a camera is lost, lines come too fast, or ``stop`` is set,
    what was taken is finished all the same, and ``RunSummary.ended`` says why it ended.

    Args:
        source: not yet started.
        engine: not entered; it is entered here.
        sinks: get every window and every finished row of the maps; they are closed here, whatever happens.
        settings: see ``Settings``.
        progress: called after every row of patches.
        stop: ends the stream after the line that is being taken.
    Raises:
        FocusError: source, model or disk do not fit; BundleError, CubeError and OutputError say which.
        ValueError: settings that do not fit the model.
    """
    try:
        plan = plan_run(source, engine, settings or Settings())
        with entered(engine, source):
            return stream(plan, source, engine, sinks, progress, stop)
    finally:
        for sink in sinks:
            sink.close()


@contextmanager
def entered(engine: Engine, source: FrameSource) -> Iterator[None]:
    """The engine's time in memory. The kernels for such a source are loaded beside it, which takes as long and does not
    need the interpreter for it.
    """
    with ThreadPoolExecutor(1) as beside:
        kernels = beside.submit(prepare_kernels, engine, source.facts)
        with engine:
            kernels.result()
            yield


def stream(
    plan: Plan,
    source: FrameSource,
    engine: Engine,
    sinks: Sequence[MapSink],
    progress: Progress | None = None,
    stop: Stop | None = None,
    watch: Watch | None = None,
) -> RunSummary:
    """Streams one source through an engine that is entered; see ``run_pipeline``. Sinks are started and finished."""
    for sink in sinks:
        sink.start(plan)
    summary = _Run(plan, source, engine, sinks, progress, stop, watch).stream()
    for sink in sinks:
        sink.finish(summary)
    return summary


class _Run:
    """The state of one run: how far it is, and the sums for its summary."""

    def __init__(
        self,
        plan: Plan,
        source: FrameSource,
        engine: Engine,
        sinks: Sequence[MapSink],
        progress: Progress | None,
        stop: Stop | None,
        watch: Watch | None,
    ) -> None:
        bundle, settings = plan.bundle, plan.settings
        self._plan, self._sinks, self._progress = plan, sinks, progress
        self._reader = reader_of(plan, engine)
        patch, rows = bundle.backbone.patch, bundle.backbone.rows
        self._capture = Capture(source, patch, rows, self._reader.memory, plan.policy, stop, watch)
        bands = int(np.count_nonzero(plan.source.read_bands))
        self._cutter = WindowCutter(bundle, plan.columns, settings.overlap, settings.stride, bands)
        self._blend = Blend(bundle, plan.columns, plan.source.samples, settings.with_cube)
        self._longest_wait = settings.batch * self._cutter.step
        self._pending: list[Cut] = []
        self._lines = self._windows = self._skipped = self._valid_samples = 0
        self._scores = np.zeros(len(bundle.targets))
        self._classes: Counter[int] = Counter()

    def stream(self) -> RunSummary:
        """From the first line to the last row; lines are ingested while the network reads what came before."""
        start = time.perf_counter()
        # A window's rows ahead: the source need not wait for the network, and memory stays bounded.
        rows = ahead(self._reader.rows(self._strips()), self._plan.bundle.backbone.rows)
        with closing(rows):
            try:
                for row in rows:
                    self._take(row)
            except BaseException:
                self._capture.leave()  # a camera may be silent for long
                raise
        self._read(self._cutter.finish(), last=True)
        self._release(None)
        # A camera may look into the dark for a while; a recording that holds nothing else is a mistake.
        if self._windows == 0 and self._plan.source.lines is not None:
            raise CubeError(
                f"{self._plan.source.name} has no valid sample in the model's bands; "
                "check its ignore value, quality mask and calibration"
            )
        return self._summary(time.perf_counter() - start)

    def _strips(self) -> Iterator[Strip]:
        """What was captured; the sinks see it first."""
        with closing(self._capture.strips()) as strips:
            for strip in strips:
                for sink in self._sinks:
                    sink.add_strip(strip)
                yield strip

    def _take(self, row: PatchRow) -> None:
        self._blend.add_row(row)
        self._lines += row.lines
        self._valid_samples += int(np.count_nonzero(row.mask))
        self._read(self._cutter.add(row))
        if row.ends and not self._pending:  # no window of another cube reaches its rows
            self._release(row.row + 1)
        if self._progress is not None:
            self._progress(self._lines, self._windows + self._skipped)

    def _read(self, cuts: Iterator[Cut], last: bool = False) -> None:
        """Collects windows and reads them as soon as a batch is full, or nothing more will come."""
        for cut in cuts:
            if cut.window.valid_share.any():
                self._pending.append(cut)
            else:
                self._skipped += 1
                for sink in self._sinks:
                    sink.add_skipped(cut.window)
                # Nothing is read here, yet rows above are finished all the same: a long dark stretch must not pile up,
                # neither above the windows that wait for their batch nor below them.
                if self._pending and cut.window.first_row >= self._pending[0].window.first_row + self._longest_wait:
                    self._read_pending()
                self._release((self._pending[0] if self._pending else cut).window.first_row)
            if len(self._pending) == self._plan.settings.batch:
                self._read_pending()
        if last and self._pending:
            self._read_pending()

    def _read_pending(self) -> None:
        cuts, self._pending = self._pending, []
        for reading in self._reader.read(cuts):
            # Rows that this window starts below are finished: no later window reaches them.
            self._release(reading.window.first_row)
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
        counts: LineCounts = self._capture.counts
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
            mean_scores=dict(zip(names, (self._scores / max(self._windows, 1)).tolist(), strict=True)),
            valid_share=self._valid_samples / (counts.lines * samples),
            ended=None if self._capture.ended is None else str(self._capture.ended),
            lost=isinstance(self._capture.ended, CameraError),
        )
