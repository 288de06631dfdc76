"""What `focus-run inspect` shows of a map: its size, its bands, their ranges, and a picture of the first one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from focus.runtime.cubes._map import Map

# Lines and samples that are looked at, and bands that are listed.
_LOOKED_AT = 1024
_LISTED = 24

# A few lines of many samples are drawn higher than they are, because nothing could be seen in them.
_WIDEST = 12.0


def map_table(shown: Map, picture: NDArray[np.float32]) -> object:
    """What the file holds, a row a band."""
    from rich.table import Table
    from rich.text import Text

    bands, lines, samples = shown.values.shape
    table = Table(title=Text(shown.provenance.name), show_header=False, title_justify="left")
    rows = [
        ("format", shown.provenance.format),
        ("what", shown.provenance.fields.get("description", "not stated")),
        ("shape", f"{bands} band{'s' * (bands > 1)} x {lines} lines x {samples} samples, without wavelengths"),
        ("type", f"{shown.values.dtype.name}, {shown.values.nbytes / 2**20:,.1f} MiB"),
        ("ignore value", "not stated" if shown.ignore_value is None else f"{shown.ignore_value:g}"),
        ("looked at", f"{picture.shape[0]} lines x {picture.shape[1]} samples"),
    ]
    for band, name in enumerate(shown.band_names[:_LISTED]):
        rows.append((f"band {band}", f"{name}: {_range(picture if band == 0 else thinned(shown, band))}"))
    if bands > _LISTED:
        rows.append(("...", f"{bands - _LISTED} more bands"))
    rows += [("note", note) for note in shown.provenance.notes]
    for label, text in rows:
        table.add_row(label, Text(text))
    return table


def thinned(shown: Map, band: int) -> NDArray[np.float32]:
    """Evenly spaced lines and samples of a band, as they are looked at and drawn."""
    from focus.runtime.outputs._fold import MOST_ROWS, fold_of

    _, lines, samples = shown.values.shape
    rows = 1 if fold_of(samples, lines) is None else MOST_ROWS
    return shown.thinned(band, _LOOKED_AT * rows, _LOOKED_AT)


def _range(values: NDArray[np.float32]) -> str:
    """Lowest, middle and highest value, and how much has none."""
    import numpy as np

    known = values[np.isfinite(values)]
    if not known.size:
        return "no values"
    low, middle, high = (float(number) for number in (known.min(), np.median(known), known.max()))
    share = 100 * (1 - known.size / values.size)
    return f"{low:.4g} to {high:.4g}, median {middle:.4g}" + (f", {share:.2f} % without a value" if share else "")


def write_map(path: Path, shown: Map, picture: NDArray[np.float32]) -> None:
    """Draws the first band in colours that colour-blind readers can tell apart, with a bar of them; a strip in rows.

    Raises:
        OutputError: if it cannot be written.
    """
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from focus.runtime._files import write_atomically
    from focus.runtime.outputs._draw import mark_rows
    from focus.runtime.outputs._fold import fold_of

    _, lines, samples = shown.values.shape
    fold = fold_of(samples, lines)
    turned = fold is None and lines > 1.5 * samples
    across, down = (lines, samples) if turned else (samples, lines)
    aspect = min(across / down, _WIDEST) if fold is None else fold.aspect
    height = 8.0 / aspect if aspect > 1 else 6.0
    figure = Figure(figsize=(9.5 if aspect > 1 else 6.0 * aspect + 3.0, height + 1.2), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_facecolor("#cccccc")
    axes.set_xlabel("line" if turned else "sample", fontsize=9)
    axes.set_ylabel("sample" if turned else "line", fontsize=9)
    if fold is None:
        laid, right, bottom = picture.T if turned else picture, float(across), float(down)
        axes.locator_params(axis="y", nbins=4 if aspect > 4 else 7)
    else:
        laid, right, bottom = fold.lay(picture, (samples, lines), np.nan), float(fold.row_lines), fold.height
        mark_rows(axes, fold)
    # As in the pictures of a run: a few strong places would make all others dark.
    known = picture[np.isfinite(picture)]
    high = float(np.percentile(known, 99.7)) if shown.values.dtype.kind == "f" and known.size else None
    image = axes.imshow(laid, extent=(0, right, bottom, 0), cmap="viridis", vmax=high, interpolation="nearest")
    axes.set_aspect("auto")
    axes.set_box_aspect(1 / aspect)
    axes.tick_params(labelsize=8)
    axes.set_title(f"{shown.provenance.name}: {shown.band_names[0]}", loc="left", fontsize=10)
    place = axes.inset_axes((1.015, 0.0, 0.02 if aspect > 1 else 0.05, 1.0))
    clipped = high is not None and high < known.max()
    bar = figure.colorbar(image, cax=place, extend="max" if clipped else "neither", extendfrac=0.03)
    bar.ax.tick_params(labelsize=8)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    write_atomically(path, content.getvalue())
