"""Table IV: the number of band groups."""

from __future__ import annotations

from focus.exporter.study._plan import Entry
from focus.exporter.study._scale import Scale, Table, group_name

COUNTS = (4, 5, 10, 20)


def entries(scale: Scale) -> list[Entry]:
    """FOCUS on the full range, G groups."""
    return [
        Entry(
            "groups",
            group_name("full", "class"),
            f"G = {count}",
            seed,
            split,
            scale.focus_run(seed, split, groups=count),
        )
        for seed, split in scale.pairs()
        for count in COUNTS
    ]


TABLE = Table(
    "groups",
    "Table IV: band groups",
    entries,
    "The same model with fewer and with more band groups; fewer than 4 would cross a physiological edge.",
)
