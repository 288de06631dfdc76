"""``windows.csv``: a row a window."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np

from focus.runtime.monitor import Monitor
from focus.runtime.outputs._contract import BaseSink
from focus.runtime.outputs._open_files import OpenFiles
from focus.runtime.outputs._table import TableWriter
from focus.runtime.pipeline import FAULTS, Plan, Reading

#: Bands that a row names, the one with the highest saliency first.
TOP_BANDS = 5


def utc_text(nanoseconds: int | None) -> str:
    """ISO 8601 with microseconds; "" for None."""
    if nanoseconds is None:
        return ""
    return datetime.fromtimestamp(nanoseconds / 1e9, timezone.utc).isoformat(timespec="microseconds")


class WindowsSink(BaseSink):
    """Appends what the network said of each window.

    Args:
        files: where.
        monitor: is told of each window before this sink.
    """

    def __init__(self, files: OpenFiles, monitor: Monitor) -> None:
        self._files, self._monitor = files, monitor

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self._plan = plan
        place = ["window", "cube", "first_line", "lines", "first_sample", "samples"]
        time = ["first_sequence", "last_sequence", "utc_first", "utc_last", "valid_share", *FAULTS]
        maps = ["predicted", "shown", "top_bands_nm", "peak_saliency", "sink_mass", "collapse", "flags"]
        scores = [f"score {name}" for name in plan.bundle.class_names]
        self._table = TableWriter(self._files, "windows.csv", [*place, *time, *maps, *scores])

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        bundle, window = self._plan.bundle, reading.window
        names = bundle.class_names
        samples = bundle.window[1]
        highest = np.argsort(-reading.curve, kind="stable")[:TOP_BANDS]
        row: list[object] = [
            window.index,
            "" if window.snapshot is None else window.snapshot,
            window.first_line,
            window.lines,
            window.first_sample,
            min(samples, self._plan.source.samples - window.first_sample),
            window.first_sequence,
            window.first_sequence + window.lines - 1,
            utc_text(window.times.first_ns),
            utc_text(window.times.last_ns),
            f"{window.valid_share.mean():.4f}",
            *(f"{share:.4f}" for share in window.faults),
            "" if reading.predicted is None else names[reading.predicted],
            names[reading.shown],
            " ".join(f"{wavelength:.2f}" for wavelength in bundle.wavelengths[highest]),
            f"{reading.heatmap.max():.6g}",
            f"{reading.sink_mass:.5f}",
            f"{reading.collapse:.5f}",
            ";".join(flag.name for flag in self._monitor.flags()),
            *(f"{score:.6g}" for score in reading.scores),
        ]
        self._table.append([row])
