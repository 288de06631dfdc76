"""Faults of the camera: noise, dead bands, stripes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focus.exporter.data._windows import Array
from focus.exporter.data.corruptions._optics import Change, Optics
from focus.kernels._image import LEAST_SHARE
from focus.runtime import FocusError

#: Noise grows from here to the sensor's last band: above 2200 nm as in Sec. III-E of FOCUS (arXiv 2507.14787); a
#: silicon sensor fails in the same way above 900 nm.
NOISE_FROM_NM = (2200.0, 900.0)

#: Offsets of stripes, as a share of their gain errors.
OFFSET_SHARE = 0.1


def growing_noise(optics: Optics, severity: float, rng: np.random.Generator) -> Change:
    """Noise of single samples whose deviation grows from 0 at 2200 nm (900 nm) to ``severity`` (reflectance) at the
    last band. A band mean averages patch^2 of them.

    Raises:
        FocusError: the sensor ends below 900 nm.
    """
    nm = optics.wavelengths_nm
    start = next((edge for edge in NOISE_FROM_NM if nm[-1] > edge), None)
    if start is None:
        raise FocusError(f"noise grows above {NOISE_FROM_NM[1]:g} nm, this sensor ends at {nm[-1]:.0f} nm")
    sigma = severity * np.clip((nm - start) / (nm[-1] - start), 0.0, 1.0)
    weights = optics.composite_weights
    values, vectors = np.linalg.eigh((weights * sigma**2) @ weights.T)
    mix = vectors * np.sqrt(np.maximum(values, 0.0))

    def change(means: Array, composite: Array, own: np.random.Generator) -> tuple[Array, Array]:
        error = own.standard_normal(means.shape) * sigma / optics.patch
        pixels = (mix @ own.standard_normal((3, composite[0].size))).reshape(composite.shape)
        blocks = optics.by_patch(pixels)
        # The patch means of the composite's noise are those of the band means' noise.
        pixels = (blocks - blocks.mean(axis=(2, 4), keepdims=True)).reshape(composite.shape)
        noisy = composite + pixels + optics.spread(error @ weights.T)
        return (means + error).astype(np.float32), noisy.astype(np.float32)

    return change


def dead_bands(optics: Optics, severity: float, rng: np.random.Generator) -> Change:
    """A share of the bands, the same ones in all windows, has no valid sample: nan, as the runtime has it.

    The composite averages over the bands that are left; with less than half of a channel's weight left its patches are
    flat, as in ``kernels.ingest``.
    """
    bands = optics.wavelengths_nm.size
    dead = rng.choice(bands, round(severity * bands), replace=False)
    weights = optics.composite_weights
    total = weights.sum(axis=1)

    def level_and_share(means: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """[N, 3] each: the average over the bands that are left, and the share of the weights that they have."""
        known = np.isfinite(means)
        left = known @ weights.T
        return total * (np.where(known, means, 0.0) @ weights.T) / np.where(left > 0, left, 1.0), left / total

    def change(means: Array, composite: Array, own: np.random.Generator) -> tuple[Array, Array]:
        changed = means.copy()
        changed[:, dead] = np.nan
        level, share = level_and_share(changed)
        before, _ = level_and_share(means)
        flat = optics.spread((share < LEAST_SHARE).astype(np.float64)) > 0
        moved = optics.moved(composite, level - before)
        return changed, np.where(flat, optics.spread(level), moved).astype(np.float32)

    return change


def stripes(optics: Optics, severity: float, rng: np.random.Generator) -> Change:
    """Errors of a push-broom camera's calibration: every (band, sample) of its detector has a gain error of deviation
    ``severity`` and an offset of a tenth of it (reflectance), the same in all lines and windows.
    """
    shape = optics.wavelengths_nm.size, optics.size[1]
    gain = severity * rng.standard_normal(shape)
    offset = OFFSET_SHARE * severity * rng.standard_normal(shape)
    weights = optics.composite_weights
    columns = optics.size[1] // optics.patch
    gain_of, offset_of = (part.reshape(-1, columns, optics.patch) for part in (gain, offset))

    def change(means: Array, composite: Array, own: np.random.Generator) -> tuple[Array, Array]:
        shading = optics.by_patch(optics.shading(composite)[None])[0]
        along = shading.mean(axis=1)  # [rows, columns, patch]: mean over the lines of a patch
        grid = means.reshape(along.shape[0], columns, -1).astype(np.float64)
        factor = np.einsum("cjp,rjp->rjc", gain_of, along) / optics.patch
        changed = grid * (1.0 + factor) + offset_of.mean(axis=2).T
        stripe = np.einsum("kc,rjc,cjp->krjp", weights, np.nan_to_num(grid), gain_of, optimize=True)
        lit = stripe[:, :, None] * shading
        added = lit.reshape(composite.shape) + (weights @ offset)[:, None, :]
        return changed.reshape(means.shape).astype(np.float32), (composite + added).astype(np.float32)

    return change
