"""What a user may say about a source beside its name; the same options in every command that opens cubes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from focus.runtime._bundle import Bundle
    from focus.runtime.sources import SourceOptions


def add_source_arguments(group: argparse._ArgumentGroup) -> None:
    """Adds the options."""
    group.add_argument("--calibration", type=Path, metavar="FILE", help="references of the rig, for raw counts")
    group.add_argument(
        "--exposure", dest="exposure_ms", type=float, metavar="MS", help="exposure time; replaces what the source says"
    )
    group.add_argument(
        "--any-camera",
        action="store_true",
        default=None,
        help="use the calibration although it says that it is of another camera",
    )
    group.add_argument("--quantity", choices=["reflectance", "counts"], help="what the stored values are")
    group.add_argument("--scale", type=float, metavar="S", help="stored value / S = reflectance")
    group.add_argument(
        "--bit-depth", dest="bits", type=int, metavar="N", help="bits of the camera's counts; the highest is saturated"
    )
    group.add_argument(
        "--bit-shift", dest="shift", type=int, metavar="N", help="unused low bits of a stored word (12 of 16, MSB: 4)"
    )
    group.add_argument("--resample", action="store_true", help="resample to the model's bands")
    group.add_argument("--wavelengths", metavar="FILE|START:STOP", help="band centres in nm")
    group.add_argument("--variable", metavar="NAME", help="variable that holds the cube (MATLAB, HDF5, NetCDF, NPZ)")
    group.add_argument(
        "--axes", metavar="ORDER", help="order of the stored axes, e.g. hwc (c bands, h lines, w samples)"
    )


def add_camera_arguments(group: argparse._ArgumentGroup) -> None:
    """Adds the options that only cameras have."""
    group.add_argument(
        "--set",
        dest="features",
        action="append",
        metavar="FEATURE=VALUE",
        help="set a feature of a GigE, USB3 or GenTL camera, e.g. PixelFormat=Mono12; may be repeated, in order",
    )
    group.add_argument(
        "--chunk",
        dest="chunks",
        action="append",
        metavar="NAME",
        help="read FrameID, Timestamp or ExposureTime from behind each frame of a GigE or USB3 camera; may be repeated",
    )
    group.add_argument(
        "--resend",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="ask a GigE camera again for packets that are lost (default)",
    )
    group.add_argument(
        "--packet-size", type=int, metavar="BYTES", help="packets of a GigE camera (default: what fits the network)"
    )
    group.add_argument(
        "--mosaic",
        metavar="NxM[+TOP+LEFT]",
        help="filter pattern of a snapshot mosaic sensor, 4x4; --wavelengths are then in its order, row by row",
    )
    group.add_argument(
        "--status-lines", type=int, metavar="N", help="rows at the end of a frame that hold a counter or status"
    )
    group.add_argument(
        "--transpose",
        action="store_true",
        default=None,
        help="rows of a frame are samples and its columns bands (default: the other way)",
    )
    group.add_argument(
        "--timeout", dest="timeout_s", type=float, metavar="S", help="silence after which the camera is lost (1.8 s)"
    )


def source_options(args: argparse.Namespace, bundle: Bundle) -> SourceOptions:
    """What was given, for sources that go to this model.

    Raises:
        CubeError: the calibration cannot be read.
    """
    from focus.runtime._calibration import Calibration
    from focus.runtime.sources import CAMERA_FIELDS, Bands, SourceOptions

    return SourceOptions(
        variable=args.variable,
        axes=args.axes,
        wavelengths_nm=args.wavelengths,
        quantity=args.quantity,
        scale=args.scale,
        bits=args.bits,
        shift=args.shift,
        exposure_ms=args.exposure_ms,
        any_camera=args.any_camera,
        calibration=None if args.calibration is None else Calibration.load(args.calibration),
        resample_to=Bands.of_model(bundle) if args.resample else None,
        **{name: getattr(args, name, None) for name in CAMERA_FIELDS},
    )
