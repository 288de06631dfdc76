"""A data set as the network reads it.

Band means and composites of equal windows, held in memory, and the truth about them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Task: TypeAlias = Literal["classification", "regression"]

#: Names of the splits; ``WindowSet.splits`` holds indices into it.
SPLITS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Truth:
    """What a simulation knows of its M windows.

    Attributes:
        informative: float32 [M, C], |difference that the lesion makes| / noise; 0 for a healthy leaf.
        lesion_share: float32 [M, N], share of each patch that is lesion.
        leaf_share: float32 [M, N], share of each patch that is leaf.
        lesion_bits: uint8 [M, ceil(H W / 8)], the full-resolution lesion mask, bit-packed.
        trait_information: float32 [M, K, C], of a regression: how well each band tells each target at this leaf, see
            ``trait_information``; the place that tells is the leaf.
    """

    informative: Array
    lesion_share: Array
    leaf_share: Array
    lesion_bits: NDArray[np.uint8]
    trait_information: Array | None = None

    def lesion_mask(self, window: int, size: tuple[int, int]) -> NDArray[np.bool_]:
        """The lesion mask of one window at full resolution, bool [H, W]."""
        lines, samples = size
        return np.unpackbits(self.lesion_bits[window], count=lines * samples).reshape(size).astype(bool)


@dataclass(frozen=True, eq=False)
class WindowSet:
    """M windows of H lines x W samples, N patches and C bands each; K classes or regression targets.

    Attributes:
        task: what is learnt.
        band_means: float32 [M, N, C], reflectance; nan where a patch has no valid sample of a band.
        composite: float16 [M, 3, H, W], reflectance. Half precision is 5e-4 of the value, far below any sensor's noise.
        targets: int64 [M] class indices, or float32 [M, K].
        target_names: K names; units: K units or None.
        splits: int8 [M], indices into ``SPLITS``.
        windows: M names for messages; groups: M names of what must not be torn apart (a plot, a plant, a cube).
        wavelengths_nm: float64 [C]; fwhm_nm: float64 [C] or None.
        composite_weights: float64 [3, C].
        patch: edge of a patch in samples.
        truth: the simulation's, or None.
        source: where the windows come from, for ``Bundle.trained_on``.
        notes: what a user should be told of the loading, a sentence each.
    """

    task: Task
    band_means: Array
    composite: NDArray[np.float16]
    targets: NDArray[np.int64] | Array
    target_names: tuple[str, ...]
    units: tuple[str | None, ...]
    splits: NDArray[np.int8]
    windows: tuple[str, ...]
    groups: tuple[str, ...]
    wavelengths_nm: NDArray[np.float64]
    fwhm_nm: NDArray[np.float64] | None
    composite_weights: NDArray[np.float64]
    patch: int
    truth: Truth | None = None
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Lines and samples of a window."""
        return int(self.composite.shape[2]), int(self.composite.shape[3])

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self.size[0] // self.patch, self.size[1] // self.patch

    @property
    def bands(self) -> int:
        """C."""
        return int(self.band_means.shape[2])

    def of(self, split: str) -> NDArray[np.int64]:
        """Indices of a split's windows, increasing.

        Raises:
            ValueError: there is no such split.
        """
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
        return np.flatnonzero(self.splits == SPLITS.index(split))

    def only(self, split: str) -> WindowSet:
        """The windows of one split alone."""
        chosen, truth = self.of(split), self.truth
        if truth is not None:
            traits = truth.trait_information
            truth = Truth(
                truth.informative[chosen],
                truth.lesion_share[chosen],
                truth.leaf_share[chosen],
                truth.lesion_bits[chosen],
                None if traits is None else traits[chosen],
            )
        return replace(
            self,
            band_means=self.band_means[chosen],
            composite=self.composite[chosen],
            targets=self.targets[chosen],
            splits=self.splits[chosen],
            windows=tuple(self.windows[index] for index in chosen),
            groups=tuple(self.groups[index] for index in chosen),
            truth=truth,
        )


def parse_size(text: str) -> tuple[int, int]:
    """``128`` or ``48x352`` (lines x samples) -> lines and samples.

    Raises:
        ValueError: anything else.
    """
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"--size must be one number or LINESxSAMPLES, e.g. 128 or 48x352, got {text!r}")
    return int(parts[0]), int(parts[-1])
