"""Table II: what the networks of Table I and their maps cost."""

from __future__ import annotations

from focus.exporter.study._plan import MAIN_MAPS, Costing, Entry
from focus.exporter.study._scale import Scale, Table, group_name


def entries(scale: Scale) -> list[Entry]:
    """All networks on the full range, of the first seed and split: costs hang on neither."""
    seed, split = next(scale.pairs())
    run = Costing(tuple(scale.training(network, "full", "class", seed, split) for network in MAIN_MAPS))
    return [Entry("costs", group_name("full", "class"), "costs", seed, split, run)]


TABLE = Table(
    "costs",
    "Table II: costs",
    entries,
    "One window, batch 1. GFLOP: products of matrices and convolutions, a multiply-add counts two; the maps' hold a "
    "pass and whatever goes backward. Times are medians of prediction and maps together, in turns with the plain ViT.",
)
