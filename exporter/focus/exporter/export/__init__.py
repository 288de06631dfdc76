"""From a trained network to an ONNX file that says what it is, checked against torch before it exists."""

from focus.exporter.export._check import CheckReport, check_model
from focus.exporter.export._folded import folded
from focus.exporter.export._graphs import ReadingGraph, StandaloneGraph
from focus.exporter.export._half import to_half
from focus.exporter.export._onnx import OPSETS, onnx_from_net
from focus.exporter.export._windows import CheckWindows, check_windows

__all__ = [
    "OPSETS",
    "CheckReport",
    "CheckWindows",
    "ReadingGraph",
    "StandaloneGraph",
    "check_model",
    "check_windows",
    "folded",
    "onnx_from_net",
    "to_half",
]
