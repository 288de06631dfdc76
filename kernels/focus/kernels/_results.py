"""What the kernels give back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

#: What ``Quality.counts`` counts for each patch, in this order.
COUNTS = ("valid", "saturated", "below_dark", "dead", "not_finite")

#: A patch with less than this share of its samples valid is flagged.
LEAST_VALID = 0.5


class Quality(NamedTuple):
    """How good the samples of each patch were, over all bands that are used. What is missing is in none of the counts.

    Attributes:
        counts: int32 [N, 5], one column for each of ``COUNTS``.
        samples: patch^2 times the bands used, what a patch could have.
    """

    counts: NDArray[np.int32]
    samples: int

    @property
    def valid(self) -> NDArray[np.int32]:
        """int32 [N], samples that the band means are made of. Those below dark are among them: R is not clipped, and a
        mean without them would be too high.
        """
        return self.counts[:, 0]

    @property
    def saturated(self) -> NDArray[np.int32]:
        """int32 [N], at or above the highest count of the camera's words; left out."""
        return self.counts[:, 1]

    @property
    def below_dark(self) -> NDArray[np.int32]:
        """int32 [N], valid, but below the dark reference."""
        return self.counts[:, 2]

    @property
    def dead(self) -> NDArray[np.int32]:
        """int32 [N], of detector elements whose gain is 0, or whose gain or dark is not finite; left out."""
        return self.counts[:, 3]

    @property
    def not_finite(self) -> NDArray[np.int32]:
        """int32 [N], NaN or infinite (floating-point raw samples only); left out."""
        return self.counts[:, 4]

    @property
    def valid_share(self) -> Array:
        """float32 [N], 0..1."""
        return (self.valid / max(self.samples, 1)).astype(np.float32)

    @property
    def flagged(self) -> NDArray[np.bool_]:
        """bool [N], True where too few samples are valid (less than half)."""
        return np.asarray(self.valid_share < LEAST_VALID)


class Ingested(NamedTuple):
    """What the network reads of some patch rows of raw samples, and how good they were.

    Attributes:
        band_means: float32 [N, C], mean reflectance of each band over each patch; NaN where it has no valid sample.
        composite: float32 [3, H, W], reflectance.
        quality: see ``Quality``.
    """

    band_means: Array
    composite: Array
    quality: Quality

    @property
    def valid_share(self) -> Array:
        """See ``Quality.valid_share``."""
        return self.quality.valid_share


def joined(pieces: Sequence[Ingested]) -> Ingested:
    """Patch rows that follow each other, as one; at least one piece."""
    if len(pieces) == 1:
        return pieces[0]
    return Ingested(
        np.concatenate([piece.band_means for piece in pieces]),
        np.concatenate([piece.composite for piece in pieces], axis=1),
        Quality(np.concatenate([piece.quality.counts for piece in pieces]), pieces[0].quality.samples),
    )


class Saliency(NamedTuple):
    """Eqs. (5) and (6).

    Attributes:
        cube: T, float32 [C, N], or None where it was not asked for.
        heatmap: M, float32 [N].
        curve: B, float32 [C].
    """

    cube: Array | None
    heatmap: Array
    curve: Array
