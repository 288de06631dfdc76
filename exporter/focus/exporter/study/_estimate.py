"""What a step will take, by those of its kind that were made."""

from __future__ import annotations

from collections.abc import Sequence

from focus.exporter.study._plan import Costing, Run, Training
from focus.exporter.study._steps import Step, folder_of
from focus.exporter.study._store import FACTS, Store, read_json

#: Passes that deletion and insertion need for each map of a window, three units and both ends.
PASSES = 44


def estimate_seconds(steps: Sequence[Step], store: Store) -> list[float | None]:
    """Seconds of each step; None where none of its kind was made."""
    rates: dict[tuple[str, ...], list[float]] = {}
    for step in steps:
        facts = read_json(folder_of(step, store) / FACTS)
        if facts is not None:
            for kind in _kinds(step):
                rates.setdefault(kind, []).append(float(facts["seconds"]) / _size(step))
    found = []
    for step in steps:
        known = [rates[kind] for kind in _kinds(step) if kind in rates]
        found.append(sum(known[0]) / len(known[0]) * _size(step) if known else None)
    return found


def _kinds(step: Step) -> list[tuple[str, ...]]:
    """What a step is like, the nearest first."""
    if isinstance(step, Costing):
        return [("Costing",)]
    training = step if isinstance(step, Training) else step.training
    kind = type(step).__name__
    removed = "removals" if isinstance(step, Run) and step.removals else ""
    return [(kind, removed, training.network, training.data.sensor), (kind, removed, training.network), (kind, removed)]


def _size(step: Step) -> float:
    if isinstance(step, Training):
        return step.data.scenes * step.settings.epochs
    if isinstance(step, Costing):
        return 1.0
    return step.training.data.test + PASSES * step.removals
