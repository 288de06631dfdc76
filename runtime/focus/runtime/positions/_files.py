"""Recorded positions: NMEA logs and tables."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from focus.runtime._errors import FocusError
from focus.runtime._table import rows_of_text
from focus.runtime.positions._fix import FIELDS, Fix, checked
from focus.runtime.positions._nmea import NmeaReader
from focus.runtime.positions._track import Track

_EXPECTED = "expected a table with utc, lat, lon, or NMEA"


def track_from_file(path: Path) -> Track:
    """Reads an NMEA log, or a table with the columns ``utc``, ``lat``, ``lon`` and any of ``alt``, ``roll``, ``pitch``,
    ``yaw``; ``utc`` in ISO 8601 or in seconds since 1970.

    Raises:
        FocusError: it cannot be read, or holds no position.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FocusError(f"cannot read {path}: {error.strerror or error}; check the path and its permissions") from None
    bad = 0
    fixes = []
    for fix in _nmea(content) if content.lstrip()[:1] in (b"$", b"!") else _table(content, path):
        if isinstance(fix, Fix):
            fixes.append(fix)
        else:
            bad += 1
    if not fixes:
        raise FocusError(
            f"{path} holds no position ({bad} lines could not be read); expected NMEA (GGA, GNS or RMC, and the day in "
            "RMC or ZDA) or a table with the columns utc, lat, lon"
        )
    track = Track(str(path), fixes, live=False)
    track.bad_lines = bad
    return track


def _nmea(content: bytes) -> Iterator[Fix | ValueError]:
    reader = NmeaReader()
    for line in content.splitlines():
        if not line.strip():
            continue
        try:
            fix = reader.read(line.strip())
        except ValueError as error:
            yield error
        else:
            if fix is not None:
                yield fix


def _table(content: bytes, path: Path) -> Iterator[Fix | ValueError]:
    try:
        titles, rows = rows_of_text(content.decode("utf-8-sig", "replace"), strict=False)
    except csv.Error as error:
        raise FocusError(f"{path} is no table ({error}); {_EXPECTED}") from None
    column = {title.lower(): title for title in titles}
    missing = [name for name in ("utc", "lat", "lon") if name not in column]
    if missing:
        raise FocusError(f"{path} has no column {missing[0]}; {_EXPECTED}")
    for row in rows:
        try:
            utc = row[column["utc"]].replace(",", "." if row.decimal_comma else ",")
            yield checked(Fix(_utc_ns(utc), *(row.number(column.get(name, name)) for name in FIELDS)))
        except ValueError as error:
            yield error


def _utc_ns(text: str) -> int:
    try:
        return round(float(text) * 1e6) * 1000
    except ValueError:
        # Python 3.10 does not know Z.
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return round(moment.timestamp() * 1e6) * 1000
