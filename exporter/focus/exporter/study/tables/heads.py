"""Which heads the maps are made of; nothing is trained anew."""

from __future__ import annotations

from typing import get_args

from focus.exporter.evaluate import MODEL
from focus.exporter.study._heads import Heads
from focus.exporter.study._plan import Entry, Run
from focus.exporter.study._scale import Scale, Table, group_name


def entries(scale: Scale) -> list[Entry]:
    """FOCUS on the full range: the heads that training chose, and others in their place."""
    found = []
    for seed, split in scale.splits_once():
        usual = scale.focus_run(seed, split)
        others = {heads: Run(usual.training, (MODEL,), heads=heads) for heads in get_args(Heads)}
        for row, run in {"as trained": usual, **others}.items():
            found.append(Entry("heads", group_name("full", "class"), row, seed, split, run))
    return found


TABLE = Table(
    "heads",
    "Sweep: shown heads",
    entries,
    "The same trained model, its maps made of other heads: as many as H_aux has, or all.",
)
