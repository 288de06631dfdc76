"""The maps as files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.outputs._contract import BaseSink
from focus.runtime.outputs._envi import EnviWriter
from focus.runtime.outputs._layout import Layout, LineWriter
from focus.runtime.outputs._open_files import OpenFiles
from focus.runtime.outputs._upsample import LineInterpolator
from focus.runtime.pipeline import MapRow, Plan, RunSummary

#: Makes the writer of a format.
MapWriter = Callable[[OpenFiles, Layout], LineWriter]


class MapFileSink(BaseSink):
    """One map in one file, float32, nan where masked. What it holds is up to the methods below.

    Args:
        files: where.
        writer: of its format.
    """

    def __init__(self, files: OpenFiles, writer: MapWriter = EnviWriter) -> None:
        self._files, self._new_writer = files, writer

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        layout = self._layout(plan)
        layout = replace(layout, fields={**layout.fields, "data ignore value": "nan"})
        self._writer = self._new_writer(self._files, layout)

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""
        self._append(self._lines(row))

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        self._append(self._last_lines())
        self._writer.finish()

    def _append(self, blocks: Iterable[NDArray[Any]]) -> None:
        for lines in blocks:
            self._writer.append(lines)

    def _layout(self, plan: Plan) -> Layout:
        raise NotImplementedError

    def _lines(self, row: MapRow) -> Iterable[NDArray[Any]]:
        """Blocks [lines, bands, samples] that this row completes."""
        raise NotImplementedError

    def _last_lines(self) -> Iterable[NDArray[Any]]:
        """Blocks that only the end of the scene completes."""
        return ()


def _pixel(plan: Plan) -> str:
    patch = plan.bundle.backbone.patch
    return f"one pixel = one patch of {patch} x {patch} samples"


def grid_columns(plan: Plan) -> int:
    """Columns of the patch grid that lie in the scene."""
    return -(-plan.source.samples // plan.bundle.backbone.patch)


class SaliencySink(MapFileSink):
    """``saliency``: M at the scene's full resolution, interpolated between patch centres."""

    def _layout(self, plan: Plan) -> Layout:
        self._interpolator = LineInterpolator(plan.bundle.backbone.patch, plan.source.samples)
        what = "FOCUS heatmap M (saliency summed over bands), interpolated between patch centres"
        return Layout("saliency", 1, plan.source.samples, what, {"band names": ["M"]})

    def _lines(self, row: MapRow) -> Iterable[NDArray[Any]]:
        return (lines[:, None] for lines in self._interpolator.add(row))

    def _last_lines(self) -> Iterable[NDArray[Any]]:
        return (lines[:, None] for lines in self._interpolator.finish())


class ScoresSink(MapFileSink):
    """``scores``: one band a class or target, at the resolution of the patch grid."""

    def _layout(self, plan: Plan) -> Layout:
        targets = plan.bundle.targets
        names = [f"{target.name} [{target.unit}]" if target.unit else target.name for target in targets]
        what = "class scores" if plan.bundle.task == "classification" else "predicted targets"
        description = f"FOCUS {what}; {_pixel(plan)}"
        return Layout("scores", len(targets), grid_columns(plan), description, {"band names": names})

    def _lines(self, row: MapRow) -> Iterable[NDArray[Any]]:
        return (row.scores[None],)


class SaliencyCubeSink(MapFileSink):
    """``saliency-cube``: T, one band a wavelength, at the resolution of the patch grid."""

    def _layout(self, plan: Plan) -> Layout:
        bundle = plan.bundle
        fields: dict[str, str | Sequence[str]] = {
            "wavelength units": "Nanometers",
            "wavelength": [f"{value:.3f}" for value in bundle.wavelengths_nm],
        }
        if bundle.fwhm_nm is not None:
            fields["fwhm"] = [f"{value:.3f}" for value in bundle.fwhm_nm]
        description = f"FOCUS saliency cube T; {_pixel(plan)}"
        return Layout("saliency-cube", bundle.bands, grid_columns(plan), description, fields)

    def _lines(self, row: MapRow) -> Iterable[NDArray[Any]]:
        return () if row.cube is None else (row.cube[None],)


class CollectedMap(BaseSink):
    """M at full resolution in memory, for scenes whose truth is known.

    Attributes:
        heatmap: float32 [lines, samples], after ``finish``.
    """

    heatmap: NDArray[np.float32]

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self._interpolator = LineInterpolator(plan.bundle.backbone.patch, plan.source.samples)
        self._blocks: list[NDArray[np.float32]] = []

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""
        self._blocks.extend(self._interpolator.add(row))

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        self.heatmap = np.concatenate([*self._blocks, *self._interpolator.finish()])
