"""Wavelengths from outside the cube's own file: the user's option, or a table beside the file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CubeError
from focus.runtime.cubes._describe import Description, as_vector
from focus.runtime.cubes._envi_header import describe_header, read_header
from focus.runtime.cubes._wavelengths import table_in_nm

#: What `open_cube` takes for wavelengths: nm a band, a file with a table, or "START:STOP" in nm.
WavelengthOption = Sequence[float] | NDArray[Any] | str | PathLike[str] | None

_TABLE_LIMIT = 16 * 2**20


def table_from_option(option: WavelengthOption, bands: int | None) -> Description | None:
    """The user's own wavelengths.

    Args:
        option: see `WavelengthOption`.
        bands: number of bands, needed for "START:STOP" only.
    Returns: a description with wavelengths, FWHM and good bands alone, whatever else the file says of its own cube; or
        None where there is no option, or a range and no number of bands yet.
    Raises:
        ValueError: if the option cannot be read as wavelengths.
        CubeError: if the file that it names is missing or unreadable.
    """
    if option is None:
        return None
    if not isinstance(option, str | PathLike):
        return Description(wavelengths_nm=as_vector(option))
    start, colon, stop = str(option).partition(":")
    if colon and not Path(option).exists():
        try:
            limits = float(start), float(stop)
        except ValueError:
            raise ValueError(
                f"--wavelengths must be a file or START:STOP in nm, such as 400:1000; got {option}"
            ) from None
        if bands is None:
            return None
        return Description(wavelengths_nm=np.linspace(*limits, bands, dtype=np.float64))
    return Description().with_wavelengths(table_from_file(Path(option)))


def bands_from_option(
    option: WavelengthOption, bands: int
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None] | None:
    """The user's own wavelengths and FWHM in nm for a camera of so many bands; None where there is no option.

    Raises:
        ValueError: the option cannot be read as wavelengths, or its table has none.
        CubeError: the file that it names is missing or unreadable.
    """
    table = table_from_option(option, bands)
    if table is None:
        return None
    if table.wavelengths_nm is None:
        raise ValueError(f"--wavelengths {option} holds no wavelengths; expected one band a line, in nm")
    return table.wavelengths_nm, table.fwhm_nm


def table_beside(path: Path) -> Description | None:
    """What lies beside a file: the first one of `tables_beside`."""
    return next(map(table_from_file, tables_beside(path)), None)


def tables_beside(path: Path) -> list[Path]:
    """What there is of `NAME.SUFFIX.hdr`, `NAME.hdr`, `NAME.wavelengths.csv` and `wavelengths.csv`, in this order."""
    names = (
        path.with_name(path.name + ".hdr"),
        path.with_suffix(".hdr"),
        path.with_suffix(".wavelengths.csv"),
        path.with_name("wavelengths.csv"),
    )
    return [name for name in names if name != path and name.is_file()]


def table_from_file(path: Path) -> Description:
    """Wavelengths from an ENVI header, or from a text table.

    A table has one band a line. Without a header line its first column holds nm. With one, the columns are found by
    name ("wavelength" or "wl", and "fwhm"), and the unit may be part of the name: `wavelength_nm`, `wavelength (um)`.

    Raises:
        CubeError: if the file is missing or is no such table.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_TABLE_LIMIT + 1)
    except OSError as error:
        raise CubeError(f"cannot read wavelengths from {path}: {error.strerror or error}; check the path") from error
    if data.lstrip(b"\xef\xbb\xbf").startswith(b"ENVI"):
        return describe_header(read_header(path), path.name, None)
    if len(data) > _TABLE_LIMIT or b"\0" in data:
        raise CubeError(f"{path.name} is not a table of wavelengths; expected text with one band a line, in nm")
    return _parse_table(data.decode("utf-8-sig", errors="replace"), path.name)


def cells_of_table(text: str) -> list[list[str]]:
    """The cells of a table, without empty lines, those that begin with #, and what is empty at the end of a line. Where
    semicolons or tabs part the numbers, a comma is the decimal sign.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
    first, numbers = lines[:1], lines[1:] or lines
    delimiter = next((mark for mark in ";\t" if numbers and all(mark in line for line in numbers)), ",")
    of_titles = next((mark for mark in (delimiter, *";\t,") if first and mark in first[0]), delimiter)
    rows = [*csv.reader(first, delimiter=of_titles), *csv.reader(lines[1:], delimiter=delimiter)]
    return [_trimmed([_cell(cell, delimiter) for cell in row]) for row in rows]


def _cell(text: str, delimiter: str) -> str:
    return text.strip() if delimiter == "," else text.strip(" \t,").replace(",", ".")


def _trimmed(row: list[str]) -> list[str]:
    while len(row) > 1 and not row[-1]:
        row.pop()
    return row


def _parse_table(text: str, name: str) -> Description:
    rows = cells_of_table(text)
    if not rows:
        raise CubeError(f"{name} is empty; expected one band a line, in nm")
    if _is_number(rows[0][0]):
        doubtful = next((row for row in rows if len(row) == 2), None)
        if doubtful and "," in text and all(len(row) <= 2 and "".join(row).isdigit() for row in rows):
            raise CubeError(
                f"{name} says {','.join(doubtful)}, a decimal comma or two columns; write 400.5, or name the columns "
                "in a first line"
            )
        return Description(wavelengths_nm=_column(rows, 0, 1, name))
    titles = [cell.lower() for cell in rows[0]]
    centre = next((i for i, title in enumerate(titles) if title.startswith(("wavelength", "wl", "lambda"))), None)
    if centre is None:
        raise CubeError(
            f"{name} has no column called wavelength, it has: {', '.join(titles)}; name the columns in its first line"
        )
    if any(len(row) == 2 * len(titles) and all(map(_is_number, row)) for row in rows[1:]):
        raise CubeError(
            f"{name} has twice as many numbers a line as titles; where commas are decimal signs, part the columns with "
            "semicolons"
        )
    width = next((i for i, title in enumerate(titles) if title.startswith("fwhm")), None)
    unit = next((word for word in ("um", "µm", "μm", "micro") if word in titles[centre]), "nm")
    fwhm = None if width is None else _column(rows[1:], width, 2, name)
    return table_in_nm(_column(rows[1:], centre, 2, name), fwhm, "um" if unit != "nm" else "nm", name)


def _column(rows: list[list[str]], index: int, first_line: int, name: str) -> NDArray[np.float64]:
    values = []
    for number, row in enumerate(rows, first_line):
        if index >= len(row) or not _is_number(row[index]):
            got = row[index] if index < len(row) else "nothing"
            raise CubeError(f"{name}, row {number}: expected a number in column {index + 1}, got {got!r}")
        values.append(float(row[index]))
    return np.array(values, dtype=np.float64)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
