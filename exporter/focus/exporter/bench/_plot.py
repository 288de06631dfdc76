"""The result as one picture: where the time of each row goes, and time and memory against the number of bands."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from focus.exporter.bench._rounds import OK, Row
from focus.runtime._files import write_atomically

#: Okabe and Ito's colours, which people tell apart whatever they see of red and green.
STAGES = {"ingest": "#0072B2", "graph": "#E69F00", "saliency": "#009E73"}
OTHER = "#8C8C8C"
LINES = {
    "vanilla_full_spectrum": ("#D55E00", "^", "a token for each band and patch"),
    "dchag_style": ("#CC79A7", "s", "D-CHAG style, one device"),
    "torch_focus": ("#0072B2", "o", "FOCUS (same PyTorch)"),
}

#: Rows of the bars: what goes from a cube, or from three channels, to an answer.
BARS = (
    "plain_vit_openvino",
    "focus_int8",
    "focus_openvino",
    "focus_ort",
    "torch_focus",
    "naive_ort",
    "gradcam",
)


def write_plot(result: Mapping[str, Any], path: Path) -> None:
    """Draws the picture as PNG.

    Raises:
        OutputError: it cannot be written there.
    """
    rows: Sequence[Row] = result["rows"]
    models = [model for model in result["models"] if _bars(rows, model["name"])]
    sweep = [row for row in rows if "bands" in row and "against" not in row]
    heights = [3.6] * bool(models) + [4.2] * bool(sweep)
    figure = Figure(figsize=(12, sum(heights) + 0.8 if heights else 2), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    machine = result["machine"]
    figure.suptitle(f"{machine['processor']}, {machine['threads']} threads, batch 1", fontsize=11)
    parts = figure.subfigures(max(len(heights), 1), 1, height_ratios=heights or [1], squeeze=False)
    places = iter(part[0] for part in parts)
    if models:
        axes = next(places).subplots(1, len(models), squeeze=False)[0]
        for place, model in zip(axes, models, strict=True):
            _draw_bars(place, model["title"], _bars(rows, model["name"]))
    if sweep:
        time, memory = next(places).subplots(1, 2)
        _draw_sweep(time, sweep, "time", _star(rows, result["ratios_of"], "median_ms", 1e-3))
        _draw_sweep(memory, sweep, "memory", _star(rows, result["ratios_of"], "peak_mb", 1e-3))
    content = io.BytesIO()
    figure.savefig(content, format="png")
    write_atomically(path, content.getvalue())


def _bars(rows: Sequence[Row], model: str) -> list[Row]:
    """The measured rows of a model that become bars, in the order of ``BARS``."""
    own = {row["name"]: row for row in rows if row["model"] == model and row["state"] == OK and "against" in row}
    return [own[name] for name in BARS if name in own]


def _draw_bars(axes: Axes, title: str, rows: Sequence[Row]) -> None:
    longest = max(row["median_ms"] for row in rows)
    for place, row in enumerate(rows):
        left = 0.0
        for name, colour in STAGES.items():
            width = row["stages_ms"].get(name, 0.0)
            axes.barh(place, width, left=left, height=0.62, color=colour)
            left += width
        axes.barh(place, max(row["median_ms"] - left, 0.0), left=left, height=0.62, color=OTHER)
        axes.text(row["median_ms"] + 0.012 * longest, place, f"{row['median_ms']:.0f} ms", va="center", fontsize=9)
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.14 * longest)
    axes.set_xlabel("median time of a cube (ms)")
    axes.set_title(f"{title}: raw counts to scores and maps", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    keys = [Patch(color=colour, label=name) for name, colour in {**STAGES, "other": OTHER}.items()]
    axes.legend(handles=keys, frameon=False, fontsize=9, loc="upper right")


def _star(rows: Sequence[Row], model: str, key: str, scale: float) -> tuple[int, float] | None:
    """What is deployed, as a point of the sweep."""
    found = [row for row in rows if row["model"] == model and row["name"] == "focus_openvino" and row["state"] == OK]
    bands = [row["bands"] for row in rows if "bands" in row]
    return (max(bands), scale * found[0][key]) if found else None


def _draw_sweep(axes: Axes, rows: Sequence[Row], what: str, star: tuple[int, float] | None) -> None:
    for name, (colour, marker, label) in LINES.items():
        own = [row for row in rows if row["name"] == name]
        points = [(row["bands"], value, row) for row in own if (value := _value(row, what)) is not None]
        if not own:
            continue
        axes.plot([p[0] for p in points], [p[1] for p in points], color=colour, linewidth=1.6, alpha=0.75)
        for bands, value, row in points:
            # A full marker was measured as it stands; an open one is an estimate.
            full = what == "memory" or row["state"] == OK
            axes.plot(bands, value, marker, color=colour, markerfacecolor=colour if full else "white", markersize=7)
        axes.plot([], [], marker=marker, color=colour, label=label)
        for row in own:
            if _value(row, what) is None:
                _mark_absent(axes, row, colour)
    if star is not None:
        axes.plot(*star, "*", color="black", markersize=13, label="FOCUS as deployed (OpenVINO)")
    bands = sorted({row["bands"] for row in rows})
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(bands, [str(count) for count in bands])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if what == "memory" else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    low, high = axes.get_ylim()
    axes.set_ylim(0.7 * low, (4.0 if what == "time" else 1.8) * high)
    axes.set_xlabel("bands")
    axes.set_ylabel({"time": "time of a pass (s)", "memory": "peak memory of the process (GB)"}[what])
    axes.set_title({"time": "time against bands", "memory": "memory against bands"}[what], loc="left", fontsize=10)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    handles, _ = axes.get_legend_handles_labels()
    if what == "time" and any(row.get("estimated_ms") is not None for row in rows):
        label = "over the time limit: estimated"
        handles.append(Line2D([], [], marker="^", color="#555555", markerfacecolor="white", linestyle="", label=label))
    axes.legend(handles=handles, frameon=False, fontsize=9, loc="upper left")


def _value(row: Row, what: str) -> float | None:
    """Seconds or GB of a point; None where there is none."""
    if row["state"] != OK and "estimated_ms" not in row:
        return None
    value = row.get("peak_mb") if what == "memory" else row.get("median_ms", row.get("estimated_ms"))
    return None if value is None else 1e-3 * float(value)


def _mark_absent(axes: Axes, row: Row, colour: str) -> None:
    """A cross at the upper edge, with the reason, for a point that could not run."""
    across = axes.get_xaxis_transform()
    axes.plot(row["bands"], 0.97, "x", color=colour, transform=across, clip_on=False, markersize=8)
    axes.text(
        row["bands"], 0.94, row["state"], color=colour, transform=across, fontsize=8, rotation=90, ha="center", va="top"
    )
