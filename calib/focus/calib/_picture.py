"""A calibration as a picture: what each element of the detector sees, with and without light, and how well."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from focus.runtime import Calibration
from focus.runtime._calibration import FLAWS

# Colours that stay apart for colour-blind readers (Okabe and Ito).
INK, DARK, WHITE, PANEL, LOW = "#222222", "#0072B2", "#D55E00", "#009E73", "#BFD7EA"
BAD_COLOURS = ("#D55E00", "#CC79A7", "#0072B2", "#E69F00", "#222222", "#009E73")


def draw(calibration: Calibration, title: str) -> bytes:
    """The picture, as the bytes of a PNG.

    Args:
        calibration: what to draw.
        title: over it.
    """
    figure = Figure(figsize=(12.5, 7.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    exposure = "" if calibration.exposure_ms is None else f", {calibration.exposure_ms:g} ms"
    size = f"{calibration.bands} bands x {calibration.samples} samples{exposure}"
    figure.suptitle(f"{title}: {size}", x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    axes = figure.subplots(2, 3)
    _image(figure, axes[0, 0], calibration, calibration.dark, "dark (counts)")
    _image(figure, axes[0, 1], calibration, calibration.signal, "white - dark (counts)")
    _flaws(axes[0, 2], calibration)
    _levels(axes[1, 0], calibration)
    _noise(axes[1, 1], calibration)
    _panel(axes[1, 2], calibration)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _image(figure: Figure, axes: Axes, calibration: Calibration, values: NDArray[np.float32], title: str) -> None:
    known = values[np.isfinite(values)]
    # A few hot pixels must not take all the colours.
    low, high = np.percentile(known, (0.5, 99.5)) if known.size else (0.0, 1.0)
    shown = axes.imshow(values, aspect="auto", interpolation="nearest", cmap="cividis", vmin=low, vmax=high)
    figure.colorbar(shown, ax=axes, shrink=0.9, pad=0.02).ax.tick_params(labelsize=7)
    _frame(axes, title, "sample", "band")
    _wavelengths_of_bands(axes, calibration)


def _flaws(axes: Axes, calibration: Calibration) -> None:
    low = calibration.low_denominator
    axes.imshow(low, aspect="auto", interpolation="nearest", cmap=ListedColormap(["#F4F4F4", LOW]), vmin=0, vmax=1)
    counts = calibration.flaw_counts
    axes.plot([], [], "s", color=LOW, label=f"low denominator only: {int(np.count_nonzero(low))}")
    # Single elements are smaller than a pixel of the picture, so they get marks.
    for (name, bit), ink in zip(list(FLAWS.items())[1:], BAD_COLOURS, strict=True):
        if counts[name]:
            bands, samples = np.nonzero(calibration.flaws & bit)
            axes.plot(samples, bands, ".", color=ink, markersize=4, label=f"{name}: {counts[name]}")
    axes.legend(fontsize=7, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncol=3)
    axes.set_xlim(-0.5, calibration.samples - 0.5)
    axes.set_ylim(calibration.bands - 0.5, -0.5)
    _frame(axes, f"without a gain: {calibration.invalid} of {calibration.dark.size}", "sample", "band")
    _wavelengths_of_bands(axes, calibration)


def _levels(axes: Axes, calibration: Calibration) -> None:
    nm = calibration.wavelengths_nm
    for values, ink, name in ((calibration.signal, WHITE, "white - dark"), (calibration.dark, DARK, "dark")):
        low, middle, high = _percentiles(values)
        axes.fill_between(nm, low, high, color=ink, alpha=0.2, linewidth=0)
        axes.plot(nm, middle, color=ink, linewidth=1.4, label=f"{name}, median, 5th to 95th percentile")
    if calibration.bits is not None:
        axes.axhline(2**calibration.bits - 1, color="#888888", linewidth=0.8, linestyle="--", label="highest count")
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])
    axes.legend(fontsize=7, frameon=False, loc="upper left")
    _frame(axes, "levels (counts)", "wavelength (nm)", "")


def _noise(axes: Axes, calibration: Calibration) -> None:
    nm, (_, signal, _) = calibration.wavelengths_nm, _percentiles(calibration.signal)
    curves = (("white", calibration.white_noise, WHITE), ("dark", calibration.dark_noise, DARK))
    for name, values, ink in curves:
        if values is not None:
            axes.plot(nm, values, color=ink, linewidth=1.4, label=f"{name} (counts)")
    if calibration.white_noise is None and calibration.dark_noise is None:
        axes.text(0.5, 0.5, "not known: too few lines", ha="center", va="center", transform=axes.transAxes, fontsize=8)
    else:
        axes.legend(fontsize=7, frameon=False, loc="upper left")
        axes.set_ylim(0, 1.3 * axes.get_ylim()[1])
    if calibration.white_noise is not None:
        ratio = axes.twinx()
        known = np.where(calibration.white_noise > 0, calibration.white_noise, np.nan)
        ratio.plot(nm, signal / known, color="#888888", linewidth=1.0, linestyle=":")
        ratio.set_ylabel("signal / noise of the white (dotted)", fontsize=7, color="#666666")
        ratio.set_ylim(0, 1.3 * ratio.get_ylim()[1])
        ratio.tick_params(labelsize=7, length=2)
    _frame(axes, "noise of one sample", "wavelength (nm)", "")


def _panel(axes: Axes, calibration: Calibration) -> None:
    axes.plot(calibration.wavelengths_nm, np.asarray(calibration.panel), color=PANEL, linewidth=1.4)
    axes.set_ylim(0, 1.05)
    _frame(axes, "reflectance of the panel", "wavelength (nm)", "")


def _percentiles(values: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
    """5th, 50th and 95th percentile of each band, [C]; nan for a band without any value."""
    found = np.full((3, len(values)), np.nan)
    for band, row in enumerate(values):
        known = row[np.isfinite(row)]
        if known.size:
            found[:, band] = np.percentile(known, (5, 50, 95))
    return tuple(found)


def _wavelengths_of_bands(axes: Axes, calibration: Calibration) -> None:
    bands = np.unique(np.linspace(0, calibration.bands - 1, 6).round().astype(int))
    axes.set_yticks(bands, [f"{band}: {calibration.wavelengths_nm[band]:.0f} nm" for band in bands])


def _frame(axes: Axes, title: str, across: str, up: str) -> None:
    axes.set_title(title, fontsize=9, loc="left", color=INK)
    axes.set_xlabel(across, fontsize=8, color=INK)
    axes.set_ylabel(up, fontsize=8, color=INK)
    axes.tick_params(labelsize=7, length=2)
    axes.spines[["top", "right"]].set_visible(False)
