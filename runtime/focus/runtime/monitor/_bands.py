"""What the spectra say: whether they are like those of training, and if not, whether one cause explains it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from focus.runtime._bundle import Bundle
from focus.runtime.monitor._limits import Limits
from focus.runtime.monitor._running import Running
from focus.runtime.sources import SourceFacts

Numbers = NDArray[np.float64]

#: Share of a spectrum's variance about its own brightness that one offset in counts must explain, to be called a drift.
EXPLAINED = 0.7

#: Correlation with training's mean spectrum that a spectrum read backwards must have, to be called reversed.
MIRRORED = 0.8


@dataclass(frozen=True, eq=False)
class Spectra:
    """Running means over the last windows.

    Attributes:
        outside: float64 [C], share of the patches outside what is usual for a band.
        negative: share of patches below reflectance 0 that a tenth of the bands reach or exceed.
        offset_counts: the one offset of all bands that fits best, in counts; 0 where it explains too little, or the
            source has no dark reference.
        offset_effect: the most that it moves x^ of a band, in deviations of training, and ``offset_band`` which.
        backwards: by how much the mean spectrum read backwards is more like training's mean than as it is, as a
            difference of correlations; 0 unless it is like it.
    """

    outside: Numbers
    negative: float
    offset_counts: float
    offset_effect: float
    offset_band: int
    backwards: float


class SpectraWatch:
    """Takes the band means of window after window.

    Args:
        bundle: of the model.
        limits: of the model.
        source: gives reflectance a count.
        memory: windows to look back.
    """

    def __init__(self, bundle: Bundle, limits: Limits, source: SourceFacts, memory: float) -> None:
        self._mean, self._deviation = np.array(bundle.mean), np.array(bundle.deviation)
        self._zero = (-self._mean / self._deviation).astype(np.float32)
        self._limits = limits
        self._leverage = deviations_a_count(bundle, source)
        self._outside: Running[Numbers] = Running(memory)
        self._negative: Running[Numbers] = Running(memory)
        self._spectrum: Running[Numbers] = Running(memory)

    def add(self, standardised: NDArray[np.float32], weight: float) -> Spectra:
        """The running means with one more window.

        Args:
            standardised: [V, C], x^ of its valid patches, at least one.
            weight: share of its samples that are valid.
        """
        outside = (standardised < self._limits.band_low) | (standardised > self._limits.band_high)
        spectrum = self._spectrum.add(standardised.mean(axis=0, dtype=np.float64), weight)
        counts, effect, band = self._offset(spectrum)
        return Spectra(
            self._outside.add(share_by_band(outside), weight),
            exceeded_by_a_tenth(self._negative.add(share_by_band(standardised < self._zero), weight)),
            counts,
            effect,
            band,
            self._backwards(spectrum),
        )

    def _offset(self, spectrum: Numbers) -> tuple[float, float, int]:
        """Least squares, spectrum = brightness + counts * leverage; a scene's own brightness moves all bands alike."""
        explained = correlation(spectrum, self._leverage)
        if explained**2 < EXPLAINED:
            return 0.0, 0.0, 0
        counts = explained * float(spectrum.std() / self._leverage.std())
        band = int(np.argmax(self._leverage))
        return counts, abs(counts) * float(self._leverage[band]), band

    def _backwards(self, spectrum: Numbers) -> float:
        reflectance = spectrum * self._deviation + self._mean
        mirrored = correlation(reflectance[::-1], self._mean)
        return max(0.0, mirrored - correlation(reflectance, self._mean)) if mirrored >= MIRRORED else 0.0


def deviations_a_count(bundle: Bundle, source: SourceFacts) -> Numbers:
    """By how many of training's deviations a band's reflectance changes with one count, float64 [C]: its median over
    the samples; 0 for bands that are left out, and for all where the source has no dark reference (recorded
    reflectance).
    """
    gain = np.where(np.isfinite(source.gain) & (source.gain != 0), source.gain, np.nan).astype(np.float64)
    measures = source.good_bands & np.isfinite(gain).any(axis=1)
    a_count = np.zeros(source.bands)
    if np.any(source.dark) and measures.any():
        a_count[measures] = np.nanmedian(gain[measures], axis=1)
    in_bands_of_model = a_count if source.resampling is None else source.resampling @ a_count
    return np.asarray(in_bands_of_model / np.array(bundle.deviation))


def share_by_band(true: NDArray[np.bool_]) -> Numbers:
    """Mean over the patches of [V, C], float64 [C]; a third of the time of ``mean``."""
    return np.asarray(true.view(np.uint8).sum(axis=0, dtype=np.uint32) / len(true))


def exceeded_by_a_tenth(shares: Numbers) -> float:
    """What the highest tenth of the values, at least one of them, reach."""
    place = len(shares) - max(1, len(shares) // 10)
    return float(np.partition(shares, place)[place])


def correlation(first: Numbers, second: Numbers) -> float:
    """Pearson's; 0 for flat spectra, which are like none."""
    one, other = first - first.mean(), second - second.mean()
    sizes = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / sizes if sizes > 1e-12 else 0.0
