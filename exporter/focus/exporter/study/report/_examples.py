"""Example windows, chosen by a rule: at the quarters of FOCUS' IoU, and the worst."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from focus.exporter.evaluate import MODEL, Cache, WindowResult
from focus.exporter.study._plan import MAIN_MAPS
from focus.exporter.study.report._collect import Collected
from focus.exporter.study.report._plots import Picture, png_of
from focus.runtime.outputs._draw import HEAT, INK, colour
from focus.runtime.outputs._preview import stretched

#: Places in the order of FOCUS' IoU, worst first.
SHOWN = {0.0: "worst", 0.25: "lower quarter", 0.5: "middle", 0.75: "upper quarter"}


def examples_of(study: Collected) -> list[Picture]:
    """One for each classification of the benchmark whose first FOCUS run is there."""
    found = []
    for number, group in enumerate(study.tables.get("benchmark", {}), start=1):
        runs = _first_runs(study, group)
        if group.endswith("classification") and "focus" in runs:
            picture = _picture(study, runs)
            if picture is not None:
                words = f"Windows of the first run at the worst and at the quarters of FOCUS' IoU: {group}."
                found.append(Picture(f"examples-{number}.png", f"{words} Outlined: lesioned patches.", picture))
    return found


def _first_runs(study: Collected, group: str) -> dict[str, str]:
    """Network -> folder of its run with the first seed and split of FOCUS'."""
    entries = [
        entry
        for entry in study.plan["entries"]
        if entry["table"] == "benchmark" and entry["group"] == group and entry["run"] in study.metrics
    ]
    first = next(((entry["seed"], entry["split"]) for entry in entries if entry["row"] == "focus"), None)
    return {entry["row"]: entry["run"] for entry in entries if (entry["seed"], entry["split"]) == first}


def _picture(study: Collected, runs: dict[str, str]) -> bytes | None:
    facts, caches = study.metrics[runs["focus"]], {row: Cache(study.folder / run) for row, run in runs.items()}
    windows = [one for index in range(facts["windows"]["all"]) if (one := caches["focus"].load(index)) is not None]
    scored = sorted(
        (one for one in windows if one.facts["scored"]),
        key=lambda one: (_iou(one, MODEL), one.facts["number"]),
    )
    if not scored:
        return None
    chosen = {round(share * (len(scored) - 1)): words for share, words in SHOWN.items()}
    figure = Figure(figsize=(13, 2.5 * len(chosen)), dpi=100, layout="compressed")
    rows = figure.subplots(len(chosen), 2 + len(runs), width_ratios=[1] * (1 + len(runs)) + [2.2], squeeze=False)
    for row, (place, words) in zip(rows, chosen.items(), strict=True):
        window = scored[place]
        shown = {row_name: cache.load(window.facts["number"]) for row_name, cache in caches.items()}
        _draw(row, {name: one for name, one in shown.items() if one is not None}, facts["window"], words)
    return png_of(figure)


def _iou(window: WindowResult, name: str) -> float:
    """In the leaf; where that is all lesion, in the window."""
    scores = window.facts["methods"][name]
    return float(scores["iou_leaf"] if "iou_leaf" in scores else scores["iou"])


def _draw(axes_of: Sequence[Axes], windows: dict[str, WindowResult], shape: dict[str, Any], words: str) -> None:
    first, patch = windows["focus"], shape["patch"]
    maps = [(row, MAIN_MAPS[row], one) for row, one in windows.items()]
    picture = stretched(np.moveaxis(first.composite.astype(np.float32), 0, -1))
    lesion = first.lesion.reshape(shape["grid"]).repeat(patch, 0).repeat(patch, 1)
    label = shape["classes"][first.facts["label"]]
    titles = [f"{words}\n{label}"]
    titles += [
        f"{name}, IoU {_iou(one, name):.2f}\nsays {shape['classes'][one.facts['answers'][name]['shown']]}"
        for _, name, one in maps
    ]
    images = [picture, *(one.heatmaps[one.facts["names"].index(name)].reshape(shape["grid"]) for _, name, one in maps)]
    for axes in axes_of[:-1]:
        axes.set_axis_off()
    for axes, image, title in zip(axes_of, images, titles, strict=False):
        axes.imshow(image, cmap=HEAT, extent=(0, lesion.shape[1], lesion.shape[0], 0), interpolation="nearest")
        axes.contour(lesion, levels=[0.5], colors="#56B4E9", linewidths=1.0)
        axes.set_title(title, fontsize=6.5, color=INK, loc="left")
    _draw_curve(axes_of[-1], first, shape["wavelengths_nm"])


def _draw_curve(axes: Axes, window: WindowResult, wavelengths_nm: list[float]) -> None:
    curve = window.curves[window.facts["names"].index(MODEL)]
    truth, found = (values / max(float(values.max()), 1e-12) for values in (window.informative, curve))
    axes.fill_between(wavelengths_nm, truth, color="#D0D0D0", lw=0, label="informative (truth)")
    axes.plot(wavelengths_nm, found, color=colour(0), lw=1.4, label=f"B, {MODEL}")
    axes.set_xlabel("wavelength [nm]", fontsize=7)
    axes.set_yticks([])
    axes.set_ylim(0, 1.4)
    axes.tick_params(labelsize=6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.legend(frameon=False, fontsize=6)
