"""Data sets, as the network reads them: simulated leaves, or cubes on disk. No torch."""

from focus.exporter.data._folder import FolderOptions, folder_windows
from focus.exporter.data._kept import keep_windows, training_folder
from focus.exporter.data._manifest import Manifest, read_manifest
from focus.exporter.data._open import open_windows, require_size
from focus.exporter.data._simulated import Simulation, parse_simulation, simulate_windows, simulator_version
from focus.exporter.data._windows import SPLITS, Task, Truth, WindowSet, parse_size

__all__ = [
    "SPLITS",
    "FolderOptions",
    "Manifest",
    "Simulation",
    "Task",
    "Truth",
    "WindowSet",
    "folder_windows",
    "keep_windows",
    "open_windows",
    "parse_simulation",
    "parse_size",
    "read_manifest",
    "require_size",
    "simulate_windows",
    "simulator_version",
    "training_folder",
]
