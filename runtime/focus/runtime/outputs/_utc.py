"""Times as text."""

from __future__ import annotations

from datetime import datetime, timezone


def utc_text(nanoseconds: int | None) -> str:
    """ISO 8601 with microseconds; "" for None."""
    if nanoseconds is None:
        return ""
    return datetime.fromtimestamp(nanoseconds / 1e9, timezone.utc).isoformat(timespec="microseconds")
