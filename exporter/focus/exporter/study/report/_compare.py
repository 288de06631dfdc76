"""FOCUS against each other method, paired by split and seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from focus.exporter.evaluate import MODEL
from focus.exporter.study._plan import MAIN_MAPS
from focus.exporter.study._statistics import Paired, bootstrap_interval, holm, paired_test
from focus.exporter.study.report._collect import Cell, Rows

#: What is compared.
COMPARED = {
    "accuracy": "accuracy",
    "r2": "R2",
    "bio_5": "BIO@5",
    "bio_20": "BIO@20",
    "iou_leaf": "IoU",
    "auprc": "AUPRC",
    "gain_patches": "gain, patches",
    "gain_bands": "gain, bands",
    "gain_voxels": "gain, voxels",
}

#: What a network has whichever map is made of it: stands in the row of its main map.
OF_NETWORKS = ("accuracy", "r2")

#: Figure -> other row -> FOCUS minus it.
Comparisons = dict[str, dict[str, Paired]]


def comparisons(rows: Rows) -> Comparisons:
    """All of a group of the benchmark, with Holm's p over the rows of each figure."""
    found: Comparisons = {}
    for key in COMPARED:
        others = {name: cells for name, cells in rows.items() if name != MODEL}
        if key in OF_NETWORKS:
            # Maps of one network share its answers, and are one comparison.
            others = {name: cells for name, cells in others.items() if name in MAIN_MAPS.values()}
        others = {name: cells for name, cells in others.items() if runs_of_both(rows.get(MODEL, []), cells, key)}
        pairs = {name: compare(rows[MODEL], cells, key, tests=len(others)) for name, cells in others.items()}
        known = {name: pair for name, pair in pairs.items() if pair is not None}
        adjusted = holm([pair.p for pair in known.values()])
        if known:
            found[key] = {name: pair._replace(p=p) for (name, pair), p in zip(known.items(), adjusted, strict=True)}
    return found


def compare(ours: Sequence[Cell], theirs: Sequence[Cell], key: str, *, tests: int = 1) -> Paired | None:
    """None where no seed and split has both.

    Args:
        tests: how many such comparisons are adjusted together, see ``paired_test``.
    """
    both = runs_of_both(ours, theirs, key)
    if not both:
        return None
    of_splits = [[pair for pair in both if pair[0].split == split] for split in sorted({one.split for one, _ in both})]
    ours_of, theirs_of = (
        np.array([np.mean([pair[side].figures[key] for pair in pairs]) for pairs in of_splits]) for side in (0, 1)
    )
    p, test = paired_test(ours_of.tolist(), theirs_of.tolist(), tests)
    windows = [part for pairs in of_splits if (part := _differences(pairs, key)) is not None]
    low, high = bootstrap_interval(windows) if len(windows) == len(of_splits) else (float("nan"), float("nan"))
    leads = ours_of - theirs_of
    return Paired(float(leads.mean()), low, high, p, test, len(leads), len(both), int((leads > 0).sum()))


def runs_of_both(ours: Sequence[Cell], theirs: Sequence[Cell], key: str) -> list[tuple[Cell, Cell]]:
    """Runs of the same seed and split that have a figure."""
    other = {(cell.seed, cell.split): cell for cell in theirs if key in cell.figures}
    return [
        (cell, other[place]) for cell in ours if (place := (cell.seed, cell.split)) in other and key in cell.figures
    ]


def _differences(pairs: Sequence[tuple[Cell, Cell]], key: str) -> np.ndarray | None:
    """Of one split, float [seeds, windows]; all its runs measured the same windows in the same order. None where they
    did not, or one has none.
    """
    found = [[np.array(cell.windows.get(key, []), np.float64) for cell in pair] for pair in pairs]
    if len({values.shape for pair in found for values in pair}) > 1:
        return None
    differences = np.array([ours - theirs for ours, theirs in found])
    return differences if np.isfinite(differences).any(axis=1).all() else None
