"""Whether a calibration is one of this source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from focus.runtime._calibration._rig import Rig
from focus.runtime._errors import CubeError

if TYPE_CHECKING:
    from focus.runtime._calibration._calibration import Calibration

#: Band centres that differ by less are the same.
SAME_BAND_NM = 0.5


def require_fit(calibration: Calibration, rig: Rig) -> tuple[int | None, int]:
    """Refuses another camera, other bands, another number of samples or other words.

    Returns: bits and shift of the words, whoever says them.
    Raises:
        CubeError: naming what differs, and the way out.
    """
    _require_bands(calibration, rig)
    if calibration.samples not in (1, rig.samples):
        raise CubeError(
            f"the calibration has {calibration.samples} samples a line, {rig.name} has {rig.samples}; "
            "use the calibration of this rig, or make one with focus-calib reference --average-samples"
        )
    if not rig.any_camera:
        _require_camera(calibration, rig)
    return _require_words(calibration, rig)


def _require_bands(calibration: Calibration, rig: Rig) -> None:
    if calibration.bands != len(rig.wavelengths_nm):
        raise CubeError(
            f"the calibration has {calibration.bands} bands, {rig.name} has {len(rig.wavelengths_nm)}; "
            "use the calibration of this rig"
        )
    apart = np.abs(calibration.wavelengths_nm - rig.wavelengths_nm)
    worst = int(np.argmax(apart))
    if apart[worst] > SAME_BAND_NM:
        raise CubeError(
            f"the calibration has band {worst} at {calibration.wavelengths_nm[worst]:g} nm, {rig.name} at "
            f"{rig.wavelengths_nm[worst]:g} nm; use the calibration of this rig"
        )


def _require_camera(calibration: Calibration, rig: Rig) -> None:
    """A serial number tells cameras apart; without one on both sides, their names do."""
    pairs = [("serial number ", calibration.serial, rig.serial), ("", calibration.camera, rig.camera)]
    for what, own, other in pairs:
        if own and other:
            if own != other:
                raise CubeError(
                    f"the calibration is of the camera {what}{own}, {rig.name} is {what}{other}; use the calibration "
                    "of this camera, or say --any-camera if it is the same"
                )
            return


def _require_words(calibration: Calibration, rig: Rig) -> tuple[int | None, int]:
    shift = calibration.shift if rig.shift is None else rig.shift
    if calibration.shift is not None and shift != calibration.shift:
        raise CubeError(
            f"the calibration is of words with {calibration.shift} unused low bits, those of {rig.name} have {shift}; "
            "set the camera as it was, or correct --bit-shift"
        )
    bits = rig.bits or calibration.bits
    if calibration.bits is not None and bits != calibration.bits:
        raise CubeError(
            f"the calibration is of {calibration.bits}-bit words, those of {rig.name} have {bits} bits; "
            f"set the camera as it was, or say --bit-depth {calibration.bits}"
        )
    return bits, shift or 0
