"""``curve.csv``: the band curve B, over all windows and for each class."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focus.runtime.outputs._contract import BaseSink
from focus.runtime.outputs._files import writing
from focus.runtime.pipeline import Plan, Reading, RunSummary


class Curves(BaseSink):
    """Collects B: the maximum over windows, and over the windows whose maps show each class.

    Attributes:
        overall: float32 [C].
        of_class: float32 [K, C], nan for a class that no window shows.
    """

    overall: NDArray[np.float32]
    of_class: NDArray[np.float32]

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self._bundle = plan.bundle
        self.overall = np.zeros(plan.bundle.bands, np.float32)
        self.of_class = np.full((len(plan.bundle.targets), plan.bundle.bands), np.nan, np.float32)

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        np.maximum(self.overall, reading.curve, out=self.overall)
        own = self.of_class[reading.shown]
        np.fmax(own, reading.curve, out=own)

    def shown(self) -> list[int]:
        """Indices of the classes that some window shows."""
        return [int(index) for index in np.flatnonzero(np.isfinite(self.of_class).all(axis=1))]


class CurveSink(Curves):
    """Writes the curves as a table, a row a band.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "curve.csv"

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        bundle, shown = self._bundle, self.shown()
        names = [bundle.groups[index].name for index in bundle.group_of_band]
        with writing(self._path), self._path.open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["wavelength_nm", "group", "curve", *(f"curve {bundle.class_names[k]}" for k in shown)])
            for band, (wavelength, group) in enumerate(zip(bundle.wavelengths_nm, names, strict=True)):
                values = [self.overall[band], *(self.of_class[k, band] for k in shown)]
                table.writerow([f"{wavelength:.3f}", group, *(f"{value:.6g}" for value in values)])
