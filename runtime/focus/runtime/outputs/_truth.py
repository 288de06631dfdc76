"""``truth.dat``: what a simulation knows of its scene, and how well the maps found it."""

from __future__ import annotations

import numpy as np

from focus.runtime.outputs._envi import EnviWriter
from focus.runtime.outputs._layout import Layout
from focus.runtime.outputs._maps import CollectedMap
from focus.runtime.outputs._open_files import OpenFiles
from focus.runtime.outputs._score import lesion_iou
from focus.runtime.pipeline import Plan, RunSummary


class TruthSink(CollectedMap):
    """Scores the heatmap and writes the truth; nothing where no truth is known.

    Args:
        files: where.
    Attributes:
        lesion_iou: see ``lesion_iou``, after ``finish``.
    """

    def __init__(self, files: OpenFiles) -> None:
        self._files = files
        self.lesion_iou: dict[str, float] = {}

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        super().start(plan)
        if plan.truth is None:
            raise ValueError(f"{plan.source.name} has no truth")
        self._truth = plan.truth

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        super().finish(summary)
        # A live simulation may end early, and its first lines may be lost; what was seen is scored.
        seen = self._truth.of_lines(summary.counts.first_sequence, len(self.heatmap))
        self.lesion_iou = lesion_iou(self.heatmap, seen)
        names = ", ".join(f"{index} {name}" for index, name in enumerate(seen.class_names))
        layout = Layout(
            "truth", 2, seen.lesion_class.shape[1], f"true classes: {names}, -1 none",
            {"band names": ["lesion class", "leaf class"]}, np.dtype(np.int16),
        )  # fmt: skip
        writer = EnviWriter(self._files, layout)
        writer.append(np.stack([seen.lesion_class, seen.leaf_class], axis=1))
        writer.finish()
