"""What is printed at a run's end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    """What would make maps lie, or says that something was asked for in vain, over the segments of a run."""
    from focus.runtime.monitor import warnings_of

    lines = warnings_of([result.monitor for result in results])
    found = [result.positions for result in results if result.positions]
    if found and any(one["windows"] for one in found) and not any(one["windows_placed"] for one in found):
        last = found[-1]
        held = f"{last['fixes']} fixes, {found[0]['utc_first']} to {last['utc_last']}" if last["fixes"] else "no fix"
        lines.append(f"no window has a position: --gps {last['source']} holds {held}; windows.csv has the lines' times")
    return lines


def counted(counts: LineCounts) -> str:
    """What became of the lines."""
    dropped = f" ({counts.dropped} of them dropped)" if counts.dropped else ""
    return f"{counts.received} received, {counts.missing} missing{dropped}, {counts.rejected} rejected"
