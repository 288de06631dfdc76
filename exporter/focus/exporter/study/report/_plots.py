"""The study's plots: scores of all methods, robustness, and sweeps."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from focus.exporter.evaluate import MODEL
from focus.exporter.study._networks import CONTROLS
from focus.exporter.study._plan import MAIN_MAPS
from focus.exporter.study._statistics import mean_and_deviation
from focus.exporter.study.report._collect import Cell, Collected, Rows
from focus.exporter.study.tables import TABLES
from focus.runtime.outputs._draw import INK, colour

TITLES = {table.name: table.title for table in TABLES}

SCORES = {
    "accuracy": "accuracy",
    "r2": "R2",
    "bio_5": "BIO@5",
    "iou_leaf": "IoU",
    "iou": "IoU in the window",
    "auprc": "AUPRC",
    "gain_patches": "gain, patches",
    "gain_bands": "gain, bands",
    "gain_voxels": "gain, voxels",
}


class Picture(NamedTuple):
    """A PNG file's name, what it shows, and its content."""

    name: str
    caption: str
    content: bytes


def plots_of(study: Collected) -> list[Picture]:
    """Each plot that there are runs for."""
    found = []
    for number, (group, rows) in enumerate(study.tables.get("benchmark", {}).items(), start=1):
        words = f"Table I at a glance: {group}. Mean and standard deviation over the runs; controls in grey."
        found.append(Picture(f"benchmark-{number}.png", words, _scores(group, rows)))
    for group, rows in study.tables.get("corruptions", {}).items():
        words = f"Corrupted test windows, {group}. Severity 0 is Table I."
        found.append(Picture("corruptions.png", words, _corruptions(study, group, rows)))
    for table, groups in study.tables.items():
        group, rows = next(iter(groups.items()))
        if len(rows) > 1 and (table == "groups" or TITLES.get(table, "").startswith("Sweep")):
            words = f"{TITLES[table]}: {group}. A dot is a run, the line their mean."
            found.append(Picture(f"{table}.png", words, _sweep(rows)))
    return found


def _scores(group: str, rows: Rows) -> bytes:
    keys = [key for key in SCORES if any(key in cell.figures for cells in rows.values() for cell in cells)]
    keys = [key for key in keys if key != "iou" or "iou_leaf" not in keys]
    figure = Figure(figsize=(12, 0.28 * len(rows) + 1.1), dpi=110, layout="constrained")
    axes_of = figure.subplots(1, len(keys), sharey=True, squeeze=False)[0]
    names = list(rows)[::-1]
    for axes, key in zip(axes_of, keys, strict=True):
        for place, name in enumerate(names):
            values = _values(rows[name], key)
            if values:
                mean, deviation = mean_and_deviation(values)
                axes.barh(
                    place,
                    mean,
                    0.7,
                    color=_colour(name),
                    xerr=np.nan_to_num(deviation),
                    error_kw={"lw": 0.8},
                )
        axes.set_title(SCORES[key], fontsize=9, loc="left", color=INK)
        axes.axvline(0, color=INK, lw=0.6)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    axes_of[0].set_yticks(range(len(names)), names, fontsize=8)
    figure.suptitle(group, fontsize=10, x=0.01, ha="left", color=INK)
    return png_of(figure)


def _colour(name: str) -> str:
    return colour(0) if name == MODEL else "#B0B0B0" if name in CONTROLS else colour(1)


def _corruptions(study: Collected, group: str, rows: Rows) -> bytes:
    """Accuracy and IoU over severity, a column a corruption and a line a network; severity 0 is the benchmark's."""
    curves: dict[str, dict[str, dict[float, list[Cell]]]] = {}
    for row, cells in rows.items():
        network, kind, severity = re.fullmatch(r"(.*): (.*) (.*)", row).groups()  # type: ignore[union-attr]
        curves.setdefault(kind, {}).setdefault(network, {})[float(severity)] = cells
    keys = {"accuracy": "accuracy", "auprc": "AUPRC", "bio_5": "BIO@5"}
    figure = Figure(figsize=(12, 2.1 * len(keys) + 0.4), dpi=110, layout="constrained")
    grid = figure.subplots(len(keys), len(curves), sharey="row", squeeze=False)
    for column, (kind, networks) in enumerate(curves.items()):
        for row_axes, (key, words) in zip(grid[:, column], keys.items(), strict=True):
            for number, (network, points) in enumerate(networks.items()):
                pairs = {(cell.seed, cell.split) for cells in points.values() for cell in cells}
                found = {0.0: _clean(study, group, network, key, pairs)}
                found |= {severity: _values(cells, key) for severity, cells in sorted(points.items())}
                x = [severity for severity, values in found.items() if values]
                y = [float(np.mean(values)) for values in found.values() if values]
                row_axes.plot(x, y, marker="o", ms=3, lw=1.4, color=colour(number), label=network)
            row_axes.tick_params(labelsize=7)
            row_axes.locator_params(axis="x", nbins=5)
            row_axes.spines[["top", "right"]].set_visible(False)
            if column == 0:
                row_axes.set_ylabel(words, fontsize=9)
        grid[0, column].set_title(kind, fontsize=9, loc="left", color=INK)
        grid[-1, column].set_xlabel("severity", fontsize=8)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=8)
    return png_of(figure)


def _clean(study: Collected, group: str, network: str, key: str, pairs: set[tuple[int, int]]) -> list[float]:
    """Table I's figures, of the seeds and splits that have been corrupted."""
    cells = study.cells("benchmark", group, MAIN_MAPS.get(network, network))
    return _values([cell for cell in cells if (cell.seed, cell.split) in pairs], key)


def _sweep(rows: Rows) -> bytes:
    keys = {"accuracy": "accuracy", "bio_5": "BIO@5", "iou_leaf": "IoU", "auprc": "AUPRC", "collapse": "collapse"}
    figure = Figure(figsize=(12, 2.4), dpi=110, layout="constrained")
    names = list(rows)
    for axes, (key, words) in zip(figure.subplots(1, len(keys)), keys.items(), strict=True):
        found = [_values(rows[name], key) for name in names]
        for place, values in enumerate(found):
            axes.plot([place] * len(values), values, "o", ms=3, color=colour(2))
        known = [(place, float(np.mean(values))) for place, values in enumerate(found) if values]
        axes.plot(*np.array(known).T, lw=1.4, color=colour(0)) if known else None
        axes.set_xticks(range(len(names)), names, fontsize=7, rotation=40, ha="right")
        axes.set_title(words, fontsize=9, loc="left", color=INK)
        axes.tick_params(axis="y", labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    return png_of(figure)


def _values(cells: Sequence[Cell], key: str) -> list[float]:
    return [cell.figures[key] for cell in cells if key in cell.figures]


def png_of(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    FigureCanvasAgg(figure)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
