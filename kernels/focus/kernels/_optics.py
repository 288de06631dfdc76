"""What a camera and a model ask of ``ingest``, checked once, in stored counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.kernels._results import Array

#: Weights of the composite below this share of their channel's largest are left out, the others scaled up: a Gaussian
#: has a little weight everywhere, and four fifths of the work would go into its tails.
LEAST_WEIGHT = 1e-4

Weights = NDArray[np.floating]


class StoredOptics(NamedTuple):
    """Reflectance = (stored - dark) * gain, and what is left out.

    Attributes:
        dark, gain: float32 [C, S]; both 0 where the sample is dead (no finite dark or gain).
        weights: float64 [3, C], trimmed (see ``trimmed_weights``).
        used: bool [C].
        ceiling: stored count from which a sample is saturated; infinity where it is not known.
    """

    dark: Array
    gain: Array
    weights: NDArray[np.float64]
    used: NDArray[np.bool_]
    ceiling: float

    @property
    def dead(self) -> NDArray[np.bool_]:
        """bool [C, S]."""
        return np.asarray(self.gain == 0)


def stored_optics(
    samples: int,
    composite_weights: Weights,
    dark: NDArray[np.floating] | float = 0.0,
    gain: NDArray[np.floating] | float = 1.0,
    used: NDArray[np.bool_] | None = None,
    bits: int | None = None,
    shift: int = 0,
) -> StoredOptics:
    """Checks and prepares the constants of ``ingest``; the arguments are those of ``focus.kernels.ingest``.

    Raises:
        ValueError: sizes that disagree, or a bit depth or shift that no camera has.
    """
    weights = np.asarray(composite_weights, np.float64)
    if weights.ndim != 2 or len(weights) != 3:
        raise ValueError(f"composite_weights must be [3, C], got {list(weights.shape)}")
    bands = weights.shape[1]
    if bits is not None and not 1 <= bits <= 32:
        raise ValueError(f"bits, the depth of the camera's words, must be 1 to 32, got {bits}")
    if not 0 <= shift <= 16:
        raise ValueError(f"shift, the unused low bits of a stored word, must be 0 to 16, got {shift}")
    scale = 2.0**shift
    black, factor = (_by_sample(name, values, bands, samples) for name, values in (("dark", dark), ("gain", gain)))
    with np.errstate(over="ignore", invalid="ignore"):
        black, factor = (black * scale).astype(np.float32), (factor / scale).astype(np.float32)
    alive = np.isfinite(black) & np.isfinite(factor) & (factor != 0)
    chosen = np.ones(bands, bool) if used is None else np.asarray(used, bool)
    if chosen.shape != (bands,):
        raise ValueError(f"used must say for each of the {bands} bands whether it is used, got {list(chosen.shape)}")
    return StoredOptics(
        np.where(alive, black, np.float32(0)),
        np.where(alive, factor, np.float32(0)),
        trimmed_weights(weights * chosen),
        chosen,
        np.inf if bits is None else (2.0**bits - 1) * scale,
    )


def trimmed_weights(weights: Weights) -> NDArray[np.float64]:
    """Composite weights without their tails, float64 [3, C]; each channel keeps its sum.

    Args:
        weights: [3, C].
    """
    wide = np.asarray(weights, np.float64)
    kept = np.where(np.abs(wide) < LEAST_WEIGHT * np.abs(wide).max(axis=1, keepdims=True), 0.0, wide)
    before, after = wide.sum(axis=1, keepdims=True), kept.sum(axis=1, keepdims=True)
    return np.asarray(kept * np.divide(before, after, out=np.ones_like(after), where=after != 0))


def _by_sample(name: str, values: NDArray[np.floating] | float, bands: int, samples: int) -> NDArray[np.float64]:
    """float64 [C, S] of a number, [C], [C, 1] or [C, S]."""
    given = np.asarray(values, np.float64)
    if given.ndim == 1:
        given = given[:, None]
    if (
        (given.ndim == 2 and given.shape[0] != bands)
        or given.ndim > 2
        or (given.ndim and given.shape[1] not in (1, samples))
    ):
        raise ValueError(
            f"{name} must be a number, [{bands}], [{bands}, 1] or [{bands}, {samples}], got {list(np.shape(values))}"
        )
    return np.broadcast_to(given, (bands, samples))
