"""``windows.csv``: a row a window."""

from __future__ import annotations

import csv
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from focus.runtime.outputs._contract import BaseSink
from focus.runtime.outputs._files import writing
from focus.runtime.pipeline import FAULTS, Plan, Reading


def utc_text(nanoseconds: int | None) -> str:
    """ISO 8601 with microseconds; "" for None."""
    if nanoseconds is None:
        return ""
    return datetime.fromtimestamp(nanoseconds / 1e9, timezone.utc).isoformat(timespec="microseconds")


class WindowsSink(BaseSink):
    """Appends what the network said of each window.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "windows.csv"
        with writing(self._path):
            self._file = self._path.open("w", newline="")

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self._plan = plan
        self._writer = csv.writer(self._file)
        place = ["window", "cube", "first_line", "lines", "first_sample", "samples"]
        time = ["first_sequence", "last_sequence", "utc_first", "utc_last", "valid_share", *FAULTS]
        maps = ["predicted", "shown", "top_band_nm", "peak_saliency", "sink_mass", "collapse"]
        self._write([*place, *time, *maps, *(f"score {name}" for name in plan.bundle.class_names)])

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        bundle, window = self._plan.bundle, reading.window
        names = bundle.class_names
        samples = bundle.window[1]
        self._write(
            [
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
                f"{bundle.wavelengths[int(np.argmax(reading.curve))]:.2f}",
                f"{reading.heatmap.max():.6g}",
                f"{reading.sink_mass:.5f}",
                f"{reading.collapse:.5f}",
                *(f"{score:.6g}" for score in reading.scores),
            ]
        )

    def close(self) -> None:
        """See ``MapSink.close``."""
        with writing(self._path):
            self._file.close()

    def _write(self, values: list[object]) -> None:
        with writing(self._path):
            self._writer.writerow(values)
