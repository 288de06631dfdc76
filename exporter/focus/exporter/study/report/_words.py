"""The study's tables as words: title, columns, rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from focus.exporter.evaluate import MODEL, OWN_MAPS
from focus.exporter.study._statistics import Paired, mean_and_deviation
from focus.exporter.study.report._collect import FLAT, Cell, Collected, Rows
from focus.exporter.study.report._compare import COMPARED, Comparisons
from focus.exporter.study.report._costs import method_costs
from focus.exporter.study.report._table import Words

#: Columns of each table; those that no row has are left out.
MAPS = {
    "accuracy": "accuracy",
    "r2": "R2",
    "bio_5": "BIO@5",
    "bio_near_5": "BIO@5 ±10 nm",
    "bio_20": "BIO@20",
    "iou_leaf": "IoU",
    "iou": "IoU in the window",
    "auprc": "AUPRC",
    "pointing": "pointing",
}
REMOVAL = {
    f"{kind}_{unit}": f"{kind}, {unit}"
    for unit in ("patches", "bands", "voxels")
    for kind in ("deletion", "insertion", "gain")
}
SINK = {
    "accuracy": "accuracy",
    "collapse": "collapse",
    "sink_shown": "sink mass, shown heads",
    "sink_others": "sink mass, others",
    "bio_5": "BIO@5",
    "iou_leaf": "IoU",
    "auprc": "AUPRC",
}
SHORTCUT = {
    "accuracy": "accuracy",
    "shortcut_ground": "share of M on the ground",
    "shortcut_band": "share of B at the shortcut",
}


def tables_of(
    study: Collected, titles: Mapping[str, tuple[str, str]], compared: Mapping[str, Comparisons]
) -> list[Words]:
    """All tables of the runs that are there.

    Args:
        titles: table -> its title, and what it shows; in the order of the report.
        compared: group of the benchmark -> comparisons.
    """
    found: list[Words] = []
    for table, (title, says) in titles.items():
        if table == "costs":
            found += method_costs(study, title, says)
        for group, rows in study.tables.get(table, {}).items():
            name = f"{title}: {group}"
            columns = {"sink": SINK, "auxiliary": SINK, "spurious": SHORTCUT, "sanity": {}}.get(table, MAPS)
            if table == "sanity":
                found.append(_sanity(name, says, rows))
                continue
            more = study.chance.get(group, {}) if table == "benchmark" else {}
            found.append(_table(name, columns, {**_flat_last(rows), **more}, says))
            if table == "benchmark":
                found += [_table(f"{name}, deletion and insertion", REMOVAL, rows, ""), _tests(name, compared[group])]
                found += [_targets(name, rows)] if "regression" in group else []
    return [table for table in found if table.rows]


def _flat_last(rows: Rows) -> Rows:
    return dict(sorted(rows.items(), key=lambda row: row[0] == FLAT))


def _table(title: str, columns: Mapping[str, str], rows: Rows, says: str) -> Words:
    used = {
        key: words
        for key, words in columns.items()
        if any(key in cell.figures for row in rows.values() for cell in row)
    }
    lines = [(name, *(cell_of(cells, key) for key in used), _runs(cells)) for name, cells in rows.items()]
    return Words(title, ("", *used.values(), "runs"), lines if used else [], says)


def _targets(title: str, rows: Rows) -> Words:
    """R2 and MSE of each target, of the rows with a network of their own."""
    keys = dict.fromkeys(
        key for row in rows.values() for cell in row for key in cell.figures if key.startswith(("r2_", "mse_"))
    )
    names = {key: f"{'R2' if key.startswith('r2') else 'MSE'} of {key.partition('_')[2]}" for key in keys}
    return _table(f"{title}, each trait", names, rows, "MSE in the square of the trait's unit.")


def _sanity(title: str, says: str, rows: Rows) -> Words:
    lines = []
    for cells in rows.values():
        others = dict.fromkeys(key.partition("_M_")[2] for cell in cells for key in cell.figures if "_M_" in key)
        lines += [
            (other, *(cell_of(cells, f"sanity_{key}_{other}") for key in OWN_MAPS), _runs(cells)) for other in others
        ]
    return Words(title, ("a network of", *OWN_MAPS, "runs"), lines, says)


def _tests(title: str, found: Comparisons) -> Words:
    names = dict.fromkeys(name for pairs in found.values() for name in pairs)
    lines = [(name, *(_pair(found[key].get(name)) for key in found)) for name in names]
    note = (
        "Difference, mean over the splits; 95 % interval (splits drawn with replacement, and seeds and windows within "
        "them); and p over the splits, adjusted by Holm's method over the column, not over all columns (signed-rank "
        "test where there are splits enough to reach 0.05 so adjusted, else t test). Answers are a network's, in the "
        "row of its main map."
    )
    return Words(f"{title}, {MODEL} minus each", ("", *(COMPARED[key] for key in found)), lines, note)


def _pair(pair: Paired | None) -> str:
    if pair is None:
        return "-"
    interval = f" [{pair.low:.3f}, {pair.high:.3f}]" if np.isfinite(pair.low) else ""
    return f"{pair.difference:+.3f}{interval}" + (f", p = {pair.p:.2g}" if np.isfinite(pair.p) else "")


def cell_of(cells: Sequence[Cell], key: str) -> str:
    """Mean and standard deviation over the runs."""
    values = [cell.figures[key] for cell in cells if key in cell.figures]
    if not values:
        return "-"
    mean, deviation = mean_and_deviation(values)
    digits = ".3f" if abs(mean) < 100 and (abs(mean) >= 1e-3 or not mean) else ".3g"
    return f"{mean:{digits}} ± {deviation:{digits}}" if np.isfinite(deviation) else f"{mean:{digits}}"


def _runs(cells: Sequence[Cell]) -> str:
    return str(len(cells))
