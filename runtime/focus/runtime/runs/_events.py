"""What happens to a run of days, for whoever shows, logs or counts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

#: ``opened``: a segment begins; ``lost``: its camera is gone; ``waiting``: it was tried again in vain; ``ended``: the
#: run is over, as somebody wanted; ``failed``: it is over because it cannot go on.
Kind = Literal["opened", "lost", "waiting", "ended", "failed"]


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        kind: what.
        message: the same for people, with the reason.
        segment: name of the segment that it belongs to; None before the first.
    """

    kind: Kind
    message: str
    segment: str | None = None


#: Is told of everything that happens, at once, one event after the other but in any thread; must not raise.
Listener = Callable[[Event], None]
