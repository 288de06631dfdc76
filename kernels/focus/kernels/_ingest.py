"""``ingest`` of a whole cube, and what makes the first call as quick as the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from focus.kernels._lines import NATIVE, LineIngest
from focus.kernels._maps import saliency
from focus.kernels._optics import Weights
from focus.kernels._results import Ingested, joined


def ingest(
    raw: NDArray[Any],
    patch: int,
    composite_weights: Weights,
    *,
    dark: NDArray[np.floating] | float = 0.0,
    gain: NDArray[np.floating] | float = 1.0,
    used: NDArray[np.bool_] | None = None,
    bits: int | None = None,
    shift: int = 0,
    threads: int = 1,
) -> Ingested:
    """Band means and composite of raw samples: reflectance = (counts - dark) * gain, then two linear summaries of it.

    Each raw sample is read once; no cube of reflectance is made. ``LineIngest`` gives the same results, to the bit, of
    lines as they come.

    Args:
        raw: [C, H, W], any numeric dtype and strides (BIL, BIP and BSQ are views of such an array); uint8, uint16,
            int16 and float32 are read as they are, others are copied to float32. Patches are numbered row by row; where
            H or W is no multiple of the patch, the last ones are cut.
        patch: edge of a patch in samples, 1 to 255.
        composite_weights: float [3, C], see ``focus.runtime.spectral.composite_weights``.
        dark: counts without light: a number, [C], [C, 1] or [C, W].
        gain: reflectance a count, likewise; where it is 0 or not finite, the detector's element is dead.
        used: bool [C], False for bands that are left out; None uses all.
        bits: depth of the camera's words; counts of 2^bits - 1 and above are saturated. None: nothing is.
        shift: unused low bits of a stored word (4 for 12 bits at the upper end of 16); counts = stored / 2^shift.
        threads: how many share the work.
    Returns: see ``Ingested``.
    Raises:
        ValueError: raw is not [C, H, W], sizes disagree, or a patch, bit depth or shift outside what cameras have.
    """
    weights = np.asarray(composite_weights)
    if raw.ndim != 3 or weights.ndim != 2 or raw.shape[0] != weights.shape[1]:
        raise ValueError(f"raw must be [C, H, W] with C the {weights.shape[-1]} bands of the weights, got {raw.shape}")
    lines = LineIngest(
        raw.shape[2], patch, weights, dark=dark, gain=gain, used=used, bits=bits, shift=shift, threads=threads
    )
    whole = lines.add(raw)
    return whole if raw.shape[1] % patch == 0 else joined([whole, lines.finish()])


def prepare(dtype: DTypeLike = np.uint16) -> None:
    """Compiles the kernels for a type of raw samples in lines (BIL), or loads them where an earlier run has, so that
    the first frame costs what every frame costs. The first time on a machine takes some seconds.

    Args:
        dtype: of the raw samples.
    """
    kind = np.dtype(dtype) if np.dtype(dtype) in NATIVE else np.dtype(np.float32)
    ingest(np.zeros((3, 2, 2), kind), 2, np.eye(3))
    saliency(np.ones((1, 1, 1), np.float32), np.ones((1, 3), np.float32), np.ones(3), np.ones(1))
