"""What GigE Vision, USB3 Vision and GenTL cameras share: pixel formats, features, memory for frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from focus.runtime._errors import CameraError

#: Formats of one value a pixel in whole bytes, and the bits of it, at the lower end (GenICam PFNC).
BITS_OF_FORMAT = {"Mono8": 8, "Mono10": 10, "Mono12": 12, "Mono14": 14, "Mono16": 16}

#: Memory for frames that a library may be ahead, and how many frames that is at least and at most.
STREAM_BYTES, FEWEST_FRAMES, MOST_FRAMES = 64 * 2**20, 8, 256


def buffer_count(frame_bytes: int) -> int:
    """Frames that a library may be ahead."""
    return min(max(STREAM_BYTES // frame_bytes, FEWEST_FRAMES), MOST_FRAMES)


def feature_and_value(text: str) -> tuple[str, str]:
    """Name and value of a feature, from ``PixelFormat=Mono12``.

    Raises:
        ValueError: not of that form.
    """
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise ValueError(f"--set must be Feature=value, got {text!r}")
    return name, value


def dtype_of(form: str, camera: str) -> np.dtype[Any]:
    """The type of a pixel.

    Args:
        form: name of the format.
        camera: for messages.
    Raises:
        CameraError: a format that is not read.
    """
    if form not in BITS_OF_FORMAT:
        raise CameraError(
            f"{camera} is set to {form}, expected {', '.join(BITS_OF_FORMAT)}; add --set PixelFormat=Mono12, "
            "or another of them that the camera has"
        )
    return np.dtype("<u1" if form == "Mono8" else "<u2")
