"""Opens a camera again, for as long as it takes."""

from __future__ import annotations

from collections.abc import Callable

from focus.runtime._errors import FocusError
from focus.runtime._stop import Stop
from focus.runtime.sources import FrameSource

#: Seconds between two attempts: the first ones come quickly, and none so late that a camera which is back waits long.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 2.0

#: Opens the camera of a run anew.
OpenCamera = Callable[[], FrameSource]


def reconnected(open_camera: OpenCamera, stop: Stop, said: Callable[[str], None]) -> FrameSource | None:
    """Tries until the camera is back.

    Args:
        open_camera: opens it, or raises FocusError.
        stop: ends it.
        said: told after each attempt that failed why it did; also lets a watchdog know that the run lives.
    Returns: the camera, not yet started; None where the end was asked for.
    """
    pause_s = FIRST_PAUSE_S
    while not stop.wait(pause_s):
        try:
            return open_camera()
        except FocusError as error:
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            said(str(error))
    return None
