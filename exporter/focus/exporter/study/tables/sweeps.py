"""Sweeps of FOCUS' own settings."""

from __future__ import annotations

from functools import partial
from typing import Any

from focus.exporter.study._scale import Table, focus_entries

#: Table -> its title and rows, each with what it changes.
SWEEPS: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "sink-weight": (
        "Sweep: weight of the sink loss",
        {f"lambda = {weight:g}": {"sink_weight": weight} for weight in (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)},
    ),
    "read-blocks": (
        "Sweep: reading depth",
        {f"r = {blocks}": {"read_blocks": blocks} for blocks in (1, 2, 4, 8, 12)},
    ),
}


TABLES = tuple(
    Table(name, title, partial(focus_entries, name, rows), "The same model, one setting moved.")
    for name, (title, rows) in SWEEPS.items()
)
