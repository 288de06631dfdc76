"""``focus-calib reference``: a calibration of the references, recorded or straight from a camera."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from focus.runtime.commands import DONE
from focus.runtime.commands._source_options import add_camera_arguments

if TYPE_CHECKING:
    from focus.calib import Reference
    from focus.runtime import Calibration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``focus-calib reference``."""
    references = parser.add_argument_group("references").add_argument
    references("--white", required=True, metavar="FILE|URI", help="the white panel: a recording, or a camera")
    references(
        "--dark",
        action="append",
        default=[],
        metavar="FILE|URI",
        help="no light: a recording, or a camera whose lens is covered; give it twice, at two exposures, to calibrate "
        "for other exposures, too (default: 0 counts)",
    )
    references("--panel", default="0.99", metavar="R|CSV", help="the panel's reflectance, or a table by nm (0.99)")
    references("--lines", type=int, metavar="N", help="lines, or snapshot cubes, of each (all of a file, 100)")
    references("--white-exposure", type=float, metavar="MS", help="exposure of --white (default: what it says)")
    references(
        "--dark-exposure",
        type=float,
        action="append",
        metavar="MS",
        help="exposure of --dark, once for each (default: what it says)",
    )
    references("--average-samples", action="store_true", help="one value a band, for a scene as its own white")
    references("--least-counts", type=float, default=10.0, metavar="N", help="white - dark below this is no gain (10)")
    references(
        "--bad-pixels",
        type=Path,
        metavar="FILE",
        help="more of them: a band (0 is the shortest wavelength) and a sample a line, from 0",
    )
    references("--accept-faulty", action="store_true", help="take references that move, drift or are saturated")
    references("--any-camera", action="store_true", help="take references that say to be of different cameras")
    references("--out", type=Path, required=True, metavar="FILE", help="the .focuscal to write")
    references("--overwrite", action="store_true", help="replace --out if it is there")
    unsaid = parser.add_argument_group("what the source does not say").add_argument
    unsaid("--wavelengths", metavar="FILE|START:STOP", help="band centres, and widths, in nm")
    unsaid("--bit-depth", dest="bits", type=int, metavar="N", help="bits of the counts; the highest is saturated")
    unsaid("--bit-shift", dest="shift", type=int, metavar="N", help="unused low bits of a word (12 of 16, MSB: 4)")
    unsaid("--variable", metavar="NAME", help="variable that holds the cube (MATLAB, HDF5, NetCDF)")
    unsaid("--axes", metavar="ORDER", help="order of the stored axes, e.g. hwc")
    add_camera_arguments(parser.add_argument_group("cameras"))


def run(args: argparse.Namespace) -> int:
    """Runs ``focus-calib reference``."""
    from focus.calib import ReferenceOptions, calibration_from_references
    from focus.runtime import OutputError

    if args.out.exists() and not args.overwrite:
        raise OutputError(f"{args.out} exists; choose another --out, or replace it with --overwrite")
    if not args.out.absolute().parent.is_dir():  # before anybody covers a lens
        raise OutputError(f"cannot write {args.out}: there is no folder {args.out.parent}; make it")
    options = ReferenceOptions(
        panel=args.panel,
        least_counts=args.least_counts,
        average_samples=args.average_samples,
        bad_pixels=args.bad_pixels,
        accept_faulty=args.accept_faulty,
        any_camera=args.any_camera,
    )
    white, darks = _taken(args)
    calibration = calibration_from_references(white, darks, options)
    calibration.save(args.out)
    _print_summary(white, darks, calibration)
    print(f"wrote {args.out}; look at it with focus-calib show {args.out}")
    return DONE


def _taken(args: argparse.Namespace) -> tuple[Reference, list[Reference]]:
    """The references; darks first, so that whoever covers the lens of a camera uncovers it once."""
    from focus.calib._take import Taker
    from focus.runtime.commands._steps import Steps

    if args.lines is not None and args.lines < 1:
        raise ValueError(f"--lines must be 1 or more, got {args.lines}")
    exposures = args.dark_exposure or [None] * len(args.dark)
    if len(exposures) != len(args.dark):
        raise ValueError(f"--dark-exposure goes with --dark one by one, got {len(exposures)} for {len(args.dark)}")
    taker = Taker(args)
    taker.require_sense([args.white, *args.dark])
    taker.require_somebody(args.white, args.dark)
    with Steps() as steps:
        darks = []
        for number, (place, exposure_ms) in enumerate(zip(args.dark, exposures, strict=True), 1):
            many = f" {number} of {len(args.dark)}, at its exposure" if len(args.dark) > 1 else ""
            darks.append(taker.take(place, exposure_ms, f"dark{many}", "cover the lens", steps.update))
        return taker.take(args.white, args.white_exposure, "white", "put the panel into view", steps.update), darks


def _print_summary(white: Reference, darks: list[Reference], calibration: Calibration) -> None:
    from focus.calib._steady import LEAST_LINES

    elements = calibration.bands * calibration.samples
    print(
        f"{calibration.bands} bands x {calibration.samples} samples, {calibration.invalid} of {elements} elements "
        "without a gain"
    )
    for name, count in calibration.flaw_counts.items():
        if count:
            print(f"  {name}: {count}")
    if not darks:
        print("note: without --dark the dark level is taken as 0 counts; a camera's own is some tens to hundreds")
    for reference in (white, *darks):
        if reference.lines < LEAST_LINES:
            few = "1 line" if reference.lines == 1 else f"{reference.lines} lines"
            print(f"note: {reference.name} has {few}, too few to see whether it moves or drifts")
    if calibration.exposure_ms is None:
        print("note: nobody says the exposure, so a run at another one is not noticed; --white-exposure says it")
