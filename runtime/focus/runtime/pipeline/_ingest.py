"""Strips of raw samples into rows of patches, by ``kernels.ingest``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focus.kernels import ingest, standardise
from focus.runtime._bundle import Bundle
from focus.runtime._errors import CubeError
from focus.runtime.pipeline._data import PatchRow, Strip
from focus.runtime.sources import SourceFacts


class Ingest:
    """Makes what the network reads of raw samples, for one source and one model.

    Args:
        source: gives dark, gain and good bands.
        bundle: gives patch, composite weights, mu and sigma.
        columns: columns of the patch grid.
    Raises:
        CubeError: no good band left for a channel of the composite.
    """

    def __init__(self, source: SourceFacts, bundle: Bundle, columns: int) -> None:
        self._bundle = bundle
        self._patch = bundle.backbone.patch
        self._samples = source.samples
        width = columns * self._patch
        self._dark, self._gain = (_across(values, width) for values in (source.dark, source.gain))
        self._good = source.good_bands
        self._weights = _composite_of_good(np.array(bundle.composite_weights), self._good, source.name)
        self._mean, self._deviation = np.array(bundle.mean), np.array(bundle.deviation)

    def __call__(self, strip: Strip) -> PatchRow:
        """One row of patches.

        A patch with some measured samples is read from those alone; a patch of nothing but filling is read as it is
        filled, because the network expects an image, and is masked in the maps.
        """
        measured = strip.measured.reshape(self._patch, -1, self._patch).any(axis=(0, 2))
        usable = strip.measured | np.repeat(~measured, self._patch)
        found = ingest(
            strip.raw,
            self._patch,
            self._weights,
            dark=self._dark,
            gain=self._gain,
            valid=usable & self._good[:, None, None],
        )
        return PatchRow(
            strip.row,
            standardise(found.band_means, self._mean, self._deviation),
            found.composite,
            np.where(measured, found.valid_share / self._good.mean(), 0.0).astype(np.float32),
            strip.measured & self._seen(strip),
            strip.lines,
            strip.first_sequence,
            strip.times,
        )

    def _seen(self, strip: Strip) -> NDArray[np.bool_]:
        """Samples with a finite value in at least one good band, bool [patch, width]."""
        usable_gain = np.isfinite(self._gain) & self._good[:, None, None]
        if strip.raw.dtype.kind != "f":
            return np.asarray(usable_gain.any(axis=0))
        return np.asarray((np.isfinite(strip.raw) & usable_gain).any(axis=0))


def _across(values: NDArray[np.float32], width: int) -> NDArray[np.float64]:
    """[C, S] as float64 [C, 1, width], continued at the edge like the samples; S = 1 stays."""
    if values.shape[1] > 1:
        values = np.pad(values, ((0, 0), (0, width - values.shape[1])), mode="edge")
    return values.astype(np.float64)[:, None, :]


def _composite_of_good(weights: NDArray[np.float64], good: NDArray[np.bool_], name: str) -> NDArray[np.float64]:
    """Weights of the good bands, scaled so that each channel stays an average."""
    kept = weights * good
    totals = kept.sum(axis=1, keepdims=True)
    if np.any(totals <= 0.01 * weights.sum(axis=1, keepdims=True)):
        raise CubeError(
            f"{name} marks every band of a channel of the model's composite as bad; correct its list of bad bands"
        )
    scaled: NDArray[np.float64] = kept * (weights.sum(axis=1, keepdims=True) / totals)
    return scaled
