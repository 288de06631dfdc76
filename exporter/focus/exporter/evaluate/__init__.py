"""Whether the maps are true: a model and controls on windows whose truth is known (docs/evaluation.md)."""

from focus.exporter.evaluate._cache import Cache
from focus.exporter.evaluate._contract import Answer, Explainer, FocusNetwork, Sample
from focus.exporter.evaluate._data import held_out_plan, held_out_windows, samples_of
from focus.exporter.evaluate._maps import Borrowed, edges_of, random_of
from focus.exporter.evaluate._report import FILES, write_report
from focus.exporter.evaluate._run import cached_results, evaluate
from focus.exporter.evaluate._summary import summarise
from focus.exporter.evaluate._window import EDGES, MODEL, OWN_MAPS, RANDOM, WindowResult

__all__ = [
    "EDGES",
    "FILES",
    "MODEL",
    "OWN_MAPS",
    "RANDOM",
    "Answer",
    "Borrowed",
    "Cache",
    "Explainer",
    "FocusNetwork",
    "Sample",
    "WindowResult",
    "cached_results",
    "edges_of",
    "evaluate",
    "held_out_plan",
    "held_out_windows",
    "random_of",
    "samples_of",
    "summarise",
    "write_report",
]
