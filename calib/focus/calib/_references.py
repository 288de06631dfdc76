"""Dark and gain of a rig from recordings of its references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime import Calibration, Cube, CubeError

#: Values read at a time, so that a long recording of a reference need not fit into memory.
BLOCK_VALUES = 8 * 2**20


def calibration_from_references(
    white: Cube,
    dark: Cube | None = None,
    *,
    panel: float = 0.99,
    least_counts: float = 10.0,
    average_samples: bool = False,
) -> Calibration:
    """Gain = panel / (white - dark) for each band and sample; both references are means over their lines.

    Args:
        white: recording of the panel, raw counts.
        dark: recording without light, raw counts; None takes 0.
        panel: reflectance of the panel.
        least_counts: where white - dark is below this, the gain is nan and the band and sample pair counts as invalid.
        average_samples: average over samples too, one value a band. With a scene as its own white this gives
            internal-average relative reflectance: it keeps what differs within the scene, but is no reflectance.
    Raises:
        ValueError: a panel that reflects nothing or more than everything, or least_counts that is not positive.
        CubeError: a reference of another size, with other wavelengths or another exposure, or one that holds
            reflectance; or a white reference that is nowhere bright enough.
    """
    if not 0.0 < panel <= 1.0:
        raise ValueError(f"--panel is the white reference's reflectance, above 0 and up to 1, got {panel:g}")
    if not least_counts > 0.0:
        raise ValueError(f"--least-counts must be above 0, got {least_counts:g}")
    for reference in filter(None, (white, dark)):
        if reference.quantity == "reflectance":
            raise CubeError(f"{reference.provenance.name} holds reflectance, a reference must hold raw counts")
    if dark is not None:
        _require_same_rig(white, dark)
    bright = _mean_of_lines(white, average_samples)
    black = np.zeros_like(bright) if dark is None else _mean_of_lines(dark, average_samples)
    above = bright - black
    usable = np.isfinite(above) & (above >= least_counts)
    if not usable.any():
        raise CubeError(
            f"{white.provenance.name} is nowhere {least_counts:g} counts brighter than the dark; "
            "check which file is which, or lower --least-counts"
        )
    gain = np.where(usable, panel / np.where(usable, above, 1.0), np.nan)
    return Calibration(
        np.nan_to_num(black).astype(np.float32),
        gain.astype(np.float32),
        white.wavelengths_nm,
        panel,
        _origin(white, dark, least_counts, average_samples),
    )


def _require_same_rig(white: Cube, dark: Cube) -> None:
    names = dark.provenance.name, white.provenance.name
    sizes = [(cube.shape[0], cube.shape[2]) for cube in (dark, white)]
    if sizes[0] != sizes[1]:
        raise CubeError(
            f"{names[0]} has {sizes[0][0]} bands x {sizes[0][1]} samples, "
            f"{names[1]} has {sizes[1][0]} x {sizes[1][1]}; record both references with the same camera settings"
        )
    apart = np.abs(dark.wavelengths_nm - white.wavelengths_nm)
    worst = int(np.argmax(apart))
    if apart[worst] > 0.5:
        raise CubeError(
            f"{names[0]} has band {worst} at {dark.wavelengths_nm[worst]:g} nm, {names[1]} at "
            f"{white.wavelengths_nm[worst]:g} nm; record both references with the same camera settings"
        )
    if dark.exposure_ms is not None and white.exposure_ms is not None and dark.exposure_ms != white.exposure_ms:
        raise CubeError(
            f"{names[0]} was exposed for {dark.exposure_ms:g} ms, {names[1]} for {white.exposure_ms:g} ms; "
            "record both references with the same exposure"
        )


def _mean_of_lines(cube: Cube, average_samples: bool) -> NDArray[np.float64]:
    """Mean of the valid values, float64 [C, S], or [C, 1]; nan where there is none."""
    bands, lines, samples = cube.shape
    sums, counts = np.zeros((bands, samples)), np.zeros((bands, samples))
    step = max(1, BLOCK_VALUES // (bands * samples))
    for first in range(0, lines, step):
        here = slice(first, min(first + step, lines))
        valid = cube.valid(here, slice(None))
        sums += np.where(valid, cube.values[:, here], 0).sum(axis=1, dtype=np.float64)
        counts += valid.sum(axis=1)
    if average_samples:
        sums, counts = sums.sum(axis=1, keepdims=True), counts.sum(axis=1, keepdims=True)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))


def _origin(white: Cube, dark: Cube | None, least_counts: float, average_samples: bool) -> Mapping[str, Any]:
    return {
        "white": {"file": white.provenance.name, "lines": white.shape[1], "exposure_ms": white.exposure_ms},
        "dark": None
        if dark is None
        else {"file": dark.provenance.name, "lines": dark.shape[1], "exposure_ms": dark.exposure_ms},
        "least_counts": least_counts,
        "average_samples": average_samples,
    }
