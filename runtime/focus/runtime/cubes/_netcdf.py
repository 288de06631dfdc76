"""NetCDF 3 ("classic"); NetCDF 4 is HDF5 inside and read there."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CubeError
from focus.runtime.cubes._attributes import number_of, quantity_of, text_of
from focus.runtime.cubes._cube import Cube
from focus.runtime.cubes._describe import (
    Description,
    as_vector,
    bands_first,
    choose_variable,
    cube_from_description,
    find_axes,
    shape_without_leading_ones,
)
from focus.runtime.cubes._tables import WavelengthOption, table_beside, table_from_option
from focus.runtime.cubes._wavelengths import FWHM_NAMES, WAVELENGTH_NAMES, find_name, table_in_nm

_ATTRIBUTES = (
    "units",
    "quantity",
    "standard_name",
    "long_name",
    "scale_factor",
    "add_offset",
    "_FillValue",
    "missing_value",
)


@dataclass(frozen=True)
class _Variable:
    """Where a variable lies in the file."""

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]
    attributes: Mapping[str, Any]

    def mapped(self, path: Path) -> NDArray[Any]:
        file = np.memmap(path, dtype=np.uint8, mode="r")
        return np.ndarray(self.shape, self.dtype, buffer=file, offset=self.offset, strides=self.strides)


def open_netcdf(
    path: Path, *, variable: str | None = None, axes: str | None = None, wavelengths_nm: WavelengthOption = None
) -> Cube:
    """Opens a variable of a classic NetCDF file, memory-mapped.

    Args and Raises: as `open_hdf5`.
    """
    variables = _read_variables(path)
    name = choose_variable({key: item.shape for key, item in variables.items()}, variable, path)
    stored = variables[name].mapped(path)
    stored = stored.reshape(shape_without_leading_ones(stored.shape))
    option = table_from_option(wavelengths_nm, None)
    table = Description() if wavelengths_nm is not None else _table(variables, stored.shape, path)
    order = find_axes(stored.shape, (option or table).bands, axes, f"{path.name}: {name}")
    values = bands_first(stored, order)
    attributes = variables[name].attributes
    quantity, scale = quantity_of(name, attributes, values.dtype.kind == "f")
    described = replace(
        table_from_option(wavelengths_nm, len(values)) or table,
        ignore_value=number_of(attributes, "_FillValue", "missing_value"),
        quantity=quantity,
        scale=scale,
    )
    return cube_from_description(values, described, path, "NetCDF 3", {"variable": name, "axes": order})


def _table(variables: Mapping[str, _Variable], shape: tuple[int, ...], path: Path) -> Description:
    vectors = {key: item for key, item in variables.items() if len(item.shape) == 1 and item.shape[0] in shape}
    centres = find_name(vectors, WAVELENGTH_NAMES)
    if centres is None:
        return table_beside(path) or Description()
    fwhm = find_name([key for key, item in vectors.items() if item.shape == vectors[centres].shape], FWHM_NAMES)
    unit = vectors[centres].attributes.get("units")
    return table_in_nm(
        as_vector(vectors[centres].mapped(path)),
        None if fwhm is None else as_vector(vectors[fwhm].mapped(path)),
        None if unit is None else text_of(unit),
        f"{path.name}: {centres}",
    )


def _read_variables(path: Path) -> dict[str, _Variable]:
    import scipy.io

    # scipy keeps its map open, and warns, while any of its arrays lives (on damaged files the traceback's own); so only
    # positions are taken from it and the file is mapped anew.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            with scipy.io.netcdf_file(path, "r", mmap=True) as file:
                return _positions(file)
        except Exception as error:
            # scipy parses without checks, so a damaged file surfaces as almost any type.
            fault = str(error) or type(error).__name__
    raise CubeError(f"{path.name} cannot be read as NetCDF ({fault}); copy it again")


def _positions(file: Any) -> dict[str, _Variable]:
    found = {}
    for name, item in file.variables.items():
        data = item.data
        if data.dtype.kind not in "iuf" or not data.ndim:
            continue
        root = data
        while isinstance(root.base, np.ndarray):
            root = root.base
        attributes = {key: getattr(item, key) for key in _ATTRIBUTES if hasattr(item, key)}
        found[name] = _Variable(data.ctypes.data - root.ctypes.data, data.shape, data.strides, data.dtype, attributes)
    return found
