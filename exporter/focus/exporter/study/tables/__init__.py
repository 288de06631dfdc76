"""One table a file; ``TABLES`` has them in the order of the report."""

from focus.exporter.study._plan import Table
from focus.exporter.study.tables import benchmark, corruptions, costs, groups, sanity, sink, spurious, sweeps

TABLES: tuple[Table, ...] = (
    benchmark.TABLE,
    costs.TABLE,
    sink.TABLE,
    groups.TABLE,
    corruptions.TABLE,
    sanity.TABLE,
    spurious.TABLE,
    *sweeps.TABLES,
)

__all__ = ["TABLES"]
