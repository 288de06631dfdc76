"""A calibration's rule for exposure times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from focus.runtime._calibration._rig import Rig
from focus.runtime._errors import CubeError

if TYPE_CHECKING:
    from focus.runtime._calibration._calibration import Calibration

#: Exposure times that differ by less are the same: cameras round them to their clock.
SAME_EXPOSURE = 1e-3


def same_exposure(one_ms: float, other_ms: float) -> bool:
    """Whether two exposure times are the same to a camera's clock."""
    return abs(one_ms - other_ms) <= SAME_EXPOSURE * max(one_ms, other_ms)


def gain_and_dark(calibration: Calibration, rig: Rig) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Dark and gain, float32 [C, S or 1], at the exposure of a source.

    Dark grows with time, dark(t) = bias + rate t, and so does what a count means: gain(t) = gain t_white / t.

    Raises:
        CubeError: nobody says the source's exposure, or it is another one and the dark's growth is not known.
    """
    own, wanted = calibration.exposure_ms, rig.exposure_ms
    if own is None:
        return calibration.dark, calibration.gain
    if wanted is None:
        raise CubeError(
            f"the calibration is for {own:g} ms, {rig.name} does not say its exposure; say it with --exposure MS"
        )
    if calibration.dark_rate is None:
        if same_exposure(own, wanted):
            return calibration.dark, calibration.gain
        raise CubeError(
            f"the calibration is for {own:g} ms, {rig.name} is exposed for {wanted:g} ms; set the camera to "
            f"{own:g} ms, or make a calibration with --dark given twice, at two exposures, which tell its growth"
        )
    dark = calibration.dark + calibration.dark_rate.astype(np.float64) * (wanted - own)
    return dark.astype(np.float32), (calibration.gain.astype(np.float64) * (own / wanted)).astype(np.float32)
