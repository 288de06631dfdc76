"""NumPy files: a bare array (NPY), or a cube with its description (NPZ)."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from focus.runtime._errors import CubeError
from focus.runtime._files import write_atomically
from focus.runtime._npz import DAMAGED, has_array, load_arrays
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
from focus.runtime.cubes._wavelengths import FWHM_NAMES, WAVELENGTH_NAMES, find_name, table_in_nm

_NUMBERS = ("ignore_value", "scale", "exposure_ms")
_OPTIONAL = (*_NUMBERS, "fwhm_nm", "good_bands", "quality", "quantity", "default_bands")
_KEY = "values"


def open_npy(path: Path, *, axes: str | None = None, wavelengths_nm: WavelengthOption = None) -> Cube:
    """Opens a bare array, memory-mapped; wavelengths come from the option, or from a table beside the file.

    Args:
        path: the file.
        axes: order of its axes; may be left out where only one length matches the wavelengths.
        wavelengths_nm: see `open_cube`.
    Raises:
        CubeError: if the file is damaged, is not 3-D, or has no wavelengths.
    """
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, TypeError) as error:
        raise CubeError(f"{path.name} cannot be read as NPY ({error}); save a numeric array with numpy.save") from error
    if values.ndim != 3:
        raise CubeError(f"{path.name} must hold three axes, got shape {list(values.shape)}; save the whole cube")
    described = table_from_option(wavelengths_nm, None)
    if described is None and wavelengths_nm is None:
        described = table_beside(path)
    order = find_axes(values.shape, described.bands if described else None, axes, path.name)
    values = bands_first(values, order)
    described = described or table_from_option(wavelengths_nm, len(values)) or Description()
    return cube_from_description(values, described, path, "NPY", {"axes": order})


def open_npz(
    path: Path, *, variable: str | None = None, axes: str | None = None, wavelengths_nm: WavelengthOption = None
) -> Cube:
    """Opens a cube that `write_npz` wrote, or a 3-D array of another archive; its values are read into memory.

    Keys: `values` [C, H, W] (or as `axes` or the number of wavelengths says) or the only 3-D array, `wavelengths_nm`
    [C] or another of `WAVELENGTH_NAMES`; optional `fwhm_nm` [C], `good_bands` bool [C], `quality` bool [H, W],
    `quantity`, `scale`, `ignore_value`, `exposure_ms`, `default_bands`. Pickled objects are never loaded.

    Raises:
        CubeError: if the file is damaged, or holds no such array.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_memory(sum(item.file_size for item in archive.infolist()), path, "store it as NPY or ENVI")
        content = load_arrays(path)
        described = _describe(content, path.name)
    except DAMAGED as error:
        broken = isinstance(error, (zipfile.BadZipFile, zlib.error, EOFError))
        advice = "it is damaged or not whole, copy it again" if broken else "write it with numpy.savez and plain arrays"
        raise CubeError(f"{path.name} cannot be read as NPZ ({error}); {advice}") from error
    shapes = {key: item.shape for key, item in content.items() if item.dtype.kind in "iuf"}
    own = _KEY if len(shapes.get(_KEY, ())) == 3 else None
    name = choose_variable(shapes, own or variable, path)
    values = content[name].reshape(shape_without_leading_ones(shapes[name]))
    option = table_from_option(wavelengths_nm, None)
    bands = option.bands if described.bands is None and option is not None else described.bands
    # As our own key says, whatever else has that length; a file without wavelengths is told so below.
    laid_out = "chw" if (name == _KEY and bands == len(values)) or (bands is None and wavelengths_nm is None) else None
    order = find_axes(values.shape, bands, axes or laid_out, path.name)
    values = bands_first(values, order)
    option = option or table_from_option(wavelengths_nm, len(values))
    if option is not None:
        described = described.with_wavelengths(option)
    return cube_from_description(values, described, path, "NPZ", {"variable": name, "axes": order})


def holds_one_cube(path: Path) -> bool:
    """Whether it has the array that is the cube whatever else is there, as `write_npz` calls it."""
    return has_array(path, _KEY)


def _describe(content: dict[str, Any], file: str) -> Description:
    # Of other programs' names only what can be meant: a vector as long as an axis of an array.
    lengths = {(size,) for item in content.values() if item.ndim >= 3 for size in item.shape}
    vectors = [key for key, item in content.items() if item.dtype.kind in "iuf" and item.shape in lengths]
    centres, fwhm = (
        names[0] if names[0] in content else find_name(vectors, names) for names in (WAVELENGTH_NAMES, FWHM_NAMES)
    )
    fields: dict[str, Any] = {}
    if "good_bands" in content:
        fields["good_bands"] = content["good_bands"].reshape(-1)
    elif "bbl" in vectors and np.isin(content["bbl"], (0, 1)).all():
        fields["good_bands"] = content["bbl"] == 1
    if "quality" in content:
        fields["quality"] = content["quality"]
    fields.update({key: float(content[key].item()) for key in _NUMBERS if key in content})
    if "quantity" in content:
        fields["quantity"] = str(content["quantity"].item())
    if "default_bands" in content:
        fields["default_bands"] = tuple(int(band) for band in content["default_bands"].reshape(-1))
    if centres is None:
        return Description(**fields)
    unit = "nm" if centres.lower().endswith("_nm") else None
    widths = as_vector(content[fwhm]) if fwhm else None
    return replace(table_in_nm(as_vector(content[centres]), widths, unit, f"{file}: {centres}"), **fields)


def write_npz(cube: Cube, path: Path | str) -> None:
    """Writes a cube so that `open_cube` gives it back; the file appears whole or not at all.

    Args:
        cube: any cube; its values are read whole.
        path: the file to write, replaced if it exists.
    Raises:
        OutputError: if it cannot be written.
    """
    optional = {key: getattr(cube, key) for key in _OPTIONAL if getattr(cube, key) is not None}
    content = io.BytesIO()
    np.savez(content, values=cube.values, wavelengths_nm=cube.wavelengths_nm, **optional)
    write_atomically(Path(path), content.getvalue())
