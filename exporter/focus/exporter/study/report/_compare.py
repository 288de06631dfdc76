"""FOCUS against each other method, paired by seed and split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from focus.exporter.evaluate import MODEL
from focus.exporter.study._networks import CONTROLS
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


#: Figure -> other row -> FOCUS minus it.
Comparisons = dict[str, dict[str, Paired]]


def comparisons(rows: Rows) -> Comparisons:
    """All of a group of the benchmark, with Holm's p over the rows of each figure."""
    found: Comparisons = {}
    for key in COMPARED:
        pairs = {name: compare(rows.get(MODEL, []), cells, key) for name, cells in rows.items() if name != MODEL}
        known = {name: pair for name, pair in pairs.items() if pair is not None}
        if key in ("accuracy", "r2"):
            known = {name: pair for name, pair in known.items() if name not in CONTROLS}
        adjusted = holm([pair.p for pair in known.values()])
        if known:
            found[key] = {name: pair._replace(p=p) for (name, pair), p in zip(known.items(), adjusted, strict=True)}
    return found


def compare(ours: Sequence[Cell], theirs: Sequence[Cell], key: str) -> Paired | None:
    """None where no seed and split has both."""
    other = {(cell.seed, cell.split): cell for cell in theirs if key in cell.figures}
    both = [
        (cell, other[place]) for cell in ours if (place := (cell.seed, cell.split)) in other and key in cell.figures
    ]
    if not both:
        return None
    one, two = ([cell.figures[key] for cell in side] for side in zip(*both, strict=True))
    p, test = paired_test(one, two)
    windows = [part for pair in both if (part := _differences(*pair, key)) is not None]
    low, high = bootstrap_interval(windows) if len(windows) == len(both) else (float("nan"), float("nan"))
    return Paired(float(np.mean(np.subtract(one, two))), low, high, p, test, len(both))


def _differences(one: Cell, other: Cell, key: str) -> np.ndarray | None:
    """Of the windows that both measured; both have the same ones in the same order."""
    mine, theirs = one.windows.get(key, []), other.windows.get(key, [])
    if len(mine) != len(theirs):
        return None
    pairs = [(a, b) for a, b in zip(mine, theirs, strict=True) if a is not None and b is not None]
    return np.subtract(*np.array(pairs).T) if pairs else None
