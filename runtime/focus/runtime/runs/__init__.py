"""Whole runs: a recording into one folder, a camera into segments, for as long as it goes."""

from focus.runtime.runs._camera import CameraRun, CameraSummary, Segment
from focus.runtime.runs._events import Event, Listener
from focus.runtime.runs._log import RunLog
from focus.runtime.runs._reconnect import reconnected
from focus.runtime.runs._recording import run_to_folder
from focus.runtime.runs._segments import SegmentsFolder

__all__ = [
    "CameraRun",
    "CameraSummary",
    "Event",
    "Listener",
    "RunLog",
    "Segment",
    "SegmentsFolder",
    "reconnected",
    "run_to_folder",
]
