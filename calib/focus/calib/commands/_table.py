"""The tables that ``focus-calib quantize`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from focus.calib._speed import PRECISIONS, Speed

if TYPE_CHECKING:
    from focus.runtime.agreement import Comparison


def comparison_table(found: Comparison, sizes: tuple[int, int]) -> Table:
    """What INT8 loses.

    Args:
        found: the figures.
        sizes: bytes of the FP32 and the INT8 file.
    """
    table = _table("", "FP32", "INT8", "worst window")
    if found.accuracy is not None:
        exact, coarse = found.accuracy
        table.add_row(f"accuracy on {found.labelled} labelled windows", f"{exact:.3f}", f"{coarse:.3f}", "")
    table.add_row("agreement with FP32", "", f"{found.agreement:.3f}", "")
    flat = f" ({found.flat} flat maps left out)" if found.flat else ""
    table.add_row(
        f"Spearman correlation of M with FP32{flat}", "", f"{found.spearman:.4f}", f"{found.spearman_worst:.4f}"
    )
    table.add_row("overlap of the top-5 bands with FP32", "", f"{found.top:.3f}", f"{found.top_worst:.1f}")
    table.add_row("file, MB", *(f"{size / 1e6:.1f}" for size in sizes), "")
    return table


def speed_table(speed: Speed) -> Table:
    """Median milliseconds a window."""
    table = _table("ms a window, median", *PRECISIONS)
    for engine, row in speed.milliseconds.items():
        table.add_row(engine, *(f"{row[name]:.1f}" if name in row else "-" for name in PRECISIONS))
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table
