"""Calibration: references to a calibration file, and calibration windows to an INT8 model."""

from focus.calib._measure import Reference, measure
from focus.calib._references import ReferenceOptions, calibration_from_references

__all__ = ["Reference", "ReferenceOptions", "calibration_from_references", "measure"]
