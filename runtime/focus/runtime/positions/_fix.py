"""A position at a time."""

from __future__ import annotations

import math
from typing import NamedTuple

#: What a fix holds beside its time, in the order of ``Fix``.
FIELDS = ("lat", "lon", "alt", "roll", "pitch", "yaw")

#: Those that go round: half of their range.
_HALF_TURN = {"lon": 180.0, "roll": 180.0, "yaw": 180.0}


class Fix(NamedTuple):
    """A position, and an attitude where an IMU is there.

    Attributes:
        utc_ns: when, nanoseconds since 1970.
        lat, lon: degrees, WGS 84.
        alt: metres above sea level; nan where it is not known.
        roll, pitch, yaw: degrees, yaw clockwise from true north; nan where they are not known.
    """

    utc_ns: int
    lat: float
    lon: float
    alt: float = math.nan
    roll: float = math.nan
    pitch: float = math.nan
    yaw: float = math.nan


def checked(fix: Fix) -> Fix:
    """The fix, if a camera can be there.

    Raises:
        ValueError: it does not.
    """
    if not (abs(fix.lat) <= 90 and abs(fix.lon) <= 180):
        raise ValueError(f"no position: latitude {fix.lat:g}, longitude {fix.lon:g}")
    if abs(fix.alt) >= 1e5 or any(abs(angle) > 360 for angle in (fix.roll, fix.pitch, fix.yaw)):
        raise ValueError(f"no position: {fix}")
    return fix


def between(before: Fix, after: Fix, utc_ns: int) -> Fix:
    """The fix at a time between two, on the straight line from one to the other; angles go the short way round."""
    span = after.utc_ns - before.utc_ns
    share = (utc_ns - before.utc_ns) / span if span else 0.0
    values = {}
    for name in FIELDS:
        start, step = getattr(before, name), getattr(after, name) - getattr(before, name)
        half = _HALF_TURN.get(name)
        if half is not None:
            step = (step + half) % (2 * half) - half
        value = start + share * step
        if name == "yaw":
            value %= 360.0
        elif half is not None:
            value = (value + half) % (2 * half) - half
        values[name] = value
    return Fix(utc_ns, **values)
