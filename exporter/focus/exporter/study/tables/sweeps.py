"""Sweeps of FOCUS' own settings; those that this version's training does not offer are left out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from focus.exporter.study._plan import Entry
from focus.exporter.study._scale import Scale, Table, group_name, offers

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


def entries(table: str, rows: Mapping[str, Mapping[str, Any]], scale: Scale) -> list[Entry]:
    """FOCUS on the full range with each row's settings."""
    return [
        Entry(
            table,
            group_name("full", "class"),
            row,
            seed,
            split,
            scale.focus_run(seed, split, **changes),
        )
        for seed, split in scale.pairs()
        for row, changes in rows.items()
        if offers(**changes) and changes.get("read_blocks", 1) <= scale.blocks
    ]


TABLES = tuple(
    Table(name, title, partial(entries, name, rows), "The same model, one setting moved.")
    for name, (title, rows) in SWEEPS.items()
)
