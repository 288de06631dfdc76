"""Whether the maps are true: a model and controls on windows whose truth is known (docs/evaluation.md)."""

from focus.exporter.evaluate._cache import Cache
from focus.exporter.evaluate._contract import Answer, Network, Sample
from focus.exporter.evaluate._data import held_out_plan, held_out_windows
from focus.exporter.evaluate._report import FILES, write_report
from focus.exporter.evaluate._run import evaluate
from focus.exporter.evaluate._window import Networks

__all__ = [
    "FILES",
    "Answer",
    "Cache",
    "Network",
    "Networks",
    "Sample",
    "evaluate",
    "held_out_plan",
    "held_out_windows",
    "write_report",
]
