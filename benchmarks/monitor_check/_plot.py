"""How large a fault must be to be seen."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor_check._main import Found

#: Colours of Okabe and Ito, which the colour-blind can tell apart, by flag.
COLOURS = {
    "saturated": "#e69f00",
    "dark_level": "#0072b2",
    "wavelength_order": "#009e73",
    "band_means": "#d55e00",
    "sink_mass": "#cc79a7",
    "collapse": "#000000",
}


def plot(path: Path, broken: list[Found]) -> None:
    """Share of the runs that raise each flag over the size of the fault, a panel for each fault with several sizes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels: dict[str, list[Found]] = defaultdict(list)
    for found in broken:
        panels[found.case.name].append(found)
    wide = {name: rows for name, rows in panels.items() if len(rows) > 1}
    figure, axes = pyplot.subplots(1, len(wide), figsize=(4.2 * len(wide), 3.2), sharey=True, squeeze=False)
    for axis, (name, rows) in zip(axes[0], wide.items(), strict=True):
        sizes = [found.case.size for found in rows]
        for flag, colour in COLOURS.items():
            shares = [100 * found.runs_with[flag] / found.runs for found in rows]
            if any(shares):
                axis.plot(sizes, shares, marker="o", color=colour, label=flag)
        axis.set(xlabel=name, ylim=(-4, 104))
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    axes[0][0].set_ylabel("runs that raise the flag, %")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
