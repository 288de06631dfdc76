"""Choices of a benchmark run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from focus.exporter.bench._specs import BANDS, MODELS, ModelSpec, row_names

DEFAULT_MODELS = tuple(MODELS.values())


@dataclass(frozen=True)
class BenchSettings:
    """Choices of a run.

    Attributes:
        work: folder for models, cubes and logs; what an earlier run left there is used again.
        threads: of every row.
        models: see ``MODELS``; the sweep and ``focus-run`` take the last one.
        rows: names from ``row_names``.
        rounds: how often the timed rows of a model take turns.
        seconds: of timed runs that a row gets a round, at least ``least_runs`` and at most ``most_runs`` of them.
        cubes: different cubes that the rows read in turn.
        bands: of the sweep.
        pass_limit_s: a pass of the sweep that would take longer is not run.
        memory_limit_gb: data that a process of the sweep may allocate; None takes what is free.
        start_limit_s: a row that is not ready by then is given up.
        starts: of ``focus_run``, after one that fills the caches.
        long_cubes: cubes of ``focus_run_long``.
    Raises:
        ValueError: a row that does not exist, or a number that makes no sense.
    """

    work: Path
    threads: int
    models: tuple[ModelSpec, ...] = DEFAULT_MODELS
    rows: tuple[str, ...] = row_names()
    rounds: int = 6
    seconds: float = 1.0
    least_runs: int = 3
    most_runs: int = 20
    cubes: int = 4
    bands: tuple[int, ...] = BANDS
    pass_limit_s: float = 60.0
    memory_limit_gb: float | None = None
    start_limit_s: float = 300.0
    starts: int = 3
    long_cubes: int = 1000

    def __post_init__(self) -> None:
        unknown = sorted(set(self.rows) - set(row_names()))
        if unknown:
            raise ValueError(f"--rows has no {', '.join(unknown)}; there are {', '.join(row_names())}")
        if not self.models:
            raise ValueError(f"--models must name at least one of {', '.join(MODELS)}")
        least = {"threads": self.threads, "rounds": self.rounds, "cubes": self.cubes, "long_cubes": self.long_cubes}
        for name, value in least.items():
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if self.pass_limit_s <= 0:
            raise ValueError(f"--limit-s must be more than 0, got {self.pass_limit_s:g}")
