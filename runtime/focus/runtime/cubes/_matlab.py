"""MATLAB: version 5 to 7.2 files through scipy; version 7.3 is HDF5 inside and goes to that reader."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from focus.runtime._errors import CubeError
from focus.runtime.cubes._cube import Cube
from focus.runtime.cubes._describe import (
    Description,
    as_vector,
    bands_first,
    check_memory,
    choose_variable,
    cube_from_description,
    find_axes,
)
from focus.runtime.cubes._jasper import JASPER_VARIABLES, open_jasper_ridge
from focus.runtime.cubes._tables import WavelengthOption, table_beside, table_from_option
from focus.runtime.cubes._wavelengths import FWHM_NAMES, WAVELENGTH_NAMES, find_name, table_in_nm

_ITEMSIZE = {
    "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "uint64": 8, "single": 4,
"double": 8, }  # fmt: skip


def open_matlab(
    path: Path, *, variable: str | None = None, axes: str | None = None, wavelengths_nm: WavelengthOption = None
) -> Cube:
    """Opens a variable of a MATLAB file of version 5 to 7.2; only this variable is read, into memory.

    Args and Raises: as `open_hdf5`. A file of the Jasper Ridge benchmark is recognised by its variables.
    """
    sizes = _numeric_variables(path)
    if variable is None and sizes.keys() >= JASPER_VARIABLES:
        return open_jasper_ridge(path)[0]
    shapes = {name: shape for name, (shape, _) in sizes.items()}
    name = choose_variable(shapes, variable, path)
    shape, itemsize = sizes[name]
    check_memory(math.prod(shape) * itemsize, path, "save it with -v7.3, or as ENVI")
    option = table_from_option(wavelengths_nm, None)
    table = Description() if wavelengths_nm is not None else _table(shapes, shape, path)
    order = find_axes(shape, (option or table).bands, axes, f"{path.name}: {name}")
    values = bands_first(_load(path, [name])[name], order)
    described = table_from_option(wavelengths_nm, len(values)) or table
    return cube_from_description(values, described, path, "MATLAB", {"variable": name, "axes": order})


def _numeric_variables(path: Path) -> dict[str, tuple[tuple[int, ...], int]]:
    """Shape and bytes a value of each numeric variable, without reading them."""
    import scipy.io

    try:
        listed = scipy.io.whosmat(str(path), appendmat=False)
    except Exception as error:
        # scipy raises almost any type on damaged files.
        raise CubeError(f"{path.name} cannot be read as MATLAB ({error}); save it again with -v7 or -v7.3") from error
    return {name: (tuple(shape), _ITEMSIZE[kind]) for name, shape, kind in listed if kind in _ITEMSIZE}


def _load(path: Path, names: list[str]) -> dict[str, Any]:
    import scipy.io

    try:
        return dict(scipy.io.loadmat(str(path), variable_names=names, appendmat=False))
    except Exception as error:
        raise CubeError(f"{path.name} cannot be read as MATLAB ({error}); save it again with -v7 or -v7.3") from error


def _table(shapes: Mapping[str, tuple[int, ...]], shape: tuple[int, ...], path: Path) -> Description:
    vectors = [name for name, size in shapes.items() if math.prod(size) == max(size) and math.prod(size) in shape]
    centres = find_name(vectors, WAVELENGTH_NAMES)
    if centres is None:
        return table_beside(path) or Description()
    fwhm = find_name([name for name in vectors if math.prod(shapes[name]) == math.prod(shapes[centres])], FWHM_NAMES)
    loaded = _load(path, [centres] if fwhm is None else [centres, fwhm])
    widths = None if fwhm is None else as_vector(loaded[fwhm])
    return table_in_nm(as_vector(loaded[centres]), widths, None, f"{path.name}: {centres}")
