"""The pictures of a run: quicklook, overlay, band curve, and the overview that a user sees first."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation
from PIL import Image

from focus.runtime.outputs._curve import Curves
from focus.runtime.outputs._draw import (
    INK,
    colour,
    draw_classes,
    draw_curve,
    draw_heatmap,
    draw_quicklook,
    draw_target,
    scene_from,
)
from focus.runtime.outputs._files import writing
from focus.runtime.outputs._preview import Preview, stretched
from focus.runtime.pipeline import Plan, RunSummary

DPI = 130


class Pictures:
    """Draws the pictures of a finished run.

    Args:
        folder: where.
        plan: what was run.
        preview: finished.
        curves: finished.
        summary: how it went.
        lesion_iou: see ``lesion_iou``; empty where the truth is not known.
    """

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        preview: Preview,
        curves: Curves,
        summary: RunSummary,
        lesion_iou: Mapping[str, float],
    ) -> None:
        self._folder, self._plan, self._summary, self._lesion_iou = folder, plan, summary, lesion_iou
        self._curves, self._scene = curves, scene_from(preview)
        whole = plan.truth
        self._truth = None if whole is None else whole.of_lines(summary.counts.first_sequence, summary.lines)

    def write(self) -> None:
        """Writes all of them.

        Raises:
            OutputError: the disk is full.
        """
        self._quicklook()
        self._save(self._overlay(), "overlay.png")
        self._save(self._curve(), "curve.png")
        self._save(self._overview(), "overview.png")

    def _save(self, figure: Figure, name: str) -> None:
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
        with writing(self._folder / name):
            (self._folder / name).write_bytes(drawn.getvalue())

    def _quicklook(self) -> None:
        """A pixel a sample; a folded one has labels."""
        if self._scene.preview.fold is not None:
            figure, axes = self._single(share=0.95)
            self._quicklook_panel(axes)
            self._save(figure, "quicklook.png")
            return
        path = self._folder / "quicklook.png"
        with writing(path):
            Image.fromarray(stretched(self._scene.preview.composite)).save(path)

    def _overlay(self) -> Figure:
        figure, axes = self._single()
        self._heatmap(axes, "Where: saliency M over the quicklook")
        return figure

    def _single(self, share: float = 0.82) -> tuple[Figure, Axes]:
        """A figure for one picture of the scene, which takes this share of the width."""
        width = 9.0
        height = min(12.0, max(2.4, share * width / self._scene.aspect + 1.0))
        figure = Figure((width, height), layout="constrained")
        return figure, figure.subplots()

    def _curve(self) -> Figure:
        figure = Figure((10.0, 4.2), layout="constrained")
        axes = figure.subplots()
        self._band_curve(axes)
        return figure

    def _overview(self) -> Figure:
        panels = ["quicklook", *(["truth"] if self._truth is not None else []), "heatmap", "classes"]
        columns = _columns(self._scene.aspect, len(panels))
        rows = -(-len(panels) // columns)
        width = 14.0
        tall = min(6.5, ((width - 0.5) / columns - 1.2) / self._scene.aspect)
        pictures = (tall + 1.05) * rows
        figure = Figure((width, pictures + 3.9), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
        head, body, foot = figure.subfigures(3, 1, squeeze=False, height_ratios=[0.55, pictures, 3.35])[:, 0]
        self._headline(head)
        grid = body.subplots(rows, columns, squeeze=False).ravel()
        for axes, panel in zip(grid, panels, strict=False):
            getattr(self, f"_{panel}_panel")(axes)
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        curve, scores = foot.subplots(1, 2, width_ratios=[3.1, 1.0])
        self._band_curve(curve)
        self._scores(scores)
        return figure

    def _headline(self, head: SubFigure) -> None:
        bundle, summary = self._plan.bundle, self._summary
        facts = [
            f"{self._plan.source.name}: {summary.lines} lines x {summary.samples} samples x {bundle.bands} bands",
            _windows(summary.windows),
            f"{summary.windows_per_second:.1f} cubes/s",
        ]
        if "all" in self._lesion_iou:
            facts.append(f"lesion IoU {self._lesion_iou['all']:.2f}")
        head.text(0.008, 0.62, f"FOCUS  {bundle.name}", fontsize=14, fontweight="bold", color=INK, va="center")
        head.text(0.008, 0.12, ", ".join(facts), fontsize=9.5, color="#555555", va="center")

    def _quicklook_panel(self, axes: Axes) -> None:
        draw_quicklook(self._scene, axes)
        self._scene.frame(axes, "Scene")

    def _truth_panel(self, axes: Axes) -> None:
        truth = self._truth
        if truth is None:
            return
        draw_quicklook(self._scene, axes, grey=True)
        handles = []
        for index, name in enumerate(truth.class_names):
            leaves, lesions = truth.leaf_class == index, truth.lesion_class == index
            if not leaves.any():
                continue
            self._scene.contour(axes, leaves, colors=[colour(index)], linewidths=1.2)
            picture = lesions[..., None] * [*_unit_rgb(index), 0.85]
            self._scene.image(axes, picture, interpolation="nearest")
            handles.append(Patch(color=colour(index), label=name))
        self._scene.frame(axes, "Truth: leaves and their lesions")
        _legend_below(axes, handles)

    def _heatmap_panel(self, axes: Axes) -> None:
        self._heatmap(axes, "Where: saliency M")

    def _heatmap(self, axes: Axes, title: str) -> None:
        image = draw_heatmap(self._scene, axes)
        truth = self._truth
        if truth is not None:
            self._scene.contour(axes, truth.lesion_class >= 0, colors=["#7FDBFF"], linewidths=0.7)
            _legend_below(axes, [Line2D([], [], color="#7FDBFF", lw=1.2, label="outline of the true lesions")])
        self._scene.frame(axes, title)
        _colour_bar(axes, image, clipped=True)

    def _classes_panel(self, axes: Axes) -> None:
        bundle = self._plan.bundle
        if bundle.task == "regression":
            index = self._plan.shown or 0
            target = bundle.targets[index]
            image = draw_target(self._scene, axes, bundle, index)
            _colour_bar(axes, image)
            self._scene.frame(axes, f"{target.name}" + (f" [{target.unit}]" if target.unit else ""))
            return
        draw_classes(self._scene, axes, bundle)
        self._scene.frame(axes, "What: class of each patch")
        _legend_below(
            axes, [Patch(color=colour(k), alpha=0.8, label=name) for k, name in enumerate(bundle.class_names)]
        )

    def _band_curve(self, axes: Axes) -> None:
        draw_curve(axes, self._plan.bundle, self._curves)
        axes.set_title("Which bands: curve B", fontsize=10, color=INK, loc="left", fontweight="bold")
        # Beside the title: inside the axes it would hide the curve, whose shape is not known beforehand.
        axes.legend(
            fontsize=7.5,
            frameon=False,
            loc="lower right",
            bbox_to_anchor=(1.0, 0.995),
            ncols=6,
            borderpad=0,
            handlelength=1.6,
            columnspacing=1.4,
        )

    def _scores(self, axes: Axes) -> None:
        bundle, summary = self._plan.bundle, self._summary
        names = list(bundle.class_names)
        values = [summary.mean_scores[name] for name in names]
        lengths = [value if math.isfinite(value) else 0.0 for value in values]
        places = range(len(names))
        axes.barh(places, lengths, color=[colour(index) for index in places], height=0.62)
        axes.set_yticks(places, names, fontsize=8.5, color=INK)
        axes.invert_yaxis()
        top = max((abs(length) for length in lengths), default=1.0) or 1.0
        for place, name, value in zip(places, names, values, strict=True):
            unit = bundle.targets[place].unit
            count = (
                f"{value:.2f}   {_windows(summary.class_counts[name])}"
                if summary.class_counts
                else f"{value:.4g} {unit or ''}"
            )
            axes.annotate(
                count, (max(lengths[place], 0.0), place), xytext=(4, 0), textcoords="offset points", va="center",
                fontsize=8, color="#444444",
            )  # fmt: skip
        axes.set_xlim(min(0.0, min(lengths, default=0.0)) * 1.1, 1.75 * top)
        axes.set_xticks([])
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        title = "Mean scores" if summary.class_counts else "Mean prediction"
        axes.set_title(title, fontsize=10, color=INK, loc="left", fontweight="bold")


def _columns(aspect: float, panels: int) -> int:
    """Pictures beside each other: all of them, two, or one for a strip on its side."""
    return panels if aspect < 1.5 else 2 if aspect < 3.5 else 1


def _windows(count: int) -> str:
    return f"{count} window" + ("" if count == 1 else "s")


def _colour_bar(axes: Axes, image: AxesImage, *, clipped: bool = False) -> None:
    """A bar as high as the picture; with a point where the strongest places lie above its last colour."""
    place, extend = axes.inset_axes((1.015, 0.0, 0.03, 1.0)), "max" if clipped else "neither"
    bar = axes.figure.colorbar(image, cax=place, extend=extend, extendfrac=0.03)
    if bar.solids is not None:
        bar.solids.set_alpha(1.0)
    bar.ax.tick_params(labelsize=7, length=2, color="#888888", labelcolor="#555555")
    bar.ax.spines["outline"].set_visible(False)


def _unit_rgb(index: int) -> list[float]:
    from matplotlib.colors import to_rgb

    return list(to_rgb(colour(index)))


def _legend_below(axes: Axes, handles: list[Patch] | list[Line2D]) -> None:
    """A legend under a picture, below the axis' label; the layout reserves no width for it."""
    offset = ScaledTranslation(0, -0.34, axes.figure.dpi_scale_trans)
    legend = axes.legend(
        handles=handles,
        fontsize=7.5,
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        bbox_transform=axes.transAxes + offset,
        ncols=6 if axes.get_position().width > 0.3 else 2,
        handlelength=1.0,
        handleheight=1.0,
        columnspacing=1.2,
        borderpad=0,
        borderaxespad=0,
    )
    legend.set_in_layout(False)
