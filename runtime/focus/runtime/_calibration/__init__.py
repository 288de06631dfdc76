"""Radiometric calibration: raw counts to reflectance."""

from focus.runtime._calibration._calibration import Calibration
from focus.runtime._calibration._exposure import same_exposure
from focus.runtime._calibration._fit import require_same_rig
from focus.runtime._calibration._flaws import FLAWS, LOW_DENOMINATOR
from focus.runtime._calibration._rig import Folded, Rig

__all__ = ["FLAWS", "LOW_DENOMINATOR", "Calibration", "Folded", "Rig", "require_same_rig", "same_exposure"]
