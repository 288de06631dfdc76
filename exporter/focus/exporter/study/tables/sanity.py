"""Do the maps depend on what was learnt? A network trained on labels in a random order should have others."""

from __future__ import annotations

from dataclasses import replace

from focus.exporter.study._plan import Entry, Run
from focus.exporter.study._scale import Scale, Table, group_name


def entries(scale: Scale) -> list[Entry]:
    """FOCUS on the full range, beside the same trained on permuted labels; randomised parameters come with each run."""
    found = []
    for seed, split in scale.splits_once():
        training = scale.training("focus", "full", "class", seed, split)
        permuted = replace(training, data=replace(training.data, permuted=True))
        run = Run(training, ("FOCUS",), against=permuted)
        found.append(Entry("sanity", group_name("full", "class"), "permuted labels", seed, split, run))
    return found


TABLE = Table(
    "sanity",
    "Sanity",
    entries,
    "Rank correlation of FOCUS' maps with those of a network without what it learnt; high is bad.",
)
