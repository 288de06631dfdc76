"""What a corruption knows of sensor and windows, and how the composite follows the band means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from focus.exporter.data._windows import Array

#: A patch darker than this (reflectance) has no shading that could be told.
_DARK = 1e-4

#: Band means [N, C], composite [3, H, W] and the window's own random numbers -> both as the model would get them.
Change: TypeAlias = Callable[[Array, Array, np.random.Generator], tuple[Array, Array]]


@dataclass(frozen=True, eq=False)
class Optics:
    """What a corruption needs to know of the sensor and of the windows.

    Attributes:
        wavelengths_nm: float64 [C]; composite_weights: float64 [3, C].
        patch: edge of a patch in samples; size: lines and samples of a window.
    """

    wavelengths_nm: NDArray[np.float64]
    composite_weights: NDArray[np.float64]
    patch: int
    size: tuple[int, int]

    def by_patch(self, image: NDArray[np.floating]) -> NDArray[np.float64]:
        """A view of [K, H, W] as [K, rows, patch, columns, patch]."""
        rows, columns = (edge // self.patch for edge in self.size)
        return np.asarray(image, np.float64).reshape(-1, rows, self.patch, columns, self.patch)

    def spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """One value a patch, [N, K], on all of its samples: [K, H, W]."""
        rows, columns = (edge // self.patch for edge in self.size)
        grid = values.T.reshape(-1, rows, columns)
        return grid.repeat(self.patch, axis=1).repeat(self.patch, axis=2)

    def shading(self, composite: Array) -> NDArray[np.float64]:
        """s(p), float64 [H, W]: mean over the channels of composite / its patch's mean; 1 where that is dark."""
        blocks = self.by_patch(composite)
        level = blocks.mean(axis=(2, 4), keepdims=True)
        lit = level > _DARK
        ratio = np.where(lit, blocks / np.where(lit, level, 1.0), 0.0).sum(axis=0)
        count = lit.sum(axis=0)
        return np.where(count > 0, ratio / np.maximum(count, 1), 1.0).reshape(self.size)

    def moved(self, composite: Array, shift: NDArray[np.float64]) -> Array:
        """The composite after its patches' means have moved by ``shift`` [N, 3], shaded as before."""
        return (composite + self.spread(shift) * self.shading(composite)).astype(np.float32)

    def multiplied(self, means: Array, composite: Array, changed: NDArray[np.floating]) -> tuple[Array, Array]:
        """Band means that were multiplied or mixed, and the composite that moves with them."""
        shift = np.nan_to_num(changed - means).astype(np.float64) @ self.composite_weights.T
        return changed.astype(np.float32), self.moved(composite, shift)
