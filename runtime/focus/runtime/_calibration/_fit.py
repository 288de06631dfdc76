"""Whether two of them are the same rig: a calibration and a source, or the two references of a calibration."""

from __future__ import annotations

import numpy as np

from focus.runtime._calibration._rig import Rig
from focus.runtime._errors import CubeError

#: Band centres that differ by less are the same.
SAME_BAND_NM = 0.5


def require_same_rig(own: Rig, other: Rig, way_out: str) -> tuple[int | None, int]:
    """Refuses another camera, other bands, another number of samples or other words. What one of them does not say is
    not compared; exposures are another matter.

    Args:
        own: the one that is held; with 1 sample it holds for any number.
        other: the one that is looked at.
        way_out: what to do, for the message.
    Returns: bits and shift of the words, whoever says them.
    Raises:
        CubeError: naming what differs.
    """
    if len(own.wavelengths_nm) != len(other.wavelengths_nm) or own.samples not in (1, other.samples):
        sizes = [
            f"{len(rig.wavelengths_nm)} bands" + (f" x {rig.samples} samples" if own.samples > 1 else "")
            for rig in (own, other)
        ]
        raise CubeError(f"{own.name} has {sizes[0]}, {other.name} has {sizes[1]}; {way_out}")
    apart = np.abs(own.wavelengths_nm - other.wavelengths_nm)
    worst = int(np.argmax(apart))
    if apart[worst] > SAME_BAND_NM:
        raise CubeError(
            f"{own.name} has band {worst} at {own.wavelengths_nm[worst]:g} nm, {other.name} at "
            f"{other.wavelengths_nm[worst]:g} nm; {way_out}"
        )
    if not other.any_camera:
        _require_camera(own, other, way_out)
    return _require_words(own, other, way_out)


def _require_camera(own: Rig, other: Rig, way_out: str) -> None:
    """A serial number tells cameras apart; where one of them has none, their names do."""
    for what, held, seen in (("serial number ", own.serial, other.serial), ("", own.camera, other.camera)):
        if held and seen:
            if held != seen:
                raise CubeError(
                    f"{own.name} is of the camera {what}{held}, {other.name} of {what}{seen}; {way_out}, "
                    "or say --any-camera if it is the same"
                )
            return


def _require_words(own: Rig, other: Rig, way_out: str) -> tuple[int | None, int]:
    shift = own.shift if other.shift is None else other.shift
    if own.shift is not None and shift != own.shift:
        raise CubeError(
            f"{own.name} is of words with {own.shift} unused low bits, those of {other.name} have {shift}; {way_out}, "
            "or correct --bit-shift"
        )
    bits = other.bits or own.bits
    if own.bits is not None and bits != own.bits:
        raise CubeError(
            f"{own.name} is of {own.bits}-bit words, those of {other.name} have {bits} bits; {way_out}, "
            f"or say --bit-depth {own.bits}"
        )
    return bits, shift or 0
