"""The maps as ENVI files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.outputs._contract import BaseSink
from focus.runtime.outputs._envi import EnviWriter
from focus.runtime.outputs._upsample import LineInterpolator
from focus.runtime.pipeline import MapRow, Plan, RunSummary

Fields = dict[str, str | Sequence[str]]


class EnviSink(BaseSink):
    """One map in one ENVI file, float32, nan where masked. What it holds is up to ``name`` and the methods below.

    Args:
        folder: where.
    """

    name: str

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: EnviWriter | None = None

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self._plan = plan
        bands, samples = self._size(plan)
        self._writer = EnviWriter(self._folder, self.name, bands, samples)

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""
        self._append(self._lines(row))

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        self._append(self._last_lines())
        description, fields = self._header()
        if self._writer is not None:
            self._writer.finish(description, {**fields, "data ignore value": "nan"})

    def close(self) -> None:
        """See ``MapSink.close``."""
        if self._writer is not None:
            self._writer.close()

    def _append(self, blocks: Iterable[NDArray[Any]]) -> None:
        for lines in blocks:
            if self._writer is not None:
                self._writer.append(lines)

    def _size(self, plan: Plan) -> tuple[int, int]:
        """Bands and samples."""
        raise NotImplementedError

    def _lines(self, row: MapRow) -> Iterable[NDArray[Any]]:
        """Blocks [lines, bands, samples] that this row completes."""
        raise NotImplementedError

    def _last_lines(self) -> Iterable[NDArray[Any]]:
        """Blocks that only the end of the scene completes."""
        return ()

    def _header(self) -> tuple[str, Fields]:
        """Description and further fields."""
        raise NotImplementedError

    def _pixel(self) -> str:
        patch = self._plan.bundle.backbone.patch
        return f"one pixel = one patch of {patch} x {patch} samples"


def grid_columns(plan: Plan) -> int:
    """Columns of the patch grid that lie in the scene."""
    return -(-plan.source.samples // plan.bundle.backbone.patch)


class SaliencySink(EnviSink):
    """``saliency.dat``: M at the scene's full resolution, interpolated between patch centres."""

    name = "saliency"

    def _size(self, plan: Plan) -> tuple[int, int]:
        self._interpolator = LineInterpolator(plan.bundle.backbone.patch, plan.source.samples)
        return 1, plan.source.samples

    def _lines(self, row: MapRow) -> Iterable[NDArray[Any]]:
        return (lines[:, None] for lines in self._interpolator.add(row))

    def _last_lines(self) -> Iterable[NDArray[Any]]:
        return (lines[:, None] for lines in self._interpolator.finish())

    def _header(self) -> tuple[str, Fields]:
        return "FOCUS heatmap M (saliency summed over bands), interpolated between patch centres", {"band names": ["M"]}


class ScoresSink(EnviSink):
    """``scores.dat``: one band a class or target, at the resolution of the patch grid."""

    name = "scores"

    def _size(self, plan: Plan) -> tuple[int, int]:
        return len(plan.bundle.targets), grid_columns(plan)

    def _lines(self, row: MapRow) -> Iterable[NDArray[Any]]:
        return (row.scores[None],)

    def _header(self) -> tuple[str, Fields]:
        bundle = self._plan.bundle
        names = [f"{target.name} [{target.unit}]" if target.unit else target.name for target in bundle.targets]
        what = "class scores" if bundle.task == "classification" else "predicted targets"
        return f"FOCUS {what}; {self._pixel()}", {"band names": names}


class SaliencyCubeSink(EnviSink):
    """``saliency-cube.dat``: T, one band a wavelength, at the resolution of the patch grid."""

    name = "saliency-cube"

    def _size(self, plan: Plan) -> tuple[int, int]:
        return plan.bundle.bands, grid_columns(plan)

    def _lines(self, row: MapRow) -> Iterable[NDArray[Any]]:
        return () if row.cube is None else (row.cube[None],)

    def _header(self) -> tuple[str, Fields]:
        bundle = self._plan.bundle
        fields: Fields = {
            "wavelength units": "Nanometers",
            "wavelength": [f"{value:.3f}" for value in bundle.wavelengths_nm],
        }
        if bundle.fwhm_nm is not None:
            fields["fwhm"] = [f"{value:.3f}" for value in bundle.fwhm_nm]
        return f"FOCUS saliency cube T; {self._pixel()}", fields


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
