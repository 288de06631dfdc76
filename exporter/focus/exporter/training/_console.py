"""Tables on a terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from focus.exporter.training._report import Report


def report_table(report: Report) -> Table:
    """The report for people."""
    table = Table(title=f"{report.split}: {report.windows} windows", title_justify="left", show_header=False)
    share = 100.0 * report.trainable / report.total
    table.add_row("trainable parameters", f"{report.trainable:,} of {report.total:,} ({share:.2f} %)")
    table.add_row("best epoch", f"{report.best_epoch} of {report.epochs}")
    if report.accuracy is not None:
        table.add_row("accuracy", f"{report.accuracy:.3f}")
    for name, r2, rmse in zip(report.targets, report.r2, report.rmse, strict=False):
        table.add_row(escape(name), f"R2 {r2:.3f}   RMSE {rmse:.4g}")
    found = report.explanation
    if found is not None:
        table.add_section()
        table.add_row("lesioned windows", f"{found.windows} ({found.without_patch} more with no patch half lesion)")
        table.add_row("IoU of M and mask, same area", f"{found.iou:.3f}")
        table.add_row("AUPRC of M", f"{found.auprc:.3f} (random {found.prevalence:.3f})")
        table.add_row("BIO@5 of B", f"{found.bio_at_5:.3f} (random {found.bio_random_5:.3f})")
        table.add_row("BIO@20 of B", f"{found.bio_at_20:.3f} (random {found.bio_random_20:.3f})")
        table.add_row("sink mass, shown / other heads", f"{found.sink_shown:.3f} / {found.sink_others:.3f}")
        table.add_row("collapse of the shown heads", f"{found.collapse:.3f}")
    return table
