"""A few windows of a training, kept beside its checkpoint: what an export is checked and an INT8 model made on."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import FocusError
from focus.runtime._npz import DAMAGED, load_arrays

#: Their file in the training's folder.
KEPT_FILE = "windows.npz"


class KeptWindows(NamedTuple):
    """M windows as they were ingested.

    Attributes:
        band_means: float32 [M, N, C], reflectance; nan where a patch has no valid sample of a band.
        composite: float16 [M, 3, H, W], reflectance.
        labels: int64 [M], class indices; None for regression, and in files of version 0.1.
    """

    band_means: NDArray[np.float32]
    composite: NDArray[np.float16]
    labels: NDArray[np.int64] | None = None


def kept_windows(folder: Path) -> KeptWindows | None:
    """What ``focus-train`` kept in ``MODEL.training``; None if it did not.

    Raises:
        FocusError: the file is damaged.
    """
    path = folder / KEPT_FILE
    if not path.is_file():
        return None
    try:
        arrays = load_arrays(path)
        return KeptWindows(arrays["band_means"], arrays["composite"], arrays.get("labels"))
    except DAMAGED as error:
        raise FocusError(f"cannot read {path} ({error}); remove it, or give a cube (focus-export: --check)") from None
