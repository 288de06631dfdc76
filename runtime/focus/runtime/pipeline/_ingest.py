"""Strips of raw samples into rows of patches, by ``kernels.ingest``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.kernels import Ingested, LineIngest, Quality, standardise
from focus.runtime._bundle import Bundle
from focus.runtime._errors import CubeError
from focus.runtime.cubes import resample
from focus.runtime.pipeline._data import Array, PatchRow, Strip
from focus.runtime.pipeline._faults import Faults
from focus.runtime.sources import SourceFacts


class Ingest:
    """Makes what the network reads of raw samples, for one source and one model.

    Args:
        source: gives dark, gain, good bands, and the depth of the words.
        bundle: gives patch, composite weights, mu and sigma.
        columns: columns of the patch grid, at least those that the source's samples fill.
        threads: how many share the work.
    Raises:
        CubeError: no good band left for a channel of the composite.
    """

    def __init__(self, source: SourceFacts, bundle: Bundle, columns: int, threads: int = 1) -> None:
        self._columns = columns
        self._lines = LineIngest(
            source.samples,
            bundle.backbone.patch,
            composite_of_good(bundle, source),
            **optics_of(source),
            threads=threads,
        )
        self._mean, self._deviation = np.array(bundle.mean), np.array(bundle.deviation)
        self._resampling = source.resampling
        self._alive = alive_samples(source)
        self._faults = Faults(source, bundle.backbone.patch)
        self._row_before: Array | None = None

    def __call__(self, strip: Strip) -> PatchRow:
        """One row of patches.

        A patch with some samples is read from those alone. A row of which no line arrived is read as the one before,
        and columns beyond the scene as its last one, because the network expects an image; both are masked in the maps.
        """
        if strip.begins:  # nothing of the cube before is shown in this one
            self._lines.finish()
            self._row_before = None
        found = self._ingested(strip)
        means = self._in_bands_of_model(found.band_means)
        standardised = standardise(means, self._mean, self._deviation)
        if not strip.arrived.any() and self._row_before is not None:
            standardised = self._row_before
        self._row_before = standardised
        held = np.pad(standardised, ((0, self._columns - len(standardised)), (0, 0)), mode="edge")
        seen, quality = seen_samples(strip, self._alive), found.quality
        if self._resampling is not None:
            blind = ~np.isfinite(means).any(axis=1)  # what was measured there makes no band of the model
            seen &= ~np.repeat(blind, len(seen))[: seen.shape[1]]
            quality = quality._replace(counts=quality.counts.copy())
            quality.valid[blind] = 0
        return patch_row(strip, self._columns, held, found.composite, quality, self._faults, seen)

    def _in_bands_of_model(self, band_means: Array) -> Array:
        """Band means [N, C] of the source in the model's bands: means over samples and over bands commute."""
        if self._resampling is None:
            return band_means
        means = band_means.T[:, None]
        return resample(means, self._resampling, np.isfinite(means))[:, 0].T

    def _ingested(self, strip: Strip) -> Ingested:
        for start, stop in _runs(strip.arrived):
            arrived = strip.arrived[start]
            found = self._lines.add(strip.raw[:, start:stop]) if arrived else self._lines.skip(stop - start)
        return found


def patch_row(
    strip: Strip,
    columns: int,
    held: object,
    composite: Array,
    quality: Quality,
    faults: Faults,
    seen: NDArray[np.bool_],
) -> PatchRow:
    """One row of patches, filled up to ``columns``.

    Args:
        strip: its lines.
        columns: at least those that the samples fill.
        held: see ``PatchRow``.
        composite: float32 [3, patch, S].
        quality: of the patches that the samples fill.
        faults: of the source.
        seen: bool [patch, S], see ``seen_samples``.
    """
    _, patch, samples = composite.shape
    beyond, width = columns - len(quality.counts), columns * patch - samples
    arrived = int(np.count_nonzero(strip.arrived))
    counted = faults.of_rows(quality, arrived, strip.lines - arrived)
    return PatchRow(
        strip.row,
        held,
        np.pad(composite, ((0, 0), (0, 0), (0, width)), mode="edge"),
        np.pad(quality.valid_share, (0, beyond)),
        np.pad(counted, ((0, beyond), (0, 0))),
        np.pad(seen, ((0, 0), (0, width))),
        strip.lines,
        strip.first_sequence,
        strip.times,
        strip.snapshot,
        strip.ends,
    )


def alive_samples(source: SourceFacts) -> NDArray[np.bool_]:
    """bool [C, S or 1], True where a detector's element measures."""
    return np.asarray(np.isfinite(source.gain) & (source.gain != 0) & source.read_bands[:, None])


def seen_samples(strip: Strip, alive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Samples that were measured in at least one band that is read, bool [patch, S]."""
    _, patch, samples = strip.raw.shape
    seen = alive.any(axis=0)
    if strip.raw.dtype.kind == "f":
        seen = (np.isfinite(strip.raw) & alive[:, None]).any(axis=0)
    return np.asarray(np.broadcast_to(seen, (patch, samples)) & strip.arrived[:, None])


def _runs(arrived: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Stretches of lines that all arrived or all did not."""
    edges = [0, *(np.flatnonzero(np.diff(arrived)) + 1), len(arrived)]
    yield from pairwise(edges)


def optics_of(source: SourceFacts) -> dict[str, Any]:
    """What ``focus.kernels.ingest`` asks of a source, by its names there."""
    return {
        "dark": source.dark,
        "gain": source.gain,
        "used": source.read_bands,
        "bits": source.bits,
        "shift": source.shift,
    }


def composite_of_good(bundle: Bundle, source: SourceFacts) -> NDArray[np.float64]:
    """Weights of the good bands in the composite, scaled so that each channel stays an average, float64 [3, C].

    Raises:
        CubeError: no good band left for a channel.
    """
    weights = np.array(bundle.composite_weights)
    if source.resampling is not None:
        weights = weights @ source.resampling
    kept = weights * source.good_bands
    totals = kept.sum(axis=1, keepdims=True)
    if np.any(totals <= 0.01 * weights.sum(axis=1, keepdims=True)):
        raise CubeError(
            f"{source.name} marks every band of a channel of the model's composite as bad; "
            "correct its list of bad bands"
        )
    scaled: NDArray[np.float64] = kept * (weights.sum(axis=1, keepdims=True) / totals)
    return scaled
