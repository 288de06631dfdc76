"""``windows.csv``: a row a window."""

from __future__ import annotations

import numpy as np

from focus.runtime.monitor import Monitor
from focus.runtime.outputs._contract import BaseSink
from focus.runtime.outputs._open_files import OpenFiles
from focus.runtime.outputs._placed import PlacedTable
from focus.runtime.outputs._utc import utc_text
from focus.runtime.pipeline import FAULTS, Plan, Reading, RunSummary
from focus.runtime.positions import Track

#: Bands that a row names, the one with the highest saliency first.
TOP_BANDS = 5


class WindowsSink(BaseSink):
    """Appends what the network said of each window.

    Args:
        files: where.
        monitor: is told of each window before this sink.
        track: where the camera was, or None.
    """

    def __init__(self, files: OpenFiles, monitor: Monitor, track: Track | None = None) -> None:
        self._files, self._monitor, self._track = files, monitor, track

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self._plan = plan
        place = ["window", "cube", "first_line", "lines", "first_sample", "samples"]
        time = ["first_sequence", "last_sequence", "utc_first", "utc_last", "valid_share", *FAULTS]
        maps = ["predicted", "shown", "top_bands_nm", "peak_saliency", "sink_mass", "collapse", "flags"]
        scores = [f"score {name}" for name in plan.bundle.class_names]
        columns = [*place, *time, *maps, *scores]
        self.table = PlacedTable(self._files, "windows.csv", columns, self._track)

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        bundle, window = self._plan.bundle, reading.window
        names = bundle.class_names
        lines, samples = bundle.window
        wide = min(samples, self._plan.source.samples - window.first_sample)
        share = float(window.valid_share.mean()) * lines * samples / max(1, window.lines * wide)  # not of what pads it
        highest = np.argsort(-reading.curve, kind="stable")[:TOP_BANDS]
        row: list[object] = [
            window.index,
            "" if window.snapshot is None else window.snapshot,
            window.first_line,
            window.lines,
            window.first_sample,
            wide,
            window.first_sequence,
            window.first_sequence + window.lines - 1,
            utc_text(window.times.first_ns),
            utc_text(window.times.last_ns),
            f"{min(share, 1.0):.4f}",
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
        first_ns, last_ns = window.times
        middle_ns = None if first_ns is None or last_ns is None else (first_ns + last_ns) // 2
        self.table.append([row], [middle_ns])

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        self.table.fill(last=True)
