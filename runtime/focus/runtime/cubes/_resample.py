"""Spectral resampling: what a sensor with other bands would have measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from focus.runtime.cubes._cube import Cube, check_wavelengths

_SIGMA_PER_FWHM = 1.0 / (2.0 * np.sqrt(2.0 * np.log(2.0)))

Floats = NDArray[np.float64]

# A kernel narrower than this is one of linear interpolation to far below the precision of any sensor.
_NARROWEST_NM = 1e-9

# Weights below this share of a row are left out, so that distant bands need not be valid, nor read.
_NEGLIGIBLE = 1e-6

# A step between bands is a gap of the sensor if it is over this many times as wide as the steps beside it.
_GAP = 3.0

# Lines resampled at a time are chosen so that a block of source values stays near this size.
_BLOCK_VALUES = 8 * 2**20


def resampling_matrix(
    from_nm: Floats,
    from_fwhm: Floats | None,
    to_nm: Floats,
    to_fwhm: Floats | None,
) -> Floats:
    """Weights that turn the bands of one sensor into those of another.

    The source spectrum s is taken as linear between band centres and constant over the outer half bands. The target
    band at t is

        r(t) = int s(x) g(x - t) dx / int g(x - t) dx,   g Gaussian,
        sigma^2 = max(sigma_target^2 - sigma_source^2, 0),

    sigma = FWHM / 2.3548, because the source has already blurred the spectrum by sigma_source. The integral is exact
    (error functions), so uneven spacing needs no care, and a sensor resampled to its own bands and FWHM stays as it is.
    A source of unknown FWHM counts as narrow. A target narrower than the source is interpolated; nothing is sharpened.

    Args:
        from_nm: float64 [C_from], increasing.
        from_fwhm: float64 [C_from], or None where unknown.
        to_nm: float64 [C_to], increasing.
        to_fwhm: float64 [C_to], or None: the distance to the neighbouring target bands is taken.
    Returns: float64 [C_to, C_from], not negative, rows sum to 1.
    Raises:
        ValueError: if a table is not a table of wavelengths, or a target band lies outside the sensor's range or in a
            gap of it.
    """
    source = check_wavelengths(from_nm, np.size(from_nm))
    target = check_wavelengths(to_nm, np.size(to_nm))
    source_fwhm = None if from_fwhm is None else _widths(from_fwhm, source, "from_fwhm")
    target_fwhm = _spacing(target) if to_fwhm is None else _widths(to_fwhm, target, "to_fwhm")
    _refuse_outside(source, source_fwhm, target)
    blurred = 0.0 if source_fwhm is None else np.interp(target, source, source_fwhm)
    sigma = _SIGMA_PER_FWHM * np.sqrt(np.maximum(target_fwhm**2 - blurred**2, 0.0))
    weights = _integrate(source, _reach(source, source_fwhm), target, np.maximum(sigma, _NARROWEST_NM))
    weights[weights < _NEGLIGIBLE * weights.sum(axis=1, keepdims=True)] = 0.0
    normalised: Floats = weights / weights.sum(axis=1, keepdims=True)
    return normalised


def resample(
    values: NDArray[np.float32], matrix: Floats, valid: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Resamples a window.

    Args:
        values: [C_from, h, w], any numeric dtype.
        matrix: float64 [C_to, C_from] of `resampling_matrix`.
        valid: bool [C_from, h, w], or None where every value is.
    Returns: float32 [C_to, h, w]; the weights of valid source bands are renormalised, and where invalid ones hold more
        than half of a target band's weight it is nan.
    Raises:
        ValueError: if the shapes do not fit.
    """
    from scipy.sparse import csr_matrix

    if values.ndim != 3 or len(values) != matrix.shape[1] or (valid is not None and valid.shape != values.shape):
        held = None if valid is None else valid.shape
        raise ValueError(f"values must be [{matrix.shape[1]}, h, w] and valid alike, got {values.shape} and {held}")
    weights = csr_matrix(matrix.astype(np.float32))
    flat = values.reshape(len(values), -1).astype(np.float32, copy=False)
    shape = (len(matrix), *values.shape[1:])
    if valid is None or valid.all():
        result: NDArray[np.float32] = weights @ flat
        return result.reshape(shape)
    measured = valid.reshape(flat.shape)
    held = weights @ measured.astype(np.float32)
    result = weights @ np.where(measured, flat, np.float32(0))
    # Rounding must not decide over a band of which exactly half is valid.
    usable = held >= 0.5 - 1e-6
    resampled = np.full(result.shape, np.nan, np.float32)
    np.divide(result, held, out=resampled, where=usable)
    return resampled.reshape(shape)


def resample_cube(cube: Cube, wavelengths_nm: Floats, fwhm_nm: Floats | None = None) -> Cube:
    """A cube as another sensor would have measured it, in memory as float32.

    It is worked on in blocks of lines, so the source may be larger than memory; the result must fit. Quantity, scale
    and quality carry over; invalid values become nan.

    Args:
        cube: the source.
        wavelengths_nm: float64 [C_to], wanted band centres.
        fwhm_nm: float64 [C_to], wanted widths, or None for the spacing of the bands.
    Raises:
        ValueError: as `resampling_matrix`, with the cube's name in front.
    """
    try:
        matrix = resampling_matrix(cube.wavelengths_nm, cube.fwhm_nm, wavelengths_nm, fwhm_nm)
    except ValueError as error:
        raise ValueError(f"{cube.provenance.name}: {error}") from error
    bands, lines, samples = cube.shape
    result = np.empty((len(matrix), lines, samples), np.float32)
    step = max(1, _BLOCK_VALUES // (bands * samples))
    for first in range(0, lines, step):
        window = slice(first, min(first + step, lines))
        valid = cube.valid(window, slice(None))
        result[:, window] = resample(cube.values[:, window], matrix, valid)
    note = f"resampled from {bands} bands of {cube.wavelengths_nm[0]:g}-{cube.wavelengths_nm[-1]:g} nm"
    return replace(
        cube,
        values=result,
        wavelengths_nm=np.asarray(wavelengths_nm, np.float64),
        fwhm_nm=None if fwhm_nm is None else np.asarray(fwhm_nm, np.float64),
        good_bands=matrix @ cube.good_bands >= 0.5 - 1e-6,
        ignore_value=None,
        default_bands=None,
        provenance=replace(cube.provenance, notes=(*cube.provenance.notes, note)),
    )


def _widths(fwhm: Floats, centres: Floats, name: str) -> Floats:
    widths = np.asarray(fwhm, np.float64)
    if widths.shape != centres.shape or not np.all(np.isfinite(widths) & (widths > 0)):
        raise ValueError(
            f"{name} must hold one positive width for each of {centres.size} bands, got shape {widths.shape}"
        )
    return widths


def _spacing(centres: Floats) -> Floats:
    """Distance of each band to its neighbours; a single band has none and counts as narrow."""
    return np.gradient(centres) if centres.size > 1 else np.zeros(1)


def _reach(source: Floats, fwhm: Floats | None) -> tuple[float, float]:
    """The sensor's range: half a band beyond the outer centres."""
    width = _spacing(source) if fwhm is None else fwhm
    return float(source[0] - width[0] / 2), float(source[-1] + width[-1] / 2)


def _refuse_outside(source: Floats, fwhm: Floats | None, target: Floats) -> None:
    low, high = _reach(source, fwhm)
    outside = np.flatnonzero((target < low) | (target > high))
    ranges = f"the sensor covers {low:.1f}-{high:.1f} nm, the wanted bands {target[0]:.1f}-{target[-1]:.1f} nm"
    if outside.size:
        raise ValueError(
            f"band {outside[0]} ({target[outside[0]]:.1f} nm) lies outside the sensor's range: {ranges}; "
            "use a model trained for this range"
        )
    for after in _gaps(source, fwhm):
        margin = (source[after] - source[after - 1]) / _GAP
        in_gap = np.flatnonzero((target > source[after - 1] + margin) & (target < source[after] - margin))
        if not in_gap.size:
            continue
        centre = target[in_gap[0]]
        raise ValueError(
            f"band {in_gap[0]} ({centre:.1f} nm) lies in a gap of the sensor "
            f"({source[after - 1]:.1f}-{source[after]:.1f} nm): {ranges}; use a model without this band"
        )


def _gaps(source: Floats, fwhm: Floats | None) -> list[int]:
    """Bands before which the sensor leaves out some spectrum: a step far wider than its neighbours and the bands."""
    steps = np.diff(source)
    if steps.size < 2:
        return []
    beside = np.maximum(np.append(0.0, steps[:-1]), np.append(steps[1:], 0.0))
    if fwhm is not None:
        beside = np.maximum(beside, np.maximum(fwhm[:-1], fwhm[1:]))
    return [int(step) + 1 for step in np.flatnonzero(steps > _GAP * beside)]


def _integrate(source: Floats, reach: tuple[float, float], target: Floats, sigma: Floats) -> Floats:
    """Integral of each source band's hat function times each target band's unit Gaussian, [C_to, C_from]."""
    from scipy.special import ndtr

    if source.size == 1:
        return np.ones((target.size, 1))
    knots = np.concatenate(([reach[0]], source, [reach[1]]))
    z = (knots - target[:, None]) / sigma[:, None]
    mass = np.diff(ndtr(z), axis=1)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    weights = np.zeros((target.size, source.size))
    weights[:, 0] += mass[:, 0]
    weights[:, -1] += mass[:, -1]
    length = np.diff(source)
    # Share of a segment's mass that falls to its right end: int (x - a) g dx / (b - a) by parts.
    inner = mass[:, 1:-1]
    moment = (target[:, None] - source[:-1]) * inner - sigma[:, None] * np.diff(density[:, 1:-1], axis=1)
    rising = np.clip(moment / length, 0.0, inner)
    weights[:, 1:] += rising
    weights[:, :-1] += inner - rising
    return weights
