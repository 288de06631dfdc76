"""Passes of a number of windows that the network was made for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import DTypeLike, NDArray

from focus.runtime.engines._contract import Outputs

#: One pass: band means and composites to outputs, in the order of ``Outputs``.
OnePass = Callable[..., Iterable[NDArray[np.float32]]]


def in_batches(
    one_pass: OnePass,
    batch: int | None,
    dtype: DTypeLike,
    band_means: NDArray[np.float32],
    composite: NDArray[np.float32],
) -> Outputs:
    """Windows in passes of ``batch``; an incomplete one is filled up with zeros, which are not given back.

    Args:
        one_pass: given contiguous arrays of the dtype.
        batch: None takes them all at once.
        band_means: float32 [B, N, C]; composite: float32 [B, 3, H, W].
    """
    found, step = [], batch or len(band_means)
    for first in range(0, len(band_means), step):
        parts = [np.ascontiguousarray(values[first : first + step], dtype) for values in (band_means, composite)]
        count = len(parts[0])
        if count < step:
            parts = [np.concatenate([part, np.zeros((step - count, *part.shape[1:]), dtype)]) for part in parts]
        found.append([np.asarray(value[:count], np.float32) for value in one_pass(*parts)])
    return Outputs(*(values[0] if len(found) == 1 else np.concatenate(values) for values in zip(*found, strict=True)))
