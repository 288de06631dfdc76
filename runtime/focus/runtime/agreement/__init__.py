"""Whether a model that was made smaller or built for a device still says and shows what it did before."""

from focus.runtime.agreement._compare import Comparison, compare
from focus.runtime.agreement._data import (
    Divided,
    Recording,
    divided_windows,
    recordings_from_data,
    windows_from_data,
)
from focus.runtime.agreement._limits import Limits
from focus.runtime.agreement._simulated import simulated_cubes, simulated_windows
from focus.runtime.agreement._windows import UNKNOWN, NetInput, windows_from_kept, windows_from_source

__all__ = [
    "UNKNOWN",
    "Comparison",
    "Divided",
    "Limits",
    "NetInput",
    "Recording",
    "compare",
    "divided_windows",
    "recordings_from_data",
    "simulated_cubes",
    "simulated_windows",
    "windows_from_data",
    "windows_from_kept",
    "windows_from_source",
]
