"""Calibration: references to a calibration file."""

from focus.calib._references import calibration_from_references

__all__ = ["calibration_from_references"]
