"""One table a file; ``TABLES`` has them in the order of the report."""

from focus.exporter.study._scale import Table
from focus.exporter.study.tables import benchmark, corruptions, costs, groups, heads, sanity, sink, spurious, sweeps

TABLES: tuple[Table, ...] = (
    benchmark.TABLE,
    costs.TABLE,
    sink.TABLE,
    groups.TABLE,
    corruptions.TABLE,
    sanity.TABLE,
    spurious.TABLE,
    heads.TABLE,
    *sweeps.TABLES,
)

__all__ = ["TABLES"]
