"""The figures of a study's runs, in the shape that tables want."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from focus.exporter.evaluate import OWN_MAPS
from focus.exporter.study._plan import FOCUS
from focus.exporter.study._plan_file import read_plan
from focus.exporter.study._store import FACTS, METRICS, read_json

#: A map that says nothing, in the control of shortcuts.
FLAT = "flat map"


@dataclass(frozen=True)
class Cell:
    """What one run found of one row.

    Attributes:
        seed, split: of the run.
        figures: name -> mean over its windows.
        windows: name -> a value for each scored window, None where it was not measured.
    """

    seed: int
    split: int
    figures: Mapping[str, float]
    windows: Mapping[str, list[float | None]]


#: Rows of a group of a table: the row's name -> its runs.
Rows = dict[str, list[Cell]]


@dataclass
class Collected:
    """A study as it lies in its folder.

    Attributes:
        plan: ``study.json``.
        tables: table -> group -> rows. In the benchmark a row is a way to make maps, elsewhere it is a run's row.
        chance: group of the benchmark -> rows of what scores need to be read: what chance gets, and the most there is.
        missing: the entries whose run is not there.
        costs: folder of a run or training -> its facts; metrics: folder of a run -> what it found.
    """

    folder: Path
    plan: dict[str, Any]
    tables: dict[str, dict[str, Rows]] = field(default_factory=dict)
    chance: dict[str, Rows] = field(default_factory=dict)
    missing: list[dict[str, Any]] = field(default_factory=list)
    costs: dict[str, dict[str, Any]] = field(default_factory=dict)
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)

    def cells(self, table: str, group: str, row: str) -> list[Cell]:
        """A row's runs; none where it is not there."""
        return self.tables.get(table, {}).get(group, {}).get(row, [])


def collect(folder: Path) -> Collected:
    """Reads all runs that the plan names and that are finished.

    Raises:
        FocusError: there is no study here.
    """
    found = Collected(folder, read_plan(folder))
    for entry in found.plan["entries"]:
        facts = read_json(folder / entry["run"] / FACTS)
        metrics = read_json(folder / entry["run"] / METRICS)
        if facts is None or metrics is None:
            found.missing.append(entry)
            continue
        found.costs[entry["run"]] = facts
        found.metrics[entry["run"]] = metrics
        for training in entry["trainings"]:
            known = read_json(folder / training / FACTS)
            if known is not None:
                found.costs[training] = known
        if "costs" in metrics:
            continue
        rows = found.tables.setdefault(entry["table"], {}).setdefault(entry["group"], {})
        for row, name in _names(entry, metrics):
            windows = metrics["by_window"].get(name, {})
            rows.setdefault(row, []).append(Cell(entry["seed"], entry["split"], figures_of(metrics, name), windows))
        if (entry["table"], entry["row"]) == ("benchmark", FOCUS):
            _add_chance(found.chance.setdefault(entry["group"], {}), entry, metrics.get("chance", {}))
        if "shortcut" in metrics:
            _add_flat(rows.setdefault(FLAT, []), entry, metrics["shortcut"][FLAT])
    for table in [table for table in found.tables if table != "benchmark"]:
        alike = {
            group: _side_by_side(rows, _planned_rows(found.plan, table, group))
            for group, rows in found.tables.pop(table).items()
        }
        if known := {group: rows for group, rows in alike.items() if rows}:
            found.tables[table] = known
    return found


def _planned_rows(plan: Mapping[str, Any], table: str, group: str) -> int:
    return len({entry["row"] for entry in plan["entries"] if (entry["table"], entry["group"]) == (table, group)})


def _side_by_side(rows: Rows, planned: int) -> Rows:
    """Rows that are there to be compared, over the seeds and splits that all of them have: a row that Table I shares
    has runs of its own, and splits differ more than settings. None where there are no such runs, or a single row of
    several that are planned.
    """
    shared = set.intersection(*({(cell.seed, cell.split) for cell in cells} for cells in rows.values()))
    if not shared or len(rows) < min(planned, 2):
        return {}
    return {row: [cell for cell in cells if (cell.seed, cell.split) in shared] for row, cells in rows.items()}


def _add_chance(rows: Rows, entry: Mapping[str, Any], chance: Mapping[str, Any]) -> None:
    """Of overlaps of bands; the same for all methods, as they are measured on the same windows."""
    for row, start in (("by chance", "bio_"), ("at best", "ceiling_")):
        found = {f"bio_{key.removeprefix(start)}": value for key, value in chance.items() if key.startswith(start)}
        figures = {key: float(value[0]) for key, value in found.items()}
        if figures:
            rows.setdefault(row, []).append(Cell(entry["seed"], entry["split"], figures, {}))


def _add_flat(cells: list[Cell], entry: Mapping[str, Any], shares: Mapping[str, float]) -> None:
    """What a flat map gets, once for each seed and split."""
    if (entry["seed"], entry["split"]) not in {(cell.seed, cell.split) for cell in cells}:
        figures = {f"shortcut_{key}": value for key, value in shares.items() if value is not None}
        cells.append(Cell(entry["seed"], entry["split"], figures, {}))


def _names(entry: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rows that a run fills, and the maps that fill them."""
    names = list(metrics["answers"])
    return [(name, name) for name in names] if entry["table"] == "benchmark" else [(entry["row"], names[0])]


def figures_of(metrics: Mapping[str, Any], name: str) -> dict[str, float]:
    """All figures of one map of a run, flat; those that there are, as a file has null for what is no number."""
    found = dict(metrics["methods"].get(name, {}))
    answers = metrics["answers"][name]
    if "accuracy" in answers:
        found["accuracy"] = answers["accuracy"]
    else:
        found |= {f"r2_{target}": row["r2"] for target, row in answers.items()}
        found |= {f"mse_{target}": row["mse"] for target, row in answers.items()}
        of_targets = [row["r2"] for row in answers.values()]
        found["r2"] = None if None in of_targets else float(np.mean(of_targets))
    found |= metrics["attention"].get(name, {})
    if name == next(iter(metrics["answers"])):
        for other, row in metrics["sanity"].items():
            found |= {f"sanity_{key}_{other}": row[key] for key in OWN_MAPS}
    found |= {f"shortcut_{key}": value for key, value in metrics.get("shortcut", {}).get(name, {}).items()}
    means = {key: value[0] if isinstance(value, list) else value for key, value in found.items()}
    return {key: float(value) for key, value in means.items() if value is not None}
