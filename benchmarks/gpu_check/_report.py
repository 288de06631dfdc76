"""Step 7: what was found, for people and for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from focus.exporter.bench._ratios import Target
from focus.runtime._files import write_atomically
from gpu_check._section import Row, Section

SCHEMA_VERSION = 1

#: How the columns of the tables are called; others are called as in JSON.
TITLES = {
    "gb_s": "GB/s",
    "mb": "MB",
    "copy_ms": "copy, ms",
    "copy_gb_s": "copy, GB/s",
    "ratio": "over the copy",
    "p50_ms": "p50, ms",
    "p99_ms": "p99, ms",
    "off_by": "off by",
    "cubes_s": "cubes/s",
    "tflop_s": "TFLOP/s",
}

Result = dict[str, Any]


def result_of(
    machine: dict[str, Any], started: str, seed: int, quick: bool, sections: Sequence[Section], goals: Sequence[Target]
) -> Result:
    """What goes into the JSON."""
    return {
        "schema_version": SCHEMA_VERSION,
        "started_utc": started,
        "seed": seed,
        "quick": quick,
        "machine": machine,
        "goals": [goal.as_json() for goal in goals],
        "sections": [asdict(section) for section in sections],
    }


def write_report(result: Result, out: Path) -> tuple[Path, Path]:
    """Writes ``gpu-<device>.md`` and ``.json``.

    Args:
        result: from ``result_of``.
        out: folder; made if it is not there.
    Raises:
        OutputError: it cannot be written there.
    """
    out.mkdir(parents=True, exist_ok=True)
    name = f"gpu-{slug(result['machine']['gpu'])}"
    text, data = out / f"{name}.md", out / f"{name}.json"
    write_atomically(data, (json.dumps(result, indent=2, allow_nan=False) + "\n").encode())
    write_atomically(text, markdown(result).encode())
    return text, data


def slug(name: str) -> str:
    """A device's name as part of a file's."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unknown"


def markdown(result: Result) -> str:
    """The page."""
    machine, host = result["machine"], result["machine"]["host"]
    engines = "; ".join(f"{name} {found}" for name, found in machine["engines"].items())
    command = 'make gpu-check GPU_CHECK="--quick"' if result["quick"] else "make gpu-check"
    lines = [
        f"# {machine['gpu']}",
        "",
        f"Written by `{command}`, {result['started_utc']}, commit {host['commit'] or 'not known'}, seed "
        f"{result['seed']}. [gpu-check.md](../gpu-check.md) says what is measured, and how.",
        "",
        *_table(
            [
                {"machine": "GPU", "": f"{machine['gpu']}, compute capability {machine['compute_capability']}"},
                {"machine": "memory, multiprocessors, L2 cache", "": _memory(machine)},
                {"machine": "driver, CUDA", "": f"{machine['driver']}, {machine['cuda']}"},
                {"machine": "engines", "": engines},
                {"machine": "host", "": f"{host['processor']}, {host['cores']} cores, {host['os']}"},
            ]
        ),
        "",
        "## Goals",
        "",
        *_table([_goal(goal) for goal in result["goals"]]),
    ]
    for section in result["sections"]:
        lines += ["", f"## {section['title']}", "", f"{section['state']}: {section['note']}"]
        if section["rows"]:
            lines += ["", *_table(section["rows"])]
    return "\n".join(lines) + "\n"


def _memory(machine: dict[str, Any]) -> str:
    return f"{machine['memory_gb']} GB, {machine['multiprocessors']}, {machine['l2_mb']} MB"


def _goal(goal: dict[str, Any]) -> Row:
    words = {True: "met", False: "**not met**", None: "not measured"}[goal["met"]]
    return {"figure": goal["says"], "wanted": goal["wanted"], "measured": goal["value"], " ": words}


def _table(rows: Sequence[Row]) -> list[str]:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    head = "| " + " | ".join(TITLES.get(column, column.replace("_", " ")) for column in columns) + " |"
    body = ["| " + " | ".join(_cell(row.get(column)) for column in columns) + " |" for row in rows]
    return [head, "|" + " --- |" * len(columns), *body]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if isinstance(value, (list, tuple)):
        return "; ".join(map(_cell, value))
    return str(value).replace("|", "\\|").replace("\n", " ")
