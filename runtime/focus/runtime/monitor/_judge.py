"""Numbers against limits, and what to tell a person in the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from focus.runtime._bundle import Bundle
from focus.runtime.monitor._bands import Spectra
from focus.runtime.monitor._data import Flag
from focus.runtime.monitor._limits import BACKWARDS, BELOW_DARK, DRIFT, NEGATIVE, OUTSIDE, SATURATED, Limits, Span
from focus.runtime.monitor._ranges import ranges_nm


class Verdict(NamedTuple):
    """What is found of one flag.

    Attributes:
        name: in ``FLAGS``.
        value, limit: see ``Flag``.
        excess: 1 at the limit, 0 where all is as usual.
        words: makes the sentence.
    """

    name: str
    value: float
    limit: float
    excess: float
    words: Callable[[], str]

    def flag(self) -> Flag:
        """As a flag that is up."""
        return Flag(self.name, self.value, self.limit, self.words())


class Shares(NamedTuple):
    """Running means of the shares of samples with a fault, see ``pipeline.FAULTS``."""

    saturated: float
    below_dark: float


class Attention(NamedTuple):
    """Running means of where the network looks, see ``pipeline.Reading``; nan where that is not a number."""

    sink_mass: float
    collapse: float


class Judge:
    """Holds running means against a model's limits.

    Args:
        bundle: of the model.
        limits: of the model.
    """

    def __init__(self, bundle: Bundle, limits: Limits) -> None:
        self._bundle, self._limits = bundle, limits

    def __call__(self, shares: Shares, attention: Attention | None, spectra: Spectra | None) -> list[Verdict]:
        """One verdict a flag, in the order of ``FLAGS``; those of what is not known are left out."""
        return [
            self._saturated(shares.saturated),
            self._dark(shares.below_dark, spectra),
            *([] if spectra is None else [self._order(spectra.backwards), self._bands(spectra)]),
            *([] if attention is None else [self._sink(attention.sink_mass), self._collapse(attention.collapse)]),
        ]

    def _saturated(self, share: float) -> Verdict:
        return _share(
            "saturated",
            share,
            SATURATED,
            "of the samples are saturated (limit {limit}): shorten the exposure, lower the gain or dim the light",
        )

    def _dark(self, below_dark: float, spectra: Spectra | None) -> Verdict:
        """The first of three signs that is beyond its limit, the one that says most; else the one that is nearest."""
        way_out = "take new references (focus-calib reference)"
        words = f"of the samples are below the dark reference (limit {{limit}}), more than noise explains: {way_out}"
        signs = [_share("dark_level", below_dark, BELOW_DARK, words)]
        if spectra is not None:
            words = f"of the patches are below reflectance 0 in a tenth of the bands (limit {{limit}}): {way_out}"
            signs = [self._drift(spectra), _share("dark_level", spectra.negative, NEGATIVE, words), *signs]
        beyond = [sign for sign in signs if sign.excess > 1.0]
        return beyond[0] if beyond else max(signs, key=lambda sign: sign.excess)

    def _drift(self, spectra: Spectra) -> Verdict:
        counts, effect = spectra.offset_counts, spectra.offset_effect

        def words() -> str:
            side = "above" if counts > 0 else "below"
            at = self._bundle.wavelengths[spectra.offset_band]
            return (
                f"the dark level is about {abs(counts):.3g} counts {side} the dark reference, which moves the band at "
                f"{at:.0f} nm by {effect:.1f} deviations of training (limit {DRIFT:g}): take new references when the "
                "camera is warm (focus-calib reference)"
            )

        return Verdict("dark_level", effect, DRIFT, effect / DRIFT, words)

    def _order(self, backwards: float) -> Verdict:
        def words() -> str:
            return (
                f"the spectra are like those of training only when they are read backwards (correlation higher by "
                f"{backwards:.2f}, limit {BACKWARDS:g}): correct the order of the wavelengths"
            )

        return Verdict("wavelength_order", backwards, BACKWARDS, backwards / BACKWARDS, words)

    def _bands(self, spectra: Spectra) -> Verdict:
        outside = spectra.outside
        worst = int(np.argmax(outside))

        def words() -> str:
            far = outside >= min(OUTSIDE, outside[worst])
            usual = "what training saw" if self._limits.of_training else "what models usually see"
            at, ranges = self._bundle.wavelengths[worst], ranges_nm(self._bundle.wavelengths, far)
            return (
                f"{outside[worst]:.0%} of the patches are outside {usual} at {at:.0f} nm (limit {OUTSIDE:.0%}); "
                f"far off: {ranges}: check references, light and scene; the maps show what the model has not learnt"
            )

        return Verdict("band_means", float(outside[worst]), OUTSIDE, float(outside[worst]) / OUTSIDE, words)

    def _sink(self, value: float) -> Verdict:
        span = self._limits.sink_mass
        high = "the model finds little that it knows; check focus, light and scene"
        low = "the model leaves nothing over; check focus, light and scene"
        return self._attention("sink_mass", value, span, "of the attention goes to [SINK]", high, low)

    def _collapse(self, value: float) -> Verdict:
        span = self._limits.collapse
        high = "do not trust where the maps point; check focus, light and scene"
        low = "attention is spread evenly, so the maps point nowhere; check focus, light and scene"
        return self._attention("collapse", value, span, "of the attention goes to [SINK] and one patch", high, low)

    def _attention(self, name: str, value: float, span: Span, what: str, high: str, low: str) -> Verdict:
        limit = span.limit(value)
        if np.isnan(value):
            lost = "the network's attention is not a number: its precision overflows; export with --precision fp32"
            return Verdict(name, value, limit, np.inf, lambda: lost)

        def words() -> str:
            usual = f"training {span.low:.2f} to {span.high:.2f}, limit" if self._limits.of_training else "limit"
            return f"{value:.2f} {what} ({usual} {limit:.2f}): {low if value < span.low else high}"

        return Verdict(name, value, limit, span.excess(value), words)


def _share(name: str, share: float, limit: float, words: str) -> Verdict:
    return Verdict(name, share, limit, share / limit, lambda: f"{share:.1%} {words.format(limit=f'{limit:.0%}')}")
