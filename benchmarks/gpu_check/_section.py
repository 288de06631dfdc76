"""What a step says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Tell = Callable[[str], None]
Row = dict[str, Any]

#: States of a step and of its rows. WRONG: a result is not as it must be. FAILED: it ended early.
OK, WRONG, FAILED, NOT_RUN = "ok", "wrong", "failed", "not run"


@dataclass(frozen=True)
class Section:
    """A step of the report.

    Attributes:
        name: in JSON, and for ``--only``.
        title: for people.
        state: ``OK``, ``WRONG``, ``FAILED`` or ``NOT_RUN``.
        note: one line.
        rows: what was found.
        figures: numbers that goals are set for; one that is not there was not measured.
    """

    name: str
    title: str
    state: str
    note: str = ""
    rows: list[Row] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
