"""The spurious-band control: a shortcut on the ground, broken in the test split."""

from __future__ import annotations

from dataclasses import replace

from focus.exporter.study._plan import MAIN_MAPS, Entry, Run
from focus.exporter.study._scale import Scale, Table, group_name

#: Where the ground announces the class in training; a band of the full range lies there.
SHORTCUT_NM = 833.0


def entries(scale: Scale) -> list[Entry]:
    """Every network on the full range, trained with the shortcut."""
    found = []
    for seed, split in scale.splits_once():
        for network in MAIN_MAPS:
            training = scale.training(network, "full", "class", seed, split)
            training = replace(training, data=replace(training.data, spurious=SHORTCUT_NM))
            for row, intact in (("intact", True), ("broken", False)):
                run = Run(training, (MAIN_MAPS[network],), intact=intact)
                found.append(Entry("spurious", group_name("full", "class"), f"{network}: {row}", seed, split, run))
    return found


TABLE = Table(
    "spurious",
    "Spurious-band control",
    entries,
    f"In training the ground announces the class at {SHORTCUT_NM:g} nm, in the test a random one: accuracy falls by as "
    "much as a model leans on it, and its maps should say so.",
)
