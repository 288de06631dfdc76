"""The numbers, each with its equation; NumPy alone. docs/evaluation.md says what they mean and what they do not."""

from focus.exporter.metrics._answers import accuracy, mean_squared_error, r_squared
from focus.exporter.metrics._attention import collapse, sink_consistency
from focus.exporter.metrics._bands import band_overlap, near_overlap, random_near_overlap, random_overlap
from focus.exporter.metrics._imputing import from_neighbours
from focus.exporter.metrics._places import average_precision, otsu_iou, otsu_threshold, pointing
from focus.exporter.metrics._removal import SHARES, area, largest, removed_steps
from focus.exporter.metrics._shortcut import SHORTCUT_REACH_NM, ground_share, shortcut_use, window_share
from focus.runtime._ranks import in_top, matched_iou, spearman

__all__ = [
    "SHARES",
    "SHORTCUT_REACH_NM",
    "accuracy",
    "area",
    "average_precision",
    "band_overlap",
    "collapse",
    "from_neighbours",
    "ground_share",
    "in_top",
    "largest",
    "matched_iou",
    "mean_squared_error",
    "near_overlap",
    "otsu_iou",
    "otsu_threshold",
    "pointing",
    "r_squared",
    "random_near_overlap",
    "random_overlap",
    "removed_steps",
    "shortcut_use",
    "sink_consistency",
    "spearman",
    "window_share",
]
