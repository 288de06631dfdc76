"""``focus-calib``: makes and shows the calibration of a rig."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from focus.runtime.commands._cli import DONE, CommandParser, command_parser, run_command

NAME = "focus-calib"

EXAMPLES = """\
examples:
  focus-calib reference --white white.hdr --dark dark.hdr --panel 0.99 --out rig.focuscal
      reflectance = 0.99 (raw - dark) / (white - dark) for each band and sample
  focus-calib reference --white leaf.hdr --average-samples --out leaf.focuscal
      no panel: relative to the scene's own mean spectrum
  focus-calib show rig.focuscal
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    return run_command(NAME, lambda: _run(list(sys.argv[1:] if argv is None else argv)))


def _parser() -> CommandParser:
    parser = command_parser(NAME, "Make and show the calibration that turns raw counts into reflectance.", EXAMPLES)
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="{reference,show}", parser_class=CommandParser)
    reference = kinds.add_parser("reference", help="make one of recordings of the references")
    reference.add_argument("--white", type=Path, required=True, metavar="FILE", help="recording of the white panel")
    reference.add_argument("--dark", type=Path, metavar="FILE", help="recording without light (default: 0 counts)")
    reference.add_argument("--panel", type=float, default=0.99, metavar="R", help="the panel's reflectance (0.99)")
    reference.add_argument(
        "--average-samples", action="store_true", help="one value a band, for a scene as its own white"
    )
    reference.add_argument(
        "--least-counts", type=float, default=10.0, metavar="N", help="white - dark below this is invalid (10)"
    )
    reference.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .focuscal to write")
    reference.add_argument("--overwrite", action="store_true", help="replace --out if it is there")
    reference.add_argument("--wavelengths", metavar="FILE|START:STOP", help="band centres in nm")
    reference.add_argument("--variable", metavar="NAME", help="variable that holds the cube (MATLAB, HDF5, NetCDF)")
    reference.add_argument("--axes", metavar="ORDER", help="order of the stored axes, e.g. hwc")
    reference.set_defaults(work=_reference)
    show = kinds.add_parser("show", help="print what is in one")
    show.add_argument("file", type=Path)
    show.set_defaults(work=_show)
    return parser


def _run(arguments: list[str]) -> int:
    args = _parser().parse_args(arguments)
    code: int = args.work(args)
    return code


def _reference(args: argparse.Namespace) -> int:
    from focus.calib import calibration_from_references
    from focus.runtime import OutputError, open_cube

    if args.out.exists() and not args.overwrite:
        raise OutputError(f"{args.out} exists; choose another --out, or replace it with --overwrite")
    white, dark = (
        None
        if path is None
        else open_cube(path, variable=args.variable, axes=args.axes, wavelengths_nm=args.wavelengths)
        for path in (args.white, args.dark)
    )
    if white is None:
        raise ValueError("--white is needed")
    calibration = calibration_from_references(
        white, dark, panel=args.panel, least_counts=args.least_counts, average_samples=args.average_samples
    )
    calibration.save(args.out)
    pairs = calibration.bands * calibration.samples
    print(f"{calibration.bands} bands x {calibration.samples} samples, {calibration.invalid} of {pairs} invalid")
    print(f"wrote {args.out}")
    return DONE


def _show(args: argparse.Namespace) -> int:
    import json

    import numpy as np

    from focus.runtime import Calibration

    calibration = Calibration.load(args.file)
    low, high = calibration.wavelengths_nm[[0, -1]]
    print(f"bands      {calibration.bands}, {low:.1f}-{high:.1f} nm")
    print(f"samples    {calibration.samples}" + (" (the same for every sample)" if calibration.samples == 1 else ""))
    print(f"panel      {calibration.panel:g}")
    print(f"dark       {calibration.dark.min():.1f} to {calibration.dark.max():.1f} counts")
    print(f"gain       {np.nanmin(calibration.gain):.3g} to {np.nanmax(calibration.gain):.3g} reflectance a count")
    print(f"invalid    {calibration.invalid} of {calibration.bands * calibration.samples}")
    print(f"origin     {json.dumps(dict(calibration.origin))}")
    print(f"sha256     {calibration.sha256}")
    return DONE
