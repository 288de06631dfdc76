"""A recording into a folder that is whole or not there."""

from __future__ import annotations

from collections.abc import Sequence

from focus.runtime._errors import FocusError, OutputError
from focus.runtime._stop import Stop
from focus.runtime.engines import Engine
from focus.runtime.monitor import Monitor
from focus.runtime.outputs import BesideSink, MapSink, OutputOptions, Results, RunFacts, RunFolder, RunWriter
from focus.runtime.pipeline import Progress, RunSummary, Settings, plan_run, run_pipeline
from focus.runtime.sources import FrameSource


def run_to_folder(
    source: FrameSource,
    engine: Engine,
    folder: RunFolder,
    settings: Settings | None = None,
    progress: Progress | None = None,
    sinks: Sequence[MapSink] = (),
    outputs: OutputOptions | None = None,
    monitor: Monitor | None = None,
) -> tuple[RunSummary, Results]:
    """Streams a source through a model into files; nothing is left behind if that fails.

    Args:
        source: not yet started.
        engine: not entered.
        folder: not entered.
        settings: see ``Settings``.
        progress: see ``run_pipeline``.
        sinks: get what the files get, before them.
        outputs: see ``OutputOptions``.
        monitor: see ``RunWriter``.
    Raises:
        FocusError: source, model or disk do not fit.
        ValueError: settings that do not fit the model.
    """
    chosen = settings or Settings()
    plan_run(source, engine, chosen)
    facts = RunFacts.of_engine(engine)
    with folder:
        stop = Stop()
        writer = RunWriter(
            folder.path, facts, with_cube=chosen.with_cube, options=outputs, low=stop.request, monitor=monitor
        )
        summary = run_pipeline(source, engine, [*sinks, BesideSink(writer)], chosen, progress, stop)
        if stop.reason is not None:
            raise OutputError(f"{stop.reason}; nothing was kept, free some space or choose another --out")
        if summary.ended is not None:  # it would look whole
            raise FocusError(f"{summary.ended}; nothing was kept of this recording")
    return summary, writer.results
