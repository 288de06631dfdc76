"""From where on a number is no longer believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.runtime._bundle import Bundle, Range

Numbers = NDArray[np.float64]

#: Share of samples at or above the camera's highest count.
SATURATED = 0.01

#: Share of samples below the dark reference; noise alone puts half of an unlit scene there.
BELOW_DARK = 0.6

#: Share of the patches of one band that may lie outside the range that 99.8 % of training's patches lie in.
OUTSIDE = 0.25

#: Share of the patches below reflectance 0, which no surface has, in a tenth of the bands.
NEGATIVE = 0.05

#: How far an offset of all counts may move x^ of the band that it moves most, in deviations of training.
DRIFT = 3.0

#: By how much a spectrum may be more like training's mean when it is read backwards, as a difference of correlations.
BACKWARDS = 0.5

#: The least that a range of attention is widened by on both sides: five points more or less on [SINK] spoil no map.
LEAST_MARGIN = 0.05

#: For models that do not know the range of their training: most attention, and most x^ of a band, whose least is that
#: of reflectance 0.
FIXED_SINK_MASS, FIXED_COLLAPSE, FIXED_DEVIATIONS = 0.5, 0.9, 6.0


class Span(NamedTuple):
    """What is usual, and how far beyond it a value may lie; ``low`` may be minus infinity."""

    low: float
    high: float
    margin: float

    @classmethod
    def around(cls, seen: Range) -> Span:
        """A tenth of its width on both sides."""
        return cls(seen.low, seen.high, max(0.1 * (seen.high - seen.low), LEAST_MARGIN))

    @classmethod
    def up_to(cls, most: float) -> Span:
        """Anything up to ``most``."""
        return cls(-np.inf, most - LEAST_MARGIN, LEAST_MARGIN)

    def excess(self, value: float) -> float:
        """0 within what is usual, 1 at the limit."""
        return max(self.low - value, value - self.high, 0.0) / self.margin

    def limit(self, value: float) -> float:
        """The limit on the side where the value lies."""
        return self.low - self.margin if value < self.low else self.high + self.margin


@dataclass(frozen=True, eq=False)
class Limits:
    """Of one model.

    Attributes:
        of_training: whether the model knows the range of its training; otherwise they are fixed ones.
        sink_mass, collapse: of a window.
        band_low, band_high: float32 [C], x^ of a patch; what is outside counts as foreign.
    """

    of_training: bool
    sink_mass: Span
    collapse: Span
    band_low: NDArray[np.float32]
    band_high: NDArray[np.float32]

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> Limits:
        """Those of a model."""
        seen = bundle.seen
        if seen is None:
            low = (-np.array(bundle.mean) / np.array(bundle.deviation)).astype(np.float32)
            return cls(
                False,
                Span.up_to(FIXED_SINK_MASS),
                Span.up_to(FIXED_COLLAPSE),
                low,
                np.full_like(low, FIXED_DEVIATIONS),
            )
        return cls(
            True,
            Span.around(seen.sink_mass),
            Span.around(seen.collapse),
            np.array(seen.band_low, np.float32),
            np.array(seen.band_high, np.float32),
        )
