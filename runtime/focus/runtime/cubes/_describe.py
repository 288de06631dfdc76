"""What a file says about its bands and numbers, from header, variables or a table beside it; and the cube of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focus.runtime._errors import CubeError
from focus.runtime.cubes._cube import Cube, Provenance, Quantity


@dataclass(frozen=True, eq=False)
class Description:
    """The statements of a file, in the meaning of the fields of `Cube`; None for what it does not state."""

    wavelengths_nm: NDArray[np.float64] | None = None
    fwhm_nm: NDArray[np.float64] | None = None
    good_bands: NDArray[np.bool_] | None = None
    ignore_value: float | None = None
    quality: NDArray[np.bool_] | None = None
    quantity: Quantity | None = None
    scale: float = 1.0
    exposure_ms: float | None = None
    default_bands: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def bands(self) -> int | None:
        """Number of bands that the wavelengths describe."""
        return None if self.wavelengths_nm is None else int(np.size(self.wavelengths_nm))

    def with_wavelengths(self, table: Description) -> Description:
        """This description with wavelengths, FWHM and notes of another table."""
        return replace(
            self,
            wavelengths_nm=table.wavelengths_nm,
            fwhm_nm=table.fwhm_nm,
            good_bands=self.good_bands if table.good_bands is None else table.good_bands,
            notes=self.notes + table.notes,
        )


def cube_from_description(
    values: NDArray[Any], described: Description, path: Path, file_format: str, fields: Mapping[str, str] | None = None
) -> Cube:
    """A cube from values [C, H, W] and what the file says; a table that cleanly descends is turned round, as a view.

    Raises:
        CubeError: if the two do not fit each other, with the file's name in front.
    """
    wavelengths = described.wavelengths_nm
    if wavelengths is None:
        shape = " x ".join(str(length) for length in values.shape)
        raise CubeError(
            f"{path.name} ({shape}) states no wavelengths; give them with --wavelengths FILE (one a line, in nm) "
            "or --wavelengths START:STOP"
        )
    turned = np.size(wavelengths) == len(values) > 1 and bool(np.all(np.diff(wavelengths) < 0))
    notes = described.notes + (("bands are stored from long to short wavelengths; turned round",) if turned else ())
    order = slice(None, None, -1) if turned else slice(None)
    shown = described.default_bands
    try:
        return Cube(
            values=values[order],
            wavelengths_nm=wavelengths[order],
            fwhm_nm=None if described.fwhm_nm is None else described.fwhm_nm[order],
            good_bands=None if described.good_bands is None else described.good_bands[order],  # type: ignore[arg-type]
            ignore_value=described.ignore_value,
            quality=described.quality,
            quantity=described.quantity,
            scale=described.scale,
            exposure_ms=described.exposure_ms,
            default_bands=tuple(len(values) - 1 - band for band in shown) if turned and shown else shown,
            provenance=Provenance(str(path), file_format, dict(fields or {}), notes),
        )
    except ValueError as error:
        raise CubeError(f"{path.name}: {error}") from error


def find_axes(shape: tuple[int, ...], bands: int | None, axes: str | None, name: str) -> str:
    """The order of a stored 3-D array's axes, such as "hwc", from the user or from the number of wavelengths.

    Args:
        shape: the stored shape.
        bands: number of wavelengths, or None where unknown.
        axes: the user's statement, or None.
        name: file and variable, for messages.
    Raises:
        ValueError: if `axes` is not an arrangement of "chw".
        CubeError: if the order cannot be told.
    """
    if axes is not None:
        if sorted(axes.lower()) != sorted("chw"):
            raise ValueError(
                f'axes must be an arrangement of "chw" (bands, lines, samples), such as "hwc"; got {axes!r}'
            )
        return axes.lower()
    matching = [axis for axis, length in enumerate(shape) if length == bands]
    if len(matching) != 1:
        lengths = " x ".join(str(length) for length in shape)
        known = "no wavelengths are known" if bands is None else f"{len(matching)} axes match {bands} wavelengths"
        raise CubeError(f"{name} is {lengths} and {known}; state the order with --axes, such as chw or hwc")
    return ("chw", "hcw", "hwc")[matching[0]]


def bands_first(values: NDArray[Any], axes: str) -> NDArray[Any]:
    """A view of `values` as [C, H, W]."""
    return values.transpose([axes.index(axis) for axis in "chw"])


def shape_without_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A stored shape without the leading axes of length one (time, level) that make it more than 3-D."""
    while len(shape) > 3 and shape[0] == 1:
        shape = shape[1:]
    return shape


def choose_variable(shapes: Mapping[str, tuple[int, ...]], variable: str | None, path: Path) -> str:
    """The variable that holds the cube: the named one, or the only one with three axes.

    Raises:
        CubeError: listing the file's variables and shapes.
    """
    listed = ", ".join(f"{name} {list(shape)}" for name, shape in sorted(shapes.items())[:30]) or "none"
    if variable is not None:
        found = variable if variable in shapes else variable.strip("/")
        if found not in shapes:
            raise CubeError(f"{path.name} holds no numeric variable {variable!r}; it has: {listed}")
        if len(shape_without_leading_ones(shapes[found])) != 3:
            raise CubeError(
                f"{path.name}: {variable} has shape {list(shapes[found])}, expected three axes; it has: {listed}"
            )
        return found
    cubes = [name for name, shape in shapes.items() if len(shape_without_leading_ones(shape)) == 3]
    if not cubes:
        raise CubeError(
            f"{path.name} holds no numeric variable with three axes; it has: {listed}. Save the cube as an array of "
            "its own (MATLAB's structs and cells are not read)"
        )
    if len(cubes) != 1:
        raise CubeError(
            f"{path.name} holds {len(cubes)} variables with three axes, name one with --variable; it has: {listed}"
        )
    return cubes[0]


def check_memory(size: int, path: Path, way_out: str) -> None:
    """Refuse to unpack what this machine cannot hold.

    Raises:
        CubeError: if `size` bytes are more than half of the machine's memory.
    """
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return
    if size > memory // 2:
        raise CubeError(
            f"{path.name} cannot be memory-mapped and needs {size / 2**30:.1f} GiB unpacked, "
            f"this machine has {memory / 2**30:.1f} GiB; {way_out}"
        )


def as_vector(values: ArrayLike) -> NDArray[np.float64]:
    """A stored table as float64 [C]."""
    return np.asarray(values, dtype=np.float64).reshape(-1)
