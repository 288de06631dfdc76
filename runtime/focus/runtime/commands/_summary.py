"""What is printed at a run's end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from focus.runtime.outputs import Results
    from focus.runtime.pipeline import LineCounts


def print_rows(rows: Sequence[tuple[str, str]], warnings: Sequence[str] = ()) -> None:
    """A table of names and what there is to say of them, and lines to be heeded."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False)
    console.print(table)
    for warning in warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)


def warnings_of_runs(results: Sequence[Results]) -> list[str]:
    """What would make maps lie, or was asked for in vain, over the segments of a run."""
    from focus.runtime.monitor import warnings_of

    unmeasured = dict.fromkeys(result.unmeasured for result in results if result.unmeasured)
    flags = warnings_of([result.monitor for result in results])
    return [*unmeasured, *flags, *unplaced([result.positions for result in results])]


def unplaced(positions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether no window of a run has a position, a line; see ``Results.positions``."""
    found = [one for one in positions if one]
    if not any(one["windows"] for one in found) or any(one["windows_placed"] for one in found):
        return []
    times = [time for one in found for time in (one["utc_first"], one["utc_last"]) if time is not None]
    held = f"{found[-1]['fixes']} fixes, {min(times)} to {max(times)}" if times else "no fix"
    return [f"no window has a position: --gps {found[-1]['source']} holds {held}; windows.csv has the lines' times"]


def counted(counts: LineCounts) -> str:
    """What became of the lines."""
    dropped = f" ({counts.dropped} of them dropped)" if counts.dropped else ""
    return f"{counts.received} received, {counts.missing} missing{dropped}, {counts.rejected} rejected"
