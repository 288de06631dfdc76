"""Calibration: references to a calibration file, and calibration windows to an INT8 model."""

from focus.calib._references import calibration_from_references

__all__ = ["calibration_from_references"]
