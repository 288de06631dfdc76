"""The table that ``focus-build`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from focus.runtime.tensorrt import CheckFigures


def check_table(found: CheckFigures) -> Table:
    """What the plan loses against its reference."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in ("plan", "worst window"):
        table.add_column(name, justify="right")
    table.add_row("agreement of the class", f"{found.agreement:.3f}", "")
    table.add_row("largest difference of a logit / largest logit", "", f"{found.logit_difference:.4f}")
    table.add_row("Spearman correlation of M", f"{found.spearman:.4f}", f"{found.spearman_worst:.4f}")
    table.add_row("overlap of the top-5 bands", f"{found.top:.3f}", f"{found.top_worst:.1f}")
    return table
