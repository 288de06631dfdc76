"""A study: all methods over seeds and splits, in tables (docs/study.md)."""

from focus.exporter.study._estimate import estimate_seconds
from focus.exporter.study._execute import execute, steps_of, unmade
from focus.exporter.study._plan import Entry, Run, Training
from focus.exporter.study._plan_file import read_plan, write_plan
from focus.exporter.study._require import require_makable, require_weights
from focus.exporter.study._scale import Scale, Table
from focus.exporter.study._steps import is_done
from focus.exporter.study._store import Backbone, Store
from focus.exporter.study.tables import TABLES

__all__ = [
    "TABLES",
    "Backbone",
    "Entry",
    "Run",
    "Scale",
    "Store",
    "Table",
    "Training",
    "estimate_seconds",
    "execute",
    "is_done",
    "read_plan",
    "require_makable",
    "require_weights",
    "steps_of",
    "unmade",
    "write_plan",
]
