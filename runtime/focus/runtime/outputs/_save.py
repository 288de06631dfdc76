"""A whole run into a folder."""

from __future__ import annotations

from collections.abc import Sequence

from focus.runtime.engines import Engine
from focus.runtime.monitor import Monitor
from focus.runtime.outputs._contract import MapSink
from focus.runtime.outputs._folder import RunFolder
from focus.runtime.outputs._run_record import Results, RunFacts
from focus.runtime.outputs._writer import RunWriter
from focus.runtime.pipeline import Progress, RunSummary, Settings, plan_run, run_pipeline
from focus.runtime.sources import FrameSource


def run_to_folder(
    source: FrameSource,
    engine: Engine,
    folder: RunFolder,
    settings: Settings | None = None,
    progress: Progress | None = None,
    sinks: Sequence[MapSink] = (),
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
        monitor: see ``RunWriter``.
    Raises:
        FocusError: source, model or disk do not fit.
        ValueError: settings that do not fit the model.
    """
    chosen = settings or Settings()
    plan_run(source, engine, chosen)
    facts = RunFacts.of_engine(engine)
    with folder:
        writer = RunWriter(folder.path, facts, with_cube=chosen.with_cube, monitor=monitor)
        summary = run_pipeline(source, engine, [*sinks, writer], chosen, progress)
    return summary, writer.results
