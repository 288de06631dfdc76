"""The timed rows of a model: each in a process of its own, all alive, taking turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from focus.exporter.bench._settings import BenchSettings
from focus.exporter.bench._specs import RowSpec
from focus.exporter.bench._worker import TooLong, Worker

Tell = Callable[[str], None]
Row = dict[str, Any]

OK, TOO_LONG = "ok", "over the time limit"

#: Between two turns: the threads of the row before spin for a while before they sleep, and would take a core each.
PAUSE_S = 0.3


@dataclass
class Turn:
    """A row that is being timed."""

    worker: Worker
    row: Row
    runs: int = 0
    times_ms: list[float] = field(default_factory=list)
    stages_ms: dict[str, list[float]] = field(default_factory=dict)

    def take(self, answer: Mapping[str, Any]) -> None:
        """Keeps what a round gave; a row that went wrong takes no further turn."""
        if "state" in answer:
            self.row |= answer
            return
        self.times_ms += answer["times_ms"]
        for name, values in answer["stages_ms"].items():
            self.stages_ms.setdefault(name, []).extend(values)


def measure_rows(model: str, folder: Path, rows: Sequence[RowSpec], settings: BenchSettings, tell: Tell) -> list[Row]:
    """Makes the rows ready together, then lets them take turns, ``settings.rounds`` times, one at a time.

    A machine that grows slower or faster during the run so changes all rows alike. A turn starts with a run that is
    not counted, because another row's data fills the caches. The processes wait without using the processor; their
    memory is there at the same time, about 10 GB for a ViT-B/16.

    Args:
        model: its name.
        folder: from ``prepare``.
        rows: which rows.
    Returns: one row each, also for those that could not be measured; ``state`` says which.
    """
    with ExitStack() as stack:
        for spec in rows:
            if spec.edge:
                tell(f"{model}: {spec.name}: a first start, which fills the caches")
                _fill_caches(folder, spec, settings)
        tell(f"{model}: loading and checking {len(rows)} rows")
        turns = [_start(stack, model, folder, spec, settings) for spec in rows]
        for turn in turns:
            _wait(turn, settings, tell)
        for turn in turns:
            if turn.row["state"] == OK:
                _one_turn(turn, 1, settings)
                turn.runs = _runs(turn.times_ms, settings)
        for number in range(settings.rounds):
            tell(f"{model}: round {number + 1} of {settings.rounds}")
            for turn in turns:
                if turn.row["state"] == OK:
                    _one_turn(turn, turn.runs, settings)
        for turn in turns:
            if turn.row["state"] == OK:
                turn.row |= {**statistics(turn.times_ms, turn.stages_ms), **turn.worker.end()}
    return [turn.row for turn in turns]


def statistics(times_ms: Sequence[float], stages_ms: Mapping[str, Sequence[float]]) -> Row:
    """Median and 99th percentile (of fewer than 100 runs: the slowest or nearly so), and each stage's median."""
    return {
        "median_ms": float(np.median(times_ms)),
        "p99_ms": float(np.percentile(times_ms, 99)),
        "runs": len(times_ms),
        "stages_ms": {name: float(np.median(values)) for name, values in stages_ms.items()},
    }


def _job(folder: Path, spec: RowSpec, settings: BenchSettings) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "peer": spec.peer,
        "options": dict(spec.options),
        "threads": settings.threads,
        "edge": spec.edge,
    }


def _fill_caches(folder: Path, spec: RowSpec, settings: BenchSettings) -> None:
    """Starts a row for nothing: what the edge compiles once on a machine belongs to none of its later starts. What
    goes wrong here goes wrong again, and is told, when the row starts for good.
    """
    with Worker(_job(folder, spec, settings), folder / f"{spec.name}.log") as worker, suppress(TooLong):
        worker.ready(settings.start_limit_s)


def _start(stack: ExitStack, model: str, folder: Path, spec: RowSpec, settings: BenchSettings) -> Turn:
    worker = stack.enter_context(Worker(_job(folder, spec, settings), folder / f"{spec.name}.log"))
    return Turn(worker, {"name": spec.name, "model": model, "what": spec.what, "against": spec.against})


def _wait(turn: Turn, settings: BenchSettings, tell: Tell) -> None:
    """Waits for a row's check; a row that failed it is not timed."""
    row = turn.row
    try:
        row |= turn.worker.ready(settings.start_limit_s)
    except TooLong as error:
        row |= {"state": TOO_LONG, "note": str(error)}
    if row["state"] == OK:
        tell(f"{row['model']}: {row['name']}: right")
        return
    tell(f"{row['model']}: {row['name']}: {row['state']}: {row.get('note', '')}")
    turn.worker.kill()


def _one_turn(turn: Turn, runs: int, settings: BenchSettings) -> None:
    time.sleep(PAUSE_S)
    try:
        turn.take(turn.worker.time(runs, warm=True, limit_s=settings.start_limit_s))
    except TooLong as error:
        turn.row |= {"state": TOO_LONG, "note": str(error)}


def _runs(times_ms: Sequence[float], settings: BenchSettings) -> int:
    """Runs a turn: what fits into ``settings.seconds``."""
    fit = int(1e3 * settings.seconds / max(times_ms[0], 1e-3)) if times_ms else settings.least_runs
    return min(max(fit, settings.least_runs), settings.most_runs)
