"""One way in for every format."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from focus.runtime._errors import CubeError
from focus.runtime.cubes._cube import Cube
from focus.runtime.cubes._envi import header_of, open_envi
from focus.runtime.cubes._tables import WavelengthOption, tables_beside

SUPPORTED = "ENVI (.hdr and its data file), TIFF, MATLAB (.mat), NPY, NPZ, NetCDF (.nc), HDF5 (.h5)"

_HDF5 = b"\x89HDF\r\n\x1a\n"
_MAGIC = {
    b"ENVI": "envi",
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "npz",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
    _HDF5: "hdf5",
    b"CDF\x01": "netcdf",
    b"CDF\x02": "netcdf",
    b"MATLAB 7.3": "matlab73",
    b"MATLAB 5.0": "matlab",
}
#: Suffixes of the formats; an ENVI cube is known by its header's.
SUFFIXES = {
    ".hdr": "envi", ".npy": "npy", ".npz": "npz", ".tif": "tiff", ".tiff": "tiff", ".h5": "hdf5", ".hdf5": "hdf5",
    ".he5": "hdf5", ".nc": "netcdf", ".mat": "matlab",
}  # fmt: skip

#: What a user cannot say of a cube, by format, and why.
_USELESS = {"envi": ("axes", "variable"), "tiff": ("variable",), "npy": ("variable",)}
_SAYS = {"axes": "whose header says the order (interleave)", "variable": "which holds one cube"}


def open_cube(
    path: str | PathLike[str],
    *,
    variable: str | None = None,
    axes: str | None = None,
    wavelengths_nm: WavelengthOption = None,
) -> Cube:
    """Opens a hyperspectral cube of any supported format, by content first and by suffix second.

    Nothing is read but headers wherever the format allows a memory map: ENVI, NPY, NetCDF 3, uncompressed TIFF,
    contiguous HDF5.

    Args:
        path: the file; for ENVI the header or the data file.
        variable: for MATLAB, NetCDF, HDF5 and NPZ, the variable that holds the cube, if there are several.
        axes: order of the stored axes as an arrangement of c (bands), h (lines), w (samples), where it cannot be told.
        wavelengths_nm: band centres in nm [C], or the path of a table (see `table_from_file`), or "START:STOP" for
            evenly spaced bands; replaces those of the file.
    Returns: the cube, [C, H, W].
    Raises:
        CubeError: if the file is missing, damaged, unsupported, or does not say enough.
        ValueError: if `axes` or `wavelengths_nm` are no such thing, or the format has no use for `axes` or `variable`.
    """
    file = Path(path)
    kind = kind_of(file)
    _refuse_useless(kind, file, axes=axes, variable=variable)
    if kind == "envi":
        return open_envi(file, wavelengths_nm=wavelengths_nm)
    if kind == "npy":
        from focus.runtime.cubes._numpy import open_npy

        return open_npy(file, axes=axes, wavelengths_nm=wavelengths_nm)
    if kind == "npz":
        from focus.runtime.cubes._numpy import open_npz

        return open_npz(file, variable=variable, axes=axes, wavelengths_nm=wavelengths_nm)
    if kind == "tiff":
        from focus.runtime.cubes._tiff import open_tiff

        return open_tiff(file, axes=axes, wavelengths_nm=wavelengths_nm)
    if kind == "matlab":
        from focus.runtime.cubes._matlab import open_matlab

        return open_matlab(file, variable=variable, axes=axes, wavelengths_nm=wavelengths_nm)
    if kind == "netcdf":
        from focus.runtime.cubes._netcdf import open_netcdf

        return open_netcdf(file, variable=variable, axes=axes, wavelengths_nm=wavelengths_nm)
    from focus.runtime.cubes._hdf5 import open_hdf5

    matlab = kind == "matlab73"
    return open_hdf5(file, variable=variable, axes=axes, wavelengths_nm=wavelengths_nm, column_major=matlab)


def useless_options(path: Path) -> tuple[str, ...]:
    """Which of ``axes`` and ``variable`` mean nothing for a file; see ``open_cube``."""
    try:
        return _useless(kind_of(path), path)
    except CubeError:  # which open_cube says
        return ()


def _useless(kind: str, file: Path) -> tuple[str, ...]:
    if kind == "npz":
        from focus.runtime.cubes._numpy import holds_one_cube

        return ("variable",) if holds_one_cube(file) else ()
    return _USELESS.get(kind, ())


def _refuse_useless(kind: str, file: Path, **given: str | None) -> None:
    for name, value in given.items():
        if value is not None and name in _useless(kind, file):
            raise ValueError(f"--{name} means nothing for {file.name}, {_SAYS[name]}; leave it out")


def kind_of(path: Path) -> str:
    """The format's name, from the first bytes, an ENVI header beside the file, or the suffix.

    Raises:
        CubeError: it cannot be opened, or is of no format that is known.
    """
    try:
        if path.is_dir():
            raise CubeError(f"{path} is a folder; name a file in it")
        with path.open("rb") as stream:
            start = stream.read(16)
    except OSError as error:
        raise CubeError(f"cannot open {path}: {error.strerror or error}; check the path and its permissions") from error
    for magic, kind in _MAGIC.items():
        if start.startswith(magic):
            return kind
    if header_of(path) is not None:
        return "envi"
    kind = SUFFIXES.get(path.suffix.lower(), "")
    if kind:
        return kind
    raise CubeError(
        f"{path.name} is of no known format and has no ENVI header beside it ({path.name}.hdr); "
        f"supported are {SUPPORTED}"
    )


def files_of(path: Path) -> list[Path]:
    """The files that a cube is made of, and those beside it that describe it, as far as they are there; none where it
    is missing itself. Of an ENVI header these are all files of its name, whatever their suffix.
    """
    if not path.is_file():
        return []
    if path.suffix.lower() == ".hdr":
        beside: Iterable[Path | None] = (path.with_suffix(""), *path.parent.glob(f"{glob.escape(path.stem)}.*"))
    else:
        beside = (header_of(path), *tables_beside(path))
    return sorted({path, *(file for file in beside if file is not None and file.is_file())})
