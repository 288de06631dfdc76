"""Table IV: the number of band groups."""

from __future__ import annotations

from functools import partial

from focus.exporter.study._scale import Table, focus_entries

ROWS = {f"G = {count}": {"groups": count} for count in (2, 4, 5, 10, 20)}

TABLE = Table(
    "groups",
    "Table IV: band groups",
    partial(focus_entries, "groups", ROWS),
    "The same model with fewer and with more band groups; fewer than 4 are unions of whole ranges.",
)
