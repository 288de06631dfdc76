"""What is wrong with the samples of a row of patches: what ingest counts, and what is known besides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focus.kernels import Quality
from focus.runtime.sources import SourceFacts


class Faults:
    """Counts ``FAULTS``. A dead element is the same in every line, so its count a row is known beforehand.

    Args:
        source: gives the elements without a gain.
        patch: edge of a patch in samples.
    """

    def __init__(self, source: SourceFacts, patch: int) -> None:
        bands, used = int(np.count_nonzero(source.read_bands)), source.read_bands[:, None]
        starts = np.arange(0, source.samples, patch)
        low = np.zeros((1, 1), bool) if source.low_denominator is None else source.low_denominator & used
        by_sample = np.broadcast_to(low.sum(axis=0), source.samples)
        self._low = np.add.reduceat(by_sample, starts).astype(np.int32)
        self._line = np.diff([*starts, source.samples]).astype(np.int32) * np.int32(bands)

    def of_rows(self, quality: Quality, arrived: int, missing: int) -> NDArray[np.int32]:
        """Samples with each of ``FAULTS``, int32 [N, 6], of one row of patches, or of rows that are alike.

        Args:
            quality: of their N patches.
            arrived, missing: how many lines of a row were read, and how many were lost or damaged.
        """
        rows = len(quality.counts) // len(self._low)
        low = np.tile(self._low, rows) * np.int32(arrived)
        lost = np.tile(self._line, rows) * np.int32(missing)
        counts = [quality.saturated, quality.below_dark, low, quality.dead - low, quality.not_finite]
        return np.stack([*counts, lost], axis=1)
