"""What a path in /dev is, whatever it is called. Imports nothing of FOCUS, as focus-doctor needs it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

NodeKind = Literal["v4l2", "fifo", "unix"]

#: Major number of video devices.
VIDEO_MAJOR = 81


def kind_of_mode(mode: int, device: int) -> NodeKind | None:
    """What a path is, by ``st_mode`` and ``st_rdev`` of what it leads to; None for no camera."""
    if stat.S_ISCHR(mode) and os.major(device) == VIDEO_MAJOR:
        return "v4l2"
    if stat.S_ISFIFO(mode):
        return "fifo"
    return "unix" if stat.S_ISSOCK(mode) else None


def camera_paths(devices: Path) -> list[Path]:
    """Video devices, links to them, and everything called like a hyperspectral camera.

    Args:
        devices: where the system keeps its devices.
    """
    # udev rules of other makers name their links as they like.
    links = {path for path in devices.glob("*") if path.is_symlink() and path.resolve().name.startswith("video")}
    return sorted({*devices.glob("video[0-9]*"), *devices.glob("hsi*"), *links})
