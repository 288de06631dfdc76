"""What the monitor says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

#: Names of the flags, as they stand in tables, records and metrics; causes come before what they cause.
FLAGS = ("saturated", "dark_level", "wavelength_order", "band_means", "sink_mass", "collapse")


class Flag(NamedTuple):
    """Something that makes the maps lie.

    Attributes:
        name: in ``FLAGS``.
        value: what was found, a running mean over the last windows.
        limit: from where on it counts.
        message: a sentence with both and the way out.
    """

    name: str
    value: float
    limit: float
    message: str


@dataclass
class Raised:
    """How long a flag was up since the start of a run.

    Attributes:
        windows: how many windows were read while it was up.
        first_window, last_window: the first and the last of them.
        excess: the largest; 1 at the limit.
        worst: the flag at that time.
    """

    windows: int
    first_window: int
    last_window: int
    excess: float
    worst: Flag

    def to_json(self) -> dict[str, Any]:
        """Plain values, of the worst time; for the record of a run."""
        worst = self.worst
        return {
            "windows": self.windows,
            "first_window": self.first_window,
            "last_window": self.last_window,
            "value": worst.value if isfinite(worst.value) else None,
            "limit": worst.limit,
            "message": worst.message,
        }


def warnings_of(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line a flag for the end of a run.

    Args:
        records: of its segments, see ``Monitor.to_json``; those that did not finish are empty.
    """
    windows = sum(record.get("windows", 0) for record in records)
    lines = []
    for name in FLAGS:
        found = [record["flags"][name] for record in records if name in record.get("flags", {})]
        if found:
            up = sum(flag["windows"] for flag in found)
            where = f"{found[0]['first_window']} to {found[0]['last_window']}"
            parts = where if len(records) == 1 else f"{len(found)} of {len(records)} segments"
            lines.append(f"{name} in {up} of {windows} windows ({parts}): {found[-1]['message']}")
    return lines
