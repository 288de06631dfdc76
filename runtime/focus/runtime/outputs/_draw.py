"""The parts that every picture of a run is made of. Nothing here keeps global state of matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from focus.runtime._bundle import Bundle
from focus.runtime.outputs._curve import Curves
from focus.runtime.outputs._fold import Fold
from focus.runtime.outputs._preview import Preview, stretched

#: Colours of classes and groups that stay apart for colour-blind readers (Okabe and Ito), first the calmest.
CLASS_COLOURS = ("#009E73", "#E69F00", "#CC79A7", "#0072B2", "#D55E00", "#56B4E9", "#F0E442", "#777777")
GROUP_TINTS = ("#E9EEF5", "#F7F3E8")
INK = "#222222"
HEAT = "inferno"


def colour(index: int) -> str:
    """Colour of a class."""
    return CLASS_COLOURS[index % len(CLASS_COLOURS)]


@dataclass(frozen=True)
class Scene:
    """A scene on axes in lines and samples; a long strip lies on its side, so that lines run to the right.

    One that is much longer than wide is folded into rows.

    Attributes:
        preview: what to draw.
        turned: whether it lies on its side.
    """

    preview: Preview
    turned: bool

    @property
    def aspect(self) -> float:
        """Width / height as drawn."""
        if self.preview.fold is not None:
            return self.preview.fold.aspect
        samples, lines = self.preview.extent
        return lines / samples if self.turned else samples / lines

    def image(self, axes: Axes, values: NDArray[Any], size: tuple[int, int] | None = None, **style: Any) -> AxesImage:
        """Draws values [h, w, ...] over the whole scene; ``size`` is (samples, lines), by default the scene's."""
        samples, lines = size or self.preview.extent
        fold = self.preview.fold
        laid = self.laid(values, size, _nothing(values))
        if fold is not None:
            return axes.imshow(laid, extent=(0, fold.row_lines, fold.height, 0), aspect=fold.stretch, **style)
        across, down = (lines, samples) if self.turned else (samples, lines)
        return axes.imshow(laid, extent=(0, across, down, 0), aspect="equal", **style)

    def laid(self, values: NDArray[Any], size: tuple[int, int] | None, empty: Any) -> NDArray[Any]:
        """Values [h, w, ...] as they lie in the picture; ``empty`` is what stands between the rows of a folded one."""
        if self.preview.fold is not None:
            return self.preview.fold.lay(values, size or self.preview.extent, empty)
        return np.swapaxes(values, 0, 1) if self.turned else values

    def contour(self, axes: Axes, mask: NDArray[np.bool_], **style: Any) -> None:
        """Outlines a full-resolution mask [lines, samples]."""
        if not mask.any() or mask.all():
            return
        laid = self.laid(mask, mask.shape[::-1], False)
        fold = self.preview.fold
        axes.contour(*(() if fold is None else fold.places()), laid, levels=[0.5], **style)

    def frame(self, axes: Axes, title: str) -> None:
        """Limits, labels and title."""
        samples, lines = self.preview.extent
        across, down = ("line", "sample") if self.turned else ("sample", "line")
        axes.set_xlim(0, lines if self.turned else samples)
        axes.set_ylim(samples if self.turned else lines, 0)
        # The empty lines keep room for a legend, which is no part of the layout because its width must not be.
        axes.set_xlabel(across + "\n\n", fontsize=8, color=INK, labelpad=1)
        axes.set_ylabel(down, fontsize=8, color=INK, labelpad=1)
        axes.tick_params(labelsize=7, length=2, color="#888888", labelcolor="#555555")
        axes.locator_params(nbins=5)
        if self.preview.fold is not None:
            mark_rows(axes, self.preview.fold)
        axes.set_title(title, fontsize=10, color=INK, loc="left", fontweight="bold", pad=5)
        for spine in axes.spines.values():
            spine.set_visible(False)


def _nothing(values: NDArray[Any]) -> Any:
    """What is drawn as nothing: white, or without opacity, or no number."""
    if values.dtype == np.uint8:
        return 255
    return 0.0 if values.ndim == 3 else np.nan


def mark_rows(axes: Axes, fold: Fold) -> None:
    """Limits and labels of a folded strip."""
    axes.set_xlim(0, fold.row_lines)
    axes.set_ylim(fold.height, 0)
    axes.set_yticks([*fold.labels], [*fold.labels.values()])
    axes.set_xlabel("line of the row\n\n", fontsize=8, color=INK, labelpad=1)
    axes.set_ylabel("first line of each row", fontsize=8, color=INK, labelpad=1)


def scene_from(preview: Preview) -> Scene:
    """The scene, turned where it is much longer than wide."""
    samples, lines = preview.extent
    return Scene(preview, lines > 1.5 * samples)


def draw_quicklook(scene: Scene, axes: Axes, *, grey: bool = False) -> None:
    """The composite, in colour or, as a ground for maps, in grey."""
    picture = stretched(scene.preview.composite)
    if grey:
        luminance = picture.astype(float) @ (0.3, 0.59, 0.11)
        scene.image(axes, 20 + 0.75 * luminance, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    else:
        scene.image(axes, picture, interpolation="antialiased")


def draw_heatmap(scene: Scene, axes: Axes) -> AxesImage:
    """M over a grey quicklook: the weaker, the more transparent. Returns the image, for a colour bar."""
    draw_quicklook(scene, axes, grey=True)
    heatmap = scene.preview.heatmap
    known = np.isfinite(heatmap)
    low, high = np.percentile(heatmap[known], [50, 99.7]) if known.any() else (0.0, 1.0)
    high = max(high, low + 1e-12)
    strength = np.clip((np.nan_to_num(heatmap, nan=low) - low) / (high - low), 0, 1)
    alpha = scene.laid(strength**0.6 * 0.9, scene.preview.patch_extent, 0.0)
    filled = np.where(known, heatmap, low)
    return scene.image(
        axes, filled, scene.preview.patch_extent, cmap=HEAT, vmin=0, vmax=high, alpha=alpha, interpolation="bilinear"
    )


def draw_classes(scene: Scene, axes: Axes, bundle: Bundle) -> None:
    """The class with the highest blended score of each patch, over a grey quicklook."""
    draw_quicklook(scene, axes, grey=True)
    scores = scene.preview.scores
    known = np.isfinite(scores).all(axis=2) & np.isfinite(scene.preview.heatmap)
    best = np.argmax(np.nan_to_num(scores, nan=-1.0), axis=2)
    picture = np.zeros((*best.shape, 4))
    for index in range(len(bundle.targets)):
        picture[best == index, :3] = _rgb(colour(index))
    picture[..., 3] = 0.55 * known
    scene.image(axes, picture, scene.preview.patch_extent, interpolation="nearest")


def draw_target(scene: Scene, axes: Axes, bundle: Bundle, index: int) -> AxesImage:
    """A regression target over the scene. Its colours span a standard deviation of the training at least, so that
    answers that hardly differ look so.
    """
    values = scene.preview.scores[..., index]
    known = values[np.isfinite(values)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 0.0)
    more = max(0.0, bundle.targets[index].deviation - (high - low)) / 2
    return scene.image(
        axes, values, scene.preview.patch_extent, cmap="viridis", vmin=low - more, vmax=high + more,
        interpolation="bilinear",
    )  # fmt: skip


def draw_curve(axes: Axes, bundle: Bundle, curves: Curves) -> None:
    """B over wavelength: the groups shaded and named, a line a class, the five highest bands marked."""
    wavelengths = bundle.wavelengths
    edges = np.concatenate([[wavelengths[0]], (wavelengths[1:] + wavelengths[:-1]) / 2, [wavelengths[-1]]])
    for index, group in enumerate(bundle.groups):
        left, right = edges[group.first], edges[group.stop]
        axes.axvspan(left, right, color=GROUP_TINTS[index % 2], lw=0, zorder=0)
        axes.annotate(
            group.name, ((left + right) / 2, 1.0), xycoords=("data", "axes fraction"), xytext=(0, -4),
            textcoords="offset points", ha="center", va="top", fontsize=7, color="#666666",
        )  # fmt: skip
    for index in curves.shown():
        axes.plot(
            wavelengths, curves.of_class[index], color=colour(index), lw=1.6, label=bundle.class_names[index], zorder=2
        )
    _mark_top(axes, wavelengths, curves.overall)
    axes.set_xlim(wavelengths[0], wavelengths[-1])
    axes.set_ylim(0, 1.12 * float(curves.overall.max()) or 1.0)
    axes.set_xlabel("wavelength [nm]", fontsize=9, color=INK)
    axes.set_ylabel("band curve B", fontsize=9, color=INK)
    axes.tick_params(labelsize=8, length=2, color="#888888", labelcolor="#555555")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _mark_top(axes: Axes, wavelengths: NDArray[np.float64], curve: NDArray[np.float32], count: int = 5) -> None:
    top = np.sort(np.argsort(-curve, kind="stable")[:count])
    axes.plot(
        wavelengths[top], curve[top], "o", ms=5, mfc="white", mec=INK, mew=1.2, zorder=3,
        label=f"top {len(top)}: " + ", ".join(f"{wavelengths[band]:.0f}" for band in top) + " nm",
    )  # fmt: skip


def _rgb(code: str) -> tuple[float, float, float]:
    return tuple(int(code[start : start + 2], 16) / 255 for start in (1, 3, 5))  # type: ignore[return-value]  # three
