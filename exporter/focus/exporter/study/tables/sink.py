"""Table III: without a sink, with one but no loss on it, and with both."""

from __future__ import annotations

from typing import Any

from focus.exporter.study._plan import Entry
from focus.exporter.study._scale import Scale, Table, group_name, offers

ROWS: dict[str, dict[str, Any]] = {
    "without sink": {"sink": False},
    "sink without loss": {"sink_weight": 0.0},
    "sink and loss": {},
}


def entries(scale: Scale) -> list[Entry]:
    """FOCUS on the full range."""
    return [
        Entry(
            "sink",
            group_name("full", "class"),
            row,
            seed,
            split,
            scale.focus_run(seed, split, **changes),
        )
        for seed, split in scale.pairs()
        for row, changes in ROWS.items()
        if offers(**changes)
    ]


TABLE = Table("sink", "Table III: the sink", entries, "The same model without [SINK], without its loss, and with both.")
