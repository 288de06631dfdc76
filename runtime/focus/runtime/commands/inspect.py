"""`focus-run inspect FILE`: what a file of a cube or of a map holds, and pictures of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from focus.runtime._errors import OutputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from focus.runtime.cubes import Cube

# Quicklooks are enlarged to this many pixels, by whole factors so that samples stay squares.
_PICTURE_PIXELS = 640
_PICTURE_LINES = 48


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `focus-run inspect`."""
    parser.description = (
        "Print what is in a cube file; draw a quicklook and the mean spectrum. Of a map of a run, whose bands have "
        "names and no wavelengths, the first band is drawn. The pictures are NAME-PART.png in the folder that you are "
        "in, or in that of --out."
    )
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="ENVI (header or data), TIFF, MATLAB, NPY, NPZ, NetCDF or HDF5"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="folder of the pictures, made where there is none (default: the folder you are in)",
    )
    parser.add_argument("--variable", metavar="NAME", help="variable of a MATLAB, HDF5, NetCDF or NPZ file")
    parser.add_argument(
        "--axes", metavar="ORDER", help="order of the stored axes: c bands, h lines, w samples, e.g. hwc"
    )
    parser.add_argument(
        "--wavelengths",
        metavar="FILE|START:STOP",
        help="band centres in nm: a table, or the range of evenly spaced bands",
    )


def run(args: argparse.Namespace) -> int:
    """Runs `focus-run inspect`.

    Raises:
        CubeError: if the file cannot be opened.
        OutputError: if the pictures cannot be written.
        ValueError: for arguments that make no sense.
    """
    from rich.console import Console

    from focus.runtime.commands._inspect_map import map_table, thinned, write_map
    from focus.runtime.cubes import open_cube, quicklook, subsample
    from focus.runtime.cubes._map import open_map

    console = Console(highlight=False)
    shown = open_map(args.file) if args.wavelengths is None else None
    if shown is not None:
        picture = thinned(shown, 0)
        console.print(map_table(shown, picture))
        _make_folder(args.out)
        path = args.out / f"{args.file.stem}-quicklook.png"
        write_map(path, shown, picture)
        console.print(f"wrote {path}", markup=False, soft_wrap=True)
        return 0
    cube = open_cube(args.file, variable=args.variable, axes=args.axes, wavelengths_nm=args.wavelengths)
    values = subsample(cube)
    console.print(_table(cube, values))
    _make_folder(args.out)
    written = [args.out / f"{args.file.stem}-{part}.png" for part in ("quicklook", "spectrum")]
    _write_quicklook(written[0], quicklook(cube))
    _write_spectrum(written[1], cube, values)
    for path in written:
        console.print(f"wrote {path}", markup=False, soft_wrap=True)
    return 0


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make folder {folder}: {error.strerror}; choose another place with --out") from error


def _table(cube: Cube, values: NDArray[np.float32]) -> object:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(cube.provenance.name), show_header=False, title_justify="left")
    for label, text in (*_described(cube), *_measured(values)):
        table.add_row(label, Text(text))
    for note in cube.provenance.notes:
        table.add_row("note", Text(note))
    return table


def _described(cube: Cube) -> list[tuple[str, str]]:
    """Rows from the header alone."""
    bands, lines, samples = cube.shape
    fields = cube.provenance.fields
    axes = fields.get("axes")
    bad = (~cube.good_bands).nonzero()[0]
    quantity = {"reflectance": f"reflectance = stored value / {cube.scale:g}", "counts": "counts"}.get(
        cube.quantity or "",
        "not stated; focus-run takes --quantity reflectance --scale S, or --calibration FILE",
    )
    rows = [
        ("format", cube.provenance.format + (f", axes {axes}" if axes else "")),
        ("shape", f"{bands} bands x {lines} lines x {samples} samples"),
        ("type", f"{cube.values.dtype.name}, {'big' if _is_big_endian(cube) else 'little'}-endian"),
        ("size", f"{cube.values.nbytes / 2**20:,.1f} MiB"),
        ("wavelengths", f"{cube.wavelengths_nm[0]:.1f}-{cube.wavelengths_nm[-1]:.1f} nm" + _step(cube.wavelengths_nm)),
        ("FWHM", "not stated" if cube.fwhm_nm is None else f"{cube.fwhm_nm.min():.2f}-{cube.fwhm_nm.max():.2f} nm"),
        ("quantity", quantity),
        ("ignore value", "not stated" if cube.ignore_value is None else f"{cube.ignore_value:g}"),
        ("bad bands", f"{bad.size} of {bands}" + (f": {_ranges(bad)} (from 0)" if bad.size else "")),
    ]
    if cube.exposure_ms is not None:
        rows.append(("exposure", f"{cube.exposure_ms:g} ms"))
    return rows


def _measured(values: NDArray[np.float32]) -> list[tuple[str, str]]:
    """Rows from the subsample."""
    import numpy as np

    valid = values[np.isfinite(values)]
    looked = f"(of {values.shape[1]} lines x {values.shape[2]} samples looked at)"
    rows = [("invalid values", f"{100 * (1 - valid.size / values.size):.2f} % {looked}")]
    if valid.size:
        low, middle, high = (float(number) for number in (valid.min(), np.median(valid), valid.max()))
        rows.append(("min, median, max", f"{low:.6g}, {middle:.6g}, {high:.6g}"))
    return rows


def _is_big_endian(cube: Cube) -> bool:
    import sys

    order = cube.values.dtype.byteorder
    return order == ">" or (order == "=" and sys.byteorder == "big")


def _step(wavelengths: NDArray[np.float64]) -> str:
    import numpy as np

    return f", {np.median(np.diff(wavelengths)):.2f} nm apart" if wavelengths.size > 1 else ""


def _ranges(indices: NDArray[np.int64]) -> str:
    """Indices as "0-3, 7", at most eight runs."""
    import numpy as np

    runs = np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1)
    listed = [f"{run[0]}-{run[-1]}" if run.size > 1 else f"{run[0]}" for run in runs]
    return ", ".join(listed[:8]) + (" ..." if len(listed) > 8 else "")


def _write_quicklook(path: Path, picture: NDArray[np.uint8]) -> None:
    import io

    import numpy as np
    from PIL import Image

    from focus.runtime._files import write_atomically

    factor = max(1, _PICTURE_PIXELS // max(picture.shape[:2]))
    # A single line, such as a dark reference, is repeated until it can be seen.
    lines = max(factor, -(-_PICTURE_LINES // picture.shape[0]))
    samples = max(factor, -(-_PICTURE_LINES // picture.shape[1]))
    content = io.BytesIO()
    Image.fromarray(np.repeat(np.repeat(picture, lines, axis=0), samples, axis=1)).save(content, "PNG")
    write_atomically(path, content.getvalue())


def _write_spectrum(path: Path, cube: Cube, values: NDArray[np.float32]) -> None:
    import io

    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from focus.runtime._files import write_atomically
    from focus.runtime.cubes._preview import summarise_spectra

    spectra = summarise_spectra(values)
    centres = cube.wavelengths_nm
    # The line must not bridge bands that the sensor does not have, such as those of water vapour.
    steps = np.diff(centres)
    gaps = np.flatnonzero(steps > 3 * np.median(steps)) + 1 if steps.size > 1 else np.zeros(0, np.int64)
    x = np.insert(centres, gaps, centres[gaps])
    mean, low, high = (np.insert(curve, gaps, np.nan) for curve in (spectra.mean, spectra.low, spectra.high))
    figure = Figure(figsize=(8, 4.2), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.fill_between(x, low, high, color="#7fb3a6", alpha=0.45, linewidth=0, label="5th to 95th percentile")
    axes.plot(x, mean, color="#12564a", linewidth=1.6, marker="." if centres.size < 3 else "", label="mean")
    axes.set_xlabel("wavelength (nm)")
    axes.set_ylabel({"reflectance": "reflectance", "counts": "counts"}.get(cube.quantity or "", "stored value"))
    axes.set_title(f"{cube.provenance.name}: {spectra.pixels} pixels", loc="left", fontsize=10)
    if centres.size > 1:
        axes.set_xlim(centres[0], centres[-1])
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    write_atomically(path, content.getvalue())
