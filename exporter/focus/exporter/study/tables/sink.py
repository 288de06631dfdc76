"""Table III: without a sink, with one but no loss on it, and with both."""

from __future__ import annotations

from functools import partial
from typing import Any

from focus.exporter.study._scale import Table, focus_entries

ROWS: dict[str, dict[str, Any]] = {
    "without sink": {"sink": False},
    "sink without loss": {"sink_weight": 0.0},
    "sink and loss": {},
}

TABLE = Table(
    "sink",
    "Table III: the sink",
    partial(focus_entries, "sink", ROWS),
    "The same model without [SINK], without its loss, and with both.",
)
