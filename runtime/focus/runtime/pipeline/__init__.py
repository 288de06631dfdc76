"""From lines to maps."""

from focus.runtime.pipeline._assembler import Assembler
from focus.runtime.pipeline._blend import Blend, window_weight
from focus.runtime.pipeline._capture import Capture
from focus.runtime.pipeline._data import (
    FAULTS,
    POLICIES,
    Cut,
    LineCounts,
    MapRow,
    PatchRow,
    Plan,
    Policy,
    Reading,
    RunSummary,
    Settings,
    Strip,
    Times,
    Window,
)
from focus.runtime.pipeline._device_cube import DeviceCubes
from focus.runtime.pipeline._ingest import Ingest
from focus.runtime.pipeline._read import collapse_of, explain, read_windows
from focus.runtime.pipeline._run import Progress, entered, plan_run, run_pipeline, stream
from focus.runtime.pipeline._watch import Watch
from focus.runtime.pipeline._windows import WindowCutter

__all__ = [
    "FAULTS",
    "POLICIES",
    "Assembler",
    "Blend",
    "Capture",
    "Cut",
    "DeviceCubes",
    "Ingest",
    "LineCounts",
    "MapRow",
    "PatchRow",
    "Plan",
    "Policy",
    "Progress",
    "Reading",
    "RunSummary",
    "Settings",
    "Strip",
    "Times",
    "Watch",
    "Window",
    "WindowCutter",
    "collapse_of",
    "entered",
    "explain",
    "plan_run",
    "read_windows",
    "run_pipeline",
    "stream",
    "window_weight",
]
