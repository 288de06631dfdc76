"""The check that every engine makes before it runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focus.runtime._bundle import Bundle

#: Of the RuntimeError when an engine is used outside its ``with`` block.
CLOSED = "the engine is closed; use it inside its `with` block"


def require_shapes(bundle: Bundle, band_means: NDArray[np.float32], composite: NDArray[np.float32]) -> None:
    """Refuses inputs that are not the bundle's [B, N, C] and [B, 3, H, W].

    Raises:
        ValueError: with the expected and the given shapes.
    """
    means = (bundle.patches, bundle.bands)
    image = (3, *bundle.window)
    if band_means.shape[1:] != means or composite.shape[1:] != image or not len(band_means) == len(composite) > 0:
        raise ValueError(
            f"model {bundle.name} reads band_means [B, {means[0]}, {means[1]}] and "
            f"composite [B, 3, {image[1]}, {image[2]}], got {list(band_means.shape)} and {list(composite.shape)}"
        )
