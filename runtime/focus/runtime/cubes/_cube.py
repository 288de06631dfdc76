"""The cube: values in the order they are stored in, and everything that a file says about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Quantity = Literal["reflectance", "counts"]

QUANTITIES: tuple[str, ...] = ("reflectance", "counts")

# No sensor of this field sees below 100 nm, and none in micrometres sees beyond 100 um.
_MICROMETRES_BELOW = 100.0


@dataclass(frozen=True)
class Provenance:
    """Where a cube comes from.

    Attributes:
        path: the file that holds the values, or "" for a cube made in memory.
        format: for example "ENVI BIL" or "TIFF".
        fields: the file's own header fields that matter, as text.
        notes: what the reader had to assume or change, one sentence each.
    """

    path: str = ""
    format: str = "memory"
    fields: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without its folder, for messages."""
        return Path(self.path).name or "cube"


def stated_scale(given: float | None, own: float, dtype: np.dtype[Any], name: str) -> float:
    """Stored value / scale = reflectance, where the user says that it is reflectance.

    Args:
        given: what the user says, or None.
        own: what the source says, 1 where it says nothing.
        dtype: of the stored values.
        name: of the source, for the message.
    Raises:
        ValueError: integers whose scale nobody says.
    """
    if given is None and own == 1.0 and dtype.kind in "iu":
        raise ValueError(f"{name} holds integers: give --scale S, too (stored value / S = reflectance)")
    return own if given is None else given


@dataclass(frozen=True, eq=False, repr=False)
class Cube:
    """A hyperspectral cube as it is stored: [C, H, W] = [bands, lines, samples].

    Attributes:
        values: [C, H, W], any numeric dtype and any strides; never copied here, so a memory map stays one.
        wavelengths_nm: float64 [C], strictly increasing.
        fwhm_nm: float64 [C], or None where unknown.
        good_bands: bool [C], False for a band that the file marks as bad; all True by default.
        ignore_value: the stored value that means "no measurement", or None.
        quality: bool [H, W], True where a pixel is valid; None where the file carries none.
        quantity: "reflectance" or "counts" where the file says so, else None. It is never guessed.
        scale: stored value / scale = reflectance.
        exposure_ms: exposure time in milliseconds, or None.
        default_bands: zero-based bands that the file suggests for display, or None.
        provenance: where it comes from.

    Raises:
        ValueError: on construction, if shapes disagree or wavelengths are not finite, increasing and in nanometres.
    """

    values: NDArray[Any]
    wavelengths_nm: NDArray[np.float64]
    fwhm_nm: NDArray[np.float64] | None = None
    good_bands: NDArray[np.bool_] = None  # type: ignore[assignment]  # replaced by all True in __post_init__
    ignore_value: float | None = None
    quality: NDArray[np.bool_] | None = None
    quantity: Quantity | None = None
    scale: float = 1.0
    exposure_ms: float | None = None
    default_bands: tuple[int, ...] | None = None
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        check_values(self.values)
        bands, lines, samples = self.values.shape
        checked: dict[str, Any] = {"wavelengths_nm": check_wavelengths(self.wavelengths_nm, bands)}
        if self.fwhm_nm is not None:
            checked["fwhm_nm"] = _check_fwhm(self.fwhm_nm, bands)
        good = np.ones(bands, bool) if self.good_bands is None else self.good_bands
        checked["good_bands"] = _check_mask(good, (bands,), "good_bands")
        if self.quality is not None:
            checked["quality"] = _check_mask(self.quality, (lines, samples), "quality")
        if self.quantity is not None and self.quantity not in QUANTITIES:
            raise ValueError(f'quantity must be "reflectance", "counts" or None, got {self.quantity!r}')
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"scale must be a positive number (stored value / scale = reflectance), got {self.scale}")
        if self.exposure_ms is not None and not (np.isfinite(self.exposure_ms) and self.exposure_ms > 0):
            raise ValueError(f"exposure_ms must be a positive number or None, got {self.exposure_ms}")
        if self.default_bands is not None and not all(0 <= band < bands for band in self.default_bands):
            raise ValueError(f"default_bands must lie in 0..{bands - 1}, got {self.default_bands}")
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        bands, lines, samples = self.shape
        first, last = self.wavelengths_nm[0], self.wavelengths_nm[-1]
        return (
            f"Cube({self.provenance.name}: {bands} bands x {lines} lines x {samples} samples, {self.values.dtype}, "
            f"{first:.1f}-{last:.1f} nm, {self.quantity or 'quantity not stated'})"
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Bands, lines, samples."""
        bands, lines, samples = self.values.shape
        return bands, lines, samples

    def valid(self, lines: slice, samples: slice) -> NDArray[np.bool_]:
        """Which values of a window are measurements; only this window is read.

        A value is valid if it is finite, is not the ignore value, and lies in a good band and a good pixel.

        Args:
            lines: the window's lines.
            samples: the window's samples.
        Returns: bool [C, h, w].
        """
        window = self.values[:, lines, samples]
        valid = np.repeat(self.good_bands, window.shape[1] * window.shape[2]).reshape(window.shape)
        if window.dtype.kind == "f":
            valid &= np.isfinite(window)
        ignored = _stored(self.ignore_value, window.dtype)
        if ignored is not None:
            valid &= window != ignored
        if self.quality is not None:
            valid &= self.quality[lines, samples]
        return valid

    def reflectance(self, lines: slice, samples: slice) -> NDArray[np.float32]:
        """Reflectance of a window; only this window is read.

        Args:
            lines: the window's lines.
            samples: the window's samples.
        Returns: float32 [C, h, w], values / scale, nan where not valid.
        Raises:
            ValueError: if the cube is not known to hold reflectance.
        """
        if self.quantity != "reflectance":
            held = "counts" if self.quantity == "counts" else "a quantity that it does not state"
            raise ValueError(
                f"{self.provenance.name} holds {held}, expected reflectance; if it is reflectance, say so with "
                "--quantity reflectance --scale S (stored value / S = reflectance), else calibrate with --calibration"
            )
        window = self.values[:, lines, samples]
        # Integers of 16 bits are exact in float32; wider types are divided in float64 first.
        wide = np.result_type(window.dtype, np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            result: NDArray[np.float32] = np.divide(window, self.scale, dtype=wide).astype(np.float32, copy=False)
        result[~(self.valid(lines, samples) & np.isfinite(result))] = np.nan
        return result

    def with_quantity(self, quantity: Quantity | None, scale: float = 1.0) -> Cube:
        """The same cube with the quantity stated by the user; values are shared.

        Args:
            quantity: what the stored values are.
            scale: stored value / scale = reflectance.
        """
        return replace(self, quantity=quantity, scale=scale)

    def select_bands(self, bands: Sequence[int] | NDArray[Any]) -> Cube:
        """The same cube with fewer bands.

        Values are shared where the bands are evenly spaced, otherwise copied; so prefer windows on huge files.

        Args:
            bands: increasing band indices, or a bool mask [C].
        Raises:
            ValueError: if no band is selected, or an index is outside the cube or out of order.
        """
        chosen = np.asarray(bands)
        if chosen.dtype == bool:
            chosen = np.flatnonzero(_check_mask(chosen, (self.shape[0],), "bands"))
        if chosen.ndim != 1 or chosen.size == 0 or chosen.dtype.kind not in "iu":
            raise ValueError(f"bands must be a list of at least one band index or a mask, got {bands!r}")
        chosen = chosen.astype(np.int64)
        if chosen[0] < 0 or chosen[-1] >= self.shape[0] or np.any(np.diff(chosen) <= 0):
            raise ValueError(f"bands must increase and lie in 0..{self.shape[0] - 1}, got {chosen.tolist()}")
        position = {int(band): index for index, band in enumerate(chosen)}
        shown = None
        if self.default_bands is not None and all(band in position for band in self.default_bands):
            shown = tuple(position[band] for band in self.default_bands)
        return replace(
            self,
            values=self.values[_as_slice(chosen)],
            wavelengths_nm=self.wavelengths_nm[chosen],
            fwhm_nm=None if self.fwhm_nm is None else self.fwhm_nm[chosen],
            good_bands=self.good_bands[chosen],
            default_bands=shown,
        )


def check_values(values: NDArray[Any]) -> None:
    """Refuse what cannot be a cube.

    Raises:
        TypeError: if `values` is no array.
        ValueError: if it is not 3-D, is empty, or is not made of real numbers.
    """
    if not isinstance(values, np.ndarray):
        raise TypeError(f"values must be a NumPy array, got {type(values).__name__}; use numpy.asarray")
    if values.ndim != 3 or 0 in values.shape:
        raise ValueError(f"values must be [bands, lines, samples], none of them zero, got shape {values.shape}")
    if values.dtype.kind not in "iuf":
        raise ValueError(f"values must be integers or floating-point numbers, got {values.dtype}")


def check_wavelengths(wavelengths_nm: ArrayLike, bands: int) -> NDArray[np.float64]:
    """Band centres as float64 [C], refused unless finite, strictly increasing and in nanometres.

    Raises:
        ValueError: naming the first band that does not fit.
    """
    centres = np.array(wavelengths_nm, dtype=np.float64)
    if centres.shape != (bands,):
        raise ValueError(f"there must be one wavelength a band ({bands}), got {centres.size} of shape {centres.shape}")
    bad = np.flatnonzero(~np.isfinite(centres) | (centres <= 0))
    if bad.size:
        raise ValueError(f"wavelengths must be positive and finite, got {centres[bad[0]]} at band {bad[0]} (from 0)")
    if centres.max() < _MICROMETRES_BELOW:
        raise ValueError(
            f"wavelengths must be in nanometres, got {centres.min():g}-{centres.max():g}, which look like micrometres; "
            "state the unit in the file, or give them in nm with --wavelengths"
        )
    wrong = np.flatnonzero(np.diff(centres) <= 0)
    if wrong.size:
        band = int(wrong[0]) + 1
        fault = "repeats" if centres[band] == centres[band - 1] else "falls below"
        raise ValueError(
            f"wavelengths must increase from band to band, but band {band} (from 0; {centres[band]:g} nm) {fault} "
            f"band {band - 1} ({centres[band - 1]:g} nm); sort the bands, or give the right table with --wavelengths"
        )
    centres.flags.writeable = False
    return centres


def _check_fwhm(fwhm_nm: ArrayLike, bands: int) -> NDArray[np.float64]:
    widths = np.array(fwhm_nm, dtype=np.float64)
    if widths.shape != (bands,):
        raise ValueError(f"there must be one FWHM a band ({bands}), got {widths.size} of shape {widths.shape}")
    bad = np.flatnonzero(~np.isfinite(widths) | (widths <= 0))
    if bad.size:
        raise ValueError(f"every FWHM must be positive and finite, got {widths[bad[0]]} at band {bad[0]} (from 0)")
    widths.flags.writeable = False
    return widths


def _check_mask(mask: ArrayLike, shape: tuple[int, ...], name: str) -> NDArray[np.bool_]:
    flags = np.array(mask)
    if flags.shape != shape or flags.dtype != bool:
        raise ValueError(f"{name} must be bool of shape {shape}, got {flags.dtype} of shape {flags.shape}")
    flags.flags.writeable = False
    return flags


def _stored(value: float | None, dtype: np.dtype[Any]) -> Any:
    """The ignore value in the dtype that it was stored in, or None where no stored value can equal it."""
    if value is None or not np.isfinite(value):
        return None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return dtype.type(value)
    limits = np.iinfo(dtype)
    if value != int(value) or not limits.min <= int(value) <= limits.max:
        return None
    return dtype.type(int(value))


def _as_slice(indices: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """Evenly spaced indices as a slice, which NumPy turns into a view instead of a copy."""
    if indices.size == 1:
        return slice(int(indices[0]), int(indices[0]) + 1)
    step = int(indices[1] - indices[0])
    if np.all(np.diff(indices) == step):
        return slice(int(indices[0]), int(indices[-1]) + 1, step)
    return indices
