"""``focus-calib show``: what is in a calibration, as a table and as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from focus.runtime.commands import DONE

if TYPE_CHECKING:
    from focus.runtime import Calibration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``focus-calib show``."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a .focuscal of focus-calib reference")
    parser.add_argument(
        "--out", type=Path, metavar="PNG", help="the picture to draw (default: NAME.png in the folder you are in)"
    )


def run(args: argparse.Namespace) -> int:
    """Runs ``focus-calib show``."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from focus.calib._picture import draw
    from focus.runtime import Calibration
    from focus.runtime._files import write_atomically

    calibration = Calibration.load(args.file)
    console = Console(highlight=False)
    table = Table(box=None, show_header=False, pad_edge=False)
    for label, text in _rows(calibration):
        table.add_row(label, Text(text))
    console.print(table)
    out = args.out or Path(f"{args.file.stem}.png")
    write_atomically(out, draw(calibration, args.file.name))
    console.print(f"wrote {out}", markup=False, soft_wrap=True)
    return DONE


def _rows(calibration: Calibration) -> list[tuple[str, str]]:
    import json

    import numpy as np

    nm, fwhm, rate = calibration.wavelengths_nm, calibration.fwhm_nm, calibration.dark_rate
    bits = "depth not known" if calibration.bits is None else f"{calibration.bits} bits"
    exposure = "not known, so not checked"
    if calibration.exposure_ms is not None:
        others = "this one only" if rate is None else "others too"
        exposure = f"{calibration.exposure_ms:g} ms; holds for {others}"
    flaws = ", ".join(f"{name} {count}" for name, count in calibration.flaw_counts.items() if count)
    rows = [
        ("camera", " ".join(filter(None, (calibration.camera, calibration.serial))) or "not known"),
        ("made", calibration.utc or "not known"),
        ("bands", f"{calibration.bands}, {nm[0]:.1f}-{nm[-1]:.1f} nm" + _span(", FWHM ", fwhm, " nm")),
        ("samples", f"{calibration.samples}" + (" (the same for every sample)" if calibration.samples == 1 else "")),
        ("words", f"{bits}, {calibration.shift or 0} unused low bits"),
        ("exposure", exposure),
        ("panel", _span("", np.asarray(calibration.panel), "")),
        ("dark", _span("", calibration.dark, " counts") + _span(", grows by ", rate, " counts/ms")),
        ("white - dark", _span("", calibration.signal, " counts")),
        ("noise of dark", _span("", calibration.dark_noise, " counts") or "not known"),
        ("noise of white", _span("", calibration.white_noise, " counts") or "not known"),
        ("without gain", f"{calibration.invalid} of {calibration.dark.size}" + (f": {flaws}" if flaws else "")),
    ]
    if calibration.mosaic is not None:
        order = "in its own order" if calibration.mosaic_order is None else f"order {calibration.mosaic_order}"
        rows.append(("mosaic", f"{' x '.join(map(str, calibration.mosaic[:2]))}, {order}"))
    return [*rows, ("origin", json.dumps(dict(calibration.origin))), ("sha256", calibration.sha256)]


def _span(before: str, values: object, after: str) -> str:
    """``1.2 to 3.4``, or one number where all are the same; "" without any."""
    import numpy as np

    if values is None:
        return ""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    if not known.size:
        return ""
    low, high = (f"{value:.4g}" for value in (known.min(), known.max()))
    return before + (low if low == high else f"{low} to {high}") + after
