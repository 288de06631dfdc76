"""Who hears at once what a camera does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _no_matter(*said: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Watch:
    """What is called in the thread that captures; neither may take long.

    Attributes:
        lost: the camera is lost, and why; what was taken is only being finished then.
        idle: nothing has come for a moment, which is no fault of the run.
    """

    lost: Callable[[str], None] = _no_matter
    idle: Callable[[], None] = _no_matter
