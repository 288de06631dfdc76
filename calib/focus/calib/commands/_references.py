"""``focus-calib reference`` and ``focus-calib show``."""

from __future__ import annotations

import argparse
from pathlib import Path

from focus.runtime.commands import DONE


def add_reference(parser: argparse.ArgumentParser) -> None:
    """The options of ``focus-calib reference``."""
    add = parser.add_argument
    add("--white", type=Path, required=True, metavar="FILE", help="recording of the white panel")
    add("--dark", type=Path, metavar="FILE", help="recording without light (default: 0 counts)")
    add("--panel", type=float, default=0.99, metavar="R", help="the panel's reflectance (0.99)")
    add("--average-samples", action="store_true", help="one value a band, for a scene as its own white")
    add("--least-counts", type=float, default=10.0, metavar="N", help="white - dark below this is invalid (10)")
    add("--out", type=Path, required=True, metavar="FILE", help="the .focuscal to write")
    add("--overwrite", action="store_true", help="replace --out if it is there")
    add("--wavelengths", metavar="FILE|START:STOP", help="band centres in nm")
    add("--variable", metavar="NAME", help="variable that holds the cube (MATLAB, HDF5, NetCDF)")
    add("--axes", metavar="ORDER", help="order of the stored axes, e.g. hwc")


def add_show(parser: argparse.ArgumentParser) -> None:
    """The options of ``focus-calib show``."""
    parser.add_argument("file", type=Path)


def reference(args: argparse.Namespace) -> int:
    """Makes a calibration of recordings of the references."""
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


def show(args: argparse.Namespace) -> int:
    """Prints what is in a calibration."""
    import json

    import numpy as np

    from focus.runtime import Calibration

    calibration = Calibration.load(args.file)
    low, high = calibration.wavelengths_nm[[0, -1]]
    print(f"bands      {calibration.bands}, {low:.1f}-{high:.1f} nm")
    print(f"samples    {calibration.samples}" + (" (the same for every sample)" if calibration.samples == 1 else ""))
    panel = np.asarray(calibration.panel)
    print(f"panel      {panel.min():g}" + ("" if panel.min() == panel.max() else f" to {panel.max():g}"))
    print(f"dark       {calibration.dark.min():.1f} to {calibration.dark.max():.1f} counts")
    print(f"gain       {np.nanmin(calibration.gain):.3g} to {np.nanmax(calibration.gain):.3g} reflectance a count")
    print(f"invalid    {calibration.invalid} of {calibration.bands * calibration.samples}")
    print(f"origin     {json.dumps(dict(calibration.origin))}")
    print(f"sha256     {calibration.sha256}")
    return DONE
