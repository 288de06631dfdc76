"""The figures as one picture: scores of every map, and three windows."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure

from focus.exporter.evaluate._tables import fits_of
from focus.exporter.evaluate._window import MODEL, WindowResult
from focus.runtime import Bundle
from focus.runtime._files import write_atomically
from focus.runtime.outputs._draw import HEAT, INK, colour
from focus.runtime.outputs._preview import stretched

#: Which windows are shown: at these quantiles of the model's IoU, not the best ones.
SHOWN = {0.25: "lower quarter", 0.5: "middle", 0.75: "upper quarter"}

SCORES = {
    "iou_leaf": "IoU in the leaf",
    "auprc": "AUPRC",
    "pointing": "pointing",
    "bio_5": "BIO@5",
    "bio_near_5": "BIO@5 ±10 nm",
    "bio_20": "BIO@20",
    "gain_patches": "gain, patches",
    "gain_bands": "gain, bands",
    "gain_voxels": "gain, voxels",
}


def write_plot(results: Mapping[str, Any], windows: Sequence[WindowResult], bundle: Bundle, path: Path) -> None:
    """Draws the picture as PNG.

    Args:
        results: from ``summarise``; windows: all of them.
    Raises:
        OutputError: it cannot be written there.
    """
    examples = _examples(windows)
    figure = Figure(figsize=(12, 3.6 + 2.3 * len(examples)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    scores, *rows = figure.subfigures(1 + len(examples), 1, height_ratios=[3.6] + [2.3] * len(examples), squeeze=False)
    _draw_scores(scores[0].subplots(), results)
    for (words, window), row in zip(examples.items(), rows, strict=True):
        _draw_window(row[0], window, bundle, words)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    write_atomically(path, content.getvalue())


def _examples(windows: Sequence[WindowResult]) -> dict[str, WindowResult]:
    scored = sorted(
        (window for window in windows if window.facts["scored"]),
        key=lambda window: _iou(window.facts["methods"][MODEL]),
    )
    chosen = {round(share * (len(scored) - 1)): words for share, words in SHOWN.items()} if scored else {}
    return {words: scored[place] for place, words in chosen.items()}


def _iou(row: Mapping[str, Any]) -> float:
    """In the leaf; where the leaf itself is the truth, in the window."""
    return float(row.get("iou_leaf", row["iou"]))


def _draw_scores(axes: Axes, results: Mapping[str, Any]) -> None:
    methods, keys = (
        results["methods"],
        [key for key in SCORES if all(key in row for row in results["methods"].values())],
    )
    width = 0.8 / max(len(methods), 1)
    for place, (name, row) in enumerate(methods.items()):
        means, errors = np.array([row[key] for key in keys]).T
        x = np.arange(len(keys)) + (place - (len(methods) - 1) / 2) * width
        axes.bar(x, means, 0.92 * width, yerr=errors, color=colour(place), label=name, error_kw={"lw": 0.8})
    axes.axhline(0, color=INK, lw=0.8)
    axes.set_xticks(range(len(keys)), [SCORES[key] for key in keys], fontsize=9)
    settings, windows = results["settings"], results["windows"]
    title = (
        f"{settings['model']} on {settings['data']}: {', '.join(map(' '.join, fits_of(results['answers'][MODEL])))}, "
    )
    title += f"maps of {windows['scored']} windows, mean and standard error"
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    if methods:
        axes.legend(frameon=False, fontsize=9)


def _draw_window(figure: SubFigure, window: WindowResult, bundle: Bundle, words: str) -> None:
    names, facts = window.facts["names"], window.facts
    grid = bundle.backbone.rows, bundle.backbone.columns
    lines, samples = bundle.window
    places = figure.subplots(1, 2 + len(names), width_ratios=[1] * (1 + len(names)) + [2.2])
    lesion = window.lesion.reshape(grid)
    picture = stretched(np.moveaxis(window.composite.astype(np.float32), 0, -1))
    label, said = (bundle.class_names[index] for index in (facts["label"], facts["answers"][MODEL]["shown"]))
    titles = [f"{words}: {label}\n{'' if facts['values'] else f'said {said}'}"]
    titles += [f"{name}\nIoU {_iou(facts['methods'][name]):.2f}" for name in names]
    images = [picture, *(heatmap.reshape(grid) for heatmap in window.heatmaps)]
    for axes, image, title in zip(places, images, titles, strict=False):
        axes.imshow(image, cmap=HEAT, extent=(0, samples, lines, 0), interpolation="nearest")
        whole = lesion.repeat(bundle.backbone.patch, 0).repeat(bundle.backbone.patch, 1)
        axes.contour(whole, levels=[0.5], colors="#56B4E9", linewidths=1.0)
        axes.set_title(title, fontsize=8, color=INK, loc="left")
        axes.set_axis_off()
    _draw_curves(places[-1], window, bundle)


def _draw_curves(axes: Axes, window: WindowResult, bundle: Bundle) -> None:
    truth, curve = (values / max(float(values.max()), 1e-12) for values in (window.informative, window.curves[0]))
    axes.fill_between(bundle.wavelengths, truth, color="#D0D0D0", lw=0, label="informative (truth)")
    axes.plot(bundle.wavelengths, curve, color=colour(0), lw=1.5, label=f"B, {MODEL}")
    axes.set_xlabel("wavelength [nm]", fontsize=8)
    axes.set_yticks([])
    axes.set_ylim(0, 1.35)
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.legend(frameon=False, fontsize=7)
