"""``focus-calib``."""

from focus.calib.commands._main import main

__all__ = ["main"]
