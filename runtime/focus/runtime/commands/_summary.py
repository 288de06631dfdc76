"""What is printed at a run's end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        console.print(warning, style="yellow", markup=False)


def counted(counts: LineCounts) -> str:
    """What became of the lines."""
    dropped = f" ({counts.dropped} of them dropped)" if counts.dropped else ""
    return f"{counts.received} received, {counts.missing} missing{dropped}, {counts.rejected} rejected"
