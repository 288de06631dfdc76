"""What the pictures are drawn from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focus.runtime.outputs._contract import BaseSink
from focus.runtime.outputs._fold import Fold, fold_of
from focus.runtime.outputs._thinned import Thinned
from focus.runtime.pipeline import MapRow, Plan, RunSummary

Array = NDArray[np.float32]

#: Lines and samples of the largest picture; a folded one has more lines.
LIMIT = 1600


class Preview(BaseSink):
    """Collects a scene's composite and maps, thinned out where the scene is huge.

    Attributes:
        fold: how the scene is folded, or None where it is not much longer than wide.
        composite: float32 [h, w, 3], reflectance, nan where masked.
        heatmap: float32 [rows, columns], M.
        scores: float32 [rows, columns, K].
        extent: samples and lines of the scene, for the axes.
        patch_extent: the same for the maps, whose last patches may reach beyond the scene.
    """

    fold: Fold | None
    composite: Array
    heatmap: Array
    scores: Array
    extent: tuple[int, int]
    patch_extent: tuple[int, int]

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        samples, patch = plan.source.samples, plan.bundle.backbone.patch
        self._patch, self._rows = patch, 0
        self._snapshots = plan.source.cube_lines is not None
        self._composite = Thinned(samples, LIMIT)
        self._heatmap, self._scores = (Thinned(-(-samples // patch), LIMIT) for _ in range(2))

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""
        picture = np.where(row.mask[..., None], np.moveaxis(row.composite, 0, 2), np.float32(np.nan))
        if self._snapshots and row.lines < self._patch:  # the next cube begins at a row of patches of its own
            picture = np.pad(picture, ((0, self._patch - row.lines), (0, 0), (0, 0)), constant_values=np.nan)
        self._composite.add(picture)
        self._rows += 1
        self._heatmap.add(row.heatmap[None])
        self._scores.add(row.scores.T[None])

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        columns = -(-summary.samples // self._patch)
        self.patch_extent = (columns * self._patch, self._rows * self._patch)
        self.extent = (summary.samples, self.patch_extent[1] if self._snapshots else summary.lines)
        self.fold = fold_of(*self.extent)
        self.composite, self.heatmap, self.scores = (
            thinned.square() if self.fold is None else thinned.array()
            for thinned in (self._composite, self._heatmap, self._scores)
        )


def stretched(composite: Array) -> NDArray[np.uint8]:
    """Reflectance as a picture: one black and one white point for all channels, so that colours stay, and a gamma of 2.

    Args:
        composite: float32 [h, w, 3]; nan becomes mid-grey.
    Returns: uint8 [h, w, 3].
    """
    known = np.isfinite(composite)
    if not known.any():
        return np.full(composite.shape, 128, np.uint8)
    low, high = np.percentile(composite[known], [0.5, 99.5])
    scaled = np.sqrt(np.clip((composite - low) / max(high - low, 1e-9), 0, 1))
    return np.where(known, np.rint(255 * np.nan_to_num(scaled)), 128).astype(np.uint8)
