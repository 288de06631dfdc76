"""Runs all cases and says what was raised."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focus.runtime.engines import Engine, engine_from_path
from focus.runtime.monitor import FLAGS, Monitor
from focus.runtime.pipeline import Reading
from monitor_check._cases import Case, faults, healthy
from monitor_check._faults import watch
from monitor_check._plot import plot


class TimedMonitor(Monitor):
    """Counts the time that it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        start = time.perf_counter()
        super().add_window(reading)
        self.seconds += time.perf_counter() - start


@dataclass
class Found:
    """What came of a case.

    Attributes:
        case: which.
        runs, windows: how many.
        runs_with, windows_with: in how many a flag was up, by its name.
        monitor_seconds, seconds: of the monitor, and of everything.
    """

    case: Case
    runs: int
    windows: int
    runs_with: Counter[str]
    windows_with: Counter[str]
    monitor_seconds: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "case": self.case.name,
            "flag": self.case.flag,
            "size": self.case.size,
            "runs": self.runs,
            "windows": self.windows,
            "runs_with": dict(self.runs_with),
            "windows_with": dict(self.windows_with),
        }


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; 1 where a healthy run raised a flag."""
    args = _parser().parse_args(argv)
    engine = engine_from_path(args.engine)
    if args.fixed:
        engine.bundle = engine.bundle.model_copy(update={"seen": None})
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    sound = [_run(case, engine, seeds) for case in healthy(args.sensor)]
    broken = [_run(case, engine, seeds[: max(1, args.seeds // 4)]) for case in faults(args.sensor)]
    args.out.mkdir(parents=True, exist_ok=True)
    report = _report(engine, sound, broken)
    (args.out / "monitor.md").write_text(report)
    (args.out / "monitor.json").write_text(
        json.dumps([found.to_json() for found in [*sound, *broken]], indent=2) + "\n"
    )
    plot(args.out / "monitor.png", broken)
    print(report)
    print(f"wrote monitor.md, monitor.json and monitor.png to {args.out}/")
    return int(any(found.runs_with for found in sound))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python benchmarks/monitor_check", description=__doc__)
    parser.add_argument("--engine", type=Path, metavar="FILE", help="model (default: the shipped one)")
    parser.add_argument("--fixed", action="store_true", help="with the limits of models that know no training")
    parser.add_argument("--sensor", default="vnir-204", help="simulated sensor of the model (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=40, help="scenes of each healthy kind (default: %(default)s)")
    parser.add_argument("--first-seed", type=int, default=100, help="of these scenes (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("out/monitor"), metavar="DIR", help="default: %(default)s")
    return parser


def _run(case: Case, engine: Engine, seeds: range) -> Found:
    found = Found(case, 0, 0, Counter(), Counter(), 0.0, 0.0)
    for seed in seeds:
        monitor = TimedMonitor()
        watched = watch(case.source(seed), engine, monitor)
        found.runs += 1
        found.windows += len(watched.names)
        found.runs_with.update(monitor.raised().keys())
        found.windows_with.update(name for names in watched.names for name in names)
        found.monitor_seconds += monitor.seconds
        found.seconds += watched.seconds
    print(f"{case.name} {case.size:g}: {dict(found.runs_with)} in {found.runs} runs", flush=True)
    return found


def _report(engine: Engine, sound: list[Found], broken: list[Found]) -> str:
    windows, cost = sum(found.windows for found in sound), sum(found.monitor_seconds for found in sound)
    share = cost / sum(found.seconds for found in sound)
    limits = "fixed" if engine.bundle.seen is None else "of training"
    lines = [
        f"Model {engine.bundle.name} on {engine.name}, limits {limits}; the monitor took {1e6 * cost / windows:.0f} us "
        f"a window, {share:.1%} of the run.",
        "",
        "| healthy scenes | runs | windows | runs with a flag | windows with a flag |",
        "|---|---|---|---|---|",
        *(
            f"| {found.case.name} | {found.runs} | {found.windows} | {_counts(found.runs_with)} "
            f"| {_counts(found.windows_with)} |"
            for found in sound
        ),
        "",
        f"| fault | size | runs | {' | '.join(FLAGS)} |",
        f"|---|---|---|{'---|' * len(FLAGS)}",
        *(
            f"| {found.case.name} | {found.case.size:g} | {found.runs} | "
            f"{' | '.join(_share(found, name) for name in FLAGS)} |"
            for found in broken
        ),
        "",
    ]
    return "\n".join(lines)


def _counts(flags: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in flags.items()) or "0"


def _share(found: Found, name: str) -> str:
    share = found.runs_with[name] / found.runs
    text = f"{share:.0%}" if share else ""
    return f"**{text}**" if name == found.case.flag and text else text
