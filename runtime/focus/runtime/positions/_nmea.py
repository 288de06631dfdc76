"""NMEA 0183 sentences into fixes."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone
from typing import Any

from focus.runtime.positions._fix import Fix, checked

_HALF_DAY = timedelta(hours=12)


class NmeaReader:
    """Reads sentence after sentence: GGA or GNS for the position, RMC where there is neither, HDT and PASHR for the
    attitude, RMC and ZDA for the day. Others are passed over.

    Raises:
        ModuleNotFoundError: the extra "gps" is not installed.
    """

    def __init__(self) -> None:
        from pynmeagps import NMEAReader

        self._parse = NMEAReader.parse
        self._day: date | None = None
        self._last: datetime | None = None
        self._better = False
        self._roll = self._pitch = self._yaw = math.nan

    def read(self, line: bytes, arrived_ns: int | None = None) -> Fix | None:
        """The fix that a sentence completes, if it does.

        Args:
            line: one sentence.
            arrived_ns: when it came, UTC, which becomes the fix's time; None takes the time that it says itself.
        Raises:
            ValueError: no sentence, or a damaged one.
        """
        try:
            return self._read(line, arrived_ns)
        except Exception as error:
            # The parser raises what it meets on the way, and a sentence that was cut off lacks fields.
            raise ValueError(f"no NMEA sentence: {error}") from None

    def _read(self, line: bytes, arrived_ns: int | None) -> Fix | None:
        said = self._parse(line)
        kind = said.msgID
        if kind == "RMC" and said.date:
            self._day = said.date
        elif kind == "ZDA" and said.year:
            self._day = date(said.year, said.month, said.day)
        elif kind == "HDT":
            self._yaw = _number(said.headingT)
        elif kind == "ASHR" and hasattr(said, "trueHdg"):
            self._roll, self._pitch, self._yaw = (_number(value) for value in (said.roll, said.pitch, said.trueHdg))
        if kind in ("GGA", "GNS"):
            self._better = True
        elif kind != "RMC" or self._better:
            return None
        return self._fix(said, arrived_ns)

    def _fix(self, said: Any, arrived_ns: int | None) -> Fix | None:
        # Quality 0 (GGA) and status V (RMC) say that the receiver sees no satellites; GNS then leaves out the position.
        lost = getattr(said, "quality", 1) == 0 or getattr(said, "status", "A") == "V"
        lat, lon = _number(said.lat), _number(said.lon)
        utc_ns = self._said_ns(said.time) if arrived_ns is None else arrived_ns
        if lost or math.isnan(lat + lon) or utc_ns is None:
            return None
        return checked(Fix(utc_ns, lat, lon, _number(getattr(said, "alt", "")), self._roll, self._pitch, self._yaw))

    def _said_ns(self, clock: Any) -> int | None:
        """The time that a sentence says; None as long as no sentence has said the day."""
        if self._day is None or not clock:
            return None
        moment = datetime.combine(self._day, clock, timezone.utc)
        if self._last is not None and self._last - moment > _HALF_DAY:
            moment += timedelta(days=1)  # after midnight, and before the sentence that says so
        self._last = moment
        return round(moment.timestamp() * 1e6) * 1000


def _number(value: Any) -> float:
    return float(value) if value != "" else math.nan
