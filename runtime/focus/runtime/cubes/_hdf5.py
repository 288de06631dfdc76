"""HDF5, and what is HDF5 inside: NetCDF 4 and MATLAB 7.3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
    check_memory,
    choose_variable,
    cube_from_description,
    find_axes,
    shape_without_leading_ones,
)
from focus.runtime.cubes._tables import WavelengthOption, table_beside, table_from_option
from focus.runtime.cubes._wavelengths import FWHM_NAMES, GOOD_BAND_NAMES, WAVELENGTH_NAMES, find_name, table_in_nm


def open_hdf5(
    path: Path,
    *,
    variable: str | None = None,
    axes: str | None = None,
    wavelengths_nm: WavelengthOption = None,
    column_major: bool = False,
) -> Cube:
    """Opens a variable of an HDF5 file: memory-mapped where it is stored in one piece, else unpacked into memory.

    Args:
        path: the file.
        variable: path of the variable inside it; may be left out where only one has three axes.
        axes: order of its axes, such as "hwc"; may be left out where only one length matches the wavelengths.
        wavelengths_nm: see `open_cube`.
        column_major: True for MATLAB 7.3, which stores its axes in reverse.
    Raises:
        CubeError: if the file is damaged, or the cube in it cannot be told.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            datasets = _numeric_datasets(file, h5py)
            name = choose_variable({key: _shape(item, column_major) for key, item in datasets.items()}, variable, path)
            values = _values(datasets[name], path, column_major)
            attributes = dict(datasets[name].attrs)
            described = _describe(datasets, attributes, values, name, path, wavelengths_nm)
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise CubeError(f"{path.name} cannot be read as HDF5 ({error}); copy it again") from error
    option = table_from_option(wavelengths_nm, None)
    order = find_axes(values.shape, (option or described).bands, axes, f"{path.name}: {name}")
    values = bands_first(values, order)
    option = table_from_option(wavelengths_nm, len(values))
    if option is not None:
        described = described.with_wavelengths(option)
    kind = "MATLAB 7.3" if column_major else "NetCDF 4" if path.suffix.lower() in (".nc", ".nc4") else "HDF5"
    return cube_from_description(values, described, path, kind, {"variable": name, "axes": order})


def _numeric_datasets(file: Any, h5py: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        # MATLAB keeps the contents of its cells under "#refs#".
        if name.startswith("#"):
            return
        if isinstance(item, h5py.Dataset) and item.shape is not None and item.dtype.kind in "iufb":
            found[name] = item

    file.visititems(visit)
    return found


def _shape(dataset: Any, column_major: bool) -> tuple[int, ...]:
    return tuple(dataset.shape[::-1] if column_major else dataset.shape)


def _values(dataset: Any, path: Path, column_major: bool) -> NDArray[Any]:
    """A 3-D dataset in the order of its axes; mapped where HDF5 stores it as one raw block."""
    offset = None if dataset.external or dataset.is_virtual else dataset.id.get_offset()
    values: NDArray[Any]
    if offset is None:
        check_memory(dataset.nbytes, path, "store it uncompressed and contiguous, or as ENVI")
        values = np.asarray(dataset[...])
    else:
        values = np.memmap(path, dtype=dataset.dtype, mode="r", offset=offset, shape=dataset.shape)
    values = values.reshape(shape_without_leading_ones(dataset.shape))
    return values.T if column_major else values


def _describe(
    datasets: Mapping[str, Any],
    attributes: Mapping[str, Any],
    values: NDArray[Any],
    name: str,
    path: Path,
    option: WavelengthOption,
) -> Description:
    quantity, scale = quantity_of(name, attributes, values.dtype.kind == "f")
    ignore_value = number_of(attributes, "_FillValue", "missing_value", "Data_Ignore_Value")
    table = Description() if option is not None else _table(datasets, values.shape, path)
    return replace(table, ignore_value=ignore_value, quantity=quantity, scale=scale)


def _table(datasets: Mapping[str, Any], shape: tuple[int, ...], path: Path) -> Description:
    """Wavelengths stored beside the variable, of a length that one of its axes has."""
    vectors = {
        key: item for key, item in datasets.items() if item.size in shape and item.size == max(item.shape, default=0)
    }
    centres = find_name(vectors, WAVELENGTH_NAMES)
    if centres is None:
        return table_beside(path) or Description()
    vectors = {key: item for key, item in vectors.items() if item.size == vectors[centres].size}
    fwhm, good = find_name(vectors, FWHM_NAMES), find_name(vectors, GOOD_BAND_NAMES)
    attributes = vectors[centres].attrs
    unit = attributes.get("units", attributes.get("Units"))
    table = table_in_nm(
        as_vector(vectors[centres][...]),
        None if fwhm is None else as_vector(vectors[fwhm][...]),
        None if unit is None else text_of(unit),
        f"{path.name}: {centres}",
    )
    return table if good is None else replace(table, good_bands=as_vector(vectors[good][...]) == 1)
