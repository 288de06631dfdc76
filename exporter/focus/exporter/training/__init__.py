"""Training FOCUS on windows: a frozen backbone and a data set in, ``model.pt`` and a report out."""

from focus.exporter._progress import progress_bar
from focus.exporter.training._console import report_table
from focus.exporter.training._fabric import make_fabric
from focus.exporter.training._report import Explanation, Report
from focus.exporter.training._seen import measured, seen_in_training
from focus.exporter.training._settings import Precision, TrainSettings
from focus.exporter.training._train import Mode, Outcome, require_free, train

__all__ = [
    "Explanation",
    "Mode",
    "Outcome",
    "Precision",
    "Report",
    "TrainSettings",
    "make_fabric",
    "measured",
    "progress_bar",
    "report_table",
    "require_free",
    "seen_in_training",
    "train",
]
