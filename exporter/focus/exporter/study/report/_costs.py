"""What methods cost, what the study itself took, and what it ran on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from focus.exporter.study._plan import MAIN_MAPS
from focus.exporter.study.report._collect import Collected
from focus.exporter.study.report._table import Words


def method_costs(study: Collected, title: str, says: str) -> list[Words]:
    """Table II, where it was measured."""
    found = next((metrics["costs"] for metrics in study.metrics.values() if "costs" in metrics), None)
    if found is None:
        return []
    columns = ("", "trainable", "of all", "GFLOP, prediction", "GFLOP, maps", "ms", "times the plain ViT")
    return [Words(title, columns, [_costs(name, row) for name, row in found.items()], says)]


def _costs(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    trainable = f"{row['trainable']:,}" if "trainable" in row else "-"
    share = f"{row['trainable'] / (row['trainable'] + row['frozen']):.2%}" if "trainable" in row else "-"
    flops = [f"{row[key] / 1e9:.2f}" if key in row else "-" for key in ("prediction", "maps")]
    times = [f"{row[key]:.{digits}f}" if key in row else "-" for key, digits in (("milliseconds", 1), ("ratio", 2))]
    return name, trainable, share, *flops, *times


def costs_table(study: Collected) -> Words:
    """Minutes of all trainings and runs by the network, each counted once; of what was stopped, since it went on."""
    rows: dict[str, list[float]] = {}
    for folder, facts in study.costs.items():
        kind, _, name = folder.partition("/")
        if name.startswith("costs"):
            continue
        network = next(part for part in sorted(MAIN_MAPS, key=len, reverse=True) if name.startswith(part))
        rows.setdefault(f"{network}, {'training' if kind == 'networks' else 'evaluation'}", []).append(facts["seconds"])
    lines = [
        (name, str(len(seconds)), f"{sum(seconds) / len(seconds):.0f}", f"{sum(seconds) / 60:.1f}")
        for name, seconds in sorted(rows.items())
    ]
    total = sum(sum(seconds) for seconds in rows.values())
    lines.append(("all", str(sum(map(len, rows.values()))), "", f"{total / 60:.1f}"))
    return Words("What it took", ("", "steps", "mean, s", "in all, min"), lines, machine_words(study))


def machine_words(study: Collected) -> str:
    """The machines of the runs, in a sentence each."""
    found = dict.fromkeys(_machine(facts["machine"]) for facts in study.costs.values())
    return "Run on: " + "; ".join(found) + "." if found else ""


def _machine(facts: Mapping[str, Any]) -> str:
    versions = facts["versions"]
    commit = f", commit {facts['commit'][:12]}" if facts.get("commit") else ""
    where = f"{facts['processor']}, {facts['cores']} cores, threads: {facts['threads']}"
    return f"{where}, torch {versions.get('torch', '?')}{commit}"
