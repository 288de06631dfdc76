"""What happens to a run of days, for whoever shows, logs or counts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

#: ``opened``: a segment begins; ``lost``: its camera is gone; ``waiting``: it was tried again in vain; ``ended``: the
#: run is over.
Kind = Literal["opened", "lost", "waiting", "ended"]


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        kind: what.
        message: the same for people, with the reason.
        segment: name of the segment that it belongs to; None before the first.
        retry_s: seconds until the camera is tried again; None where it is not away.
    """

    kind: Kind
    message: str
    segment: str | None = None
    retry_s: float | None = None


#: Is told of everything that happens, at once and in the run's own thread; must not raise.
Listener = Callable[[Event], None]
