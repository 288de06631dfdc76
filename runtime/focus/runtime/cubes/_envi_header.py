"""ENVI headers: text in, checked fields out.

The parser is our own: that of `spectral` refuses a header without `byte order` when it opens the image (PlantCV
writes such), depends on the locale's encoding, and warns about capitals. Tests hold it against `spectral` on what
both read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CubeError
from focus.runtime.cubes._describe import Description
from focus.runtime.cubes._wavelengths import table_in_nm

#: The fields that a table of wavelengths from the user replaces.
SPECTRAL_FIELDS = ("wavelength", "wavelength units", "fwhm")

_HEADER_LIMIT = 16 * 2**20


def read_header(path: Path) -> dict[str, str]:
    """The fields of an ENVI header: lower-case name -> text, braces of lists removed.

    Raises:
        CubeError: if the file is missing, is not an ENVI header, or ends inside a list.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_HEADER_LIMIT + 1)
    except OSError as error:
        raise CubeError(f"cannot read header {path}: {error.strerror or error}; check the path") from error
    if len(data) > _HEADER_LIMIT:
        raise CubeError(f"{path.name} is over {_HEADER_LIMIT} bytes and so no ENVI header; name the .hdr file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return parse_header(text, path.name)


def parse_header(text: str, name: str) -> dict[str, str]:
    """The fields of an ENVI header's text; see `read_header`."""
    lines = iter(text.splitlines())
    if not next(lines, "").strip().upper().startswith("ENVI"):
        raise CubeError(f'{name} is not an ENVI header: its first line must be "ENVI"; name the .hdr file')
    fields: dict[str, str] = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if line.lstrip().startswith(";") or not equals:
            continue
        value = value.strip()
        if value.startswith("{"):
            value = _read_braces(value[1:], lines, key.strip(), name)
        fields[" ".join(key.lower().split())] = value
    return fields


def _read_braces(value: str, lines: Iterator[str], key: str, name: str) -> str:
    parts = [value]
    while "}" not in parts[-1]:
        line = next(lines, None)
        if line is None:
            raise CubeError(f"{name}: the list of {key!r} is never closed; the header is cut off, copy it again")
        if not line.lstrip().startswith(";"):
            parts.append(line.strip())
    return "\n".join(parts).partition("}")[0].strip()


def integer(fields: Mapping[str, str], key: str, name: str, default: int | None = None, low: int = 0) -> int:
    """A whole number of a header.

    Raises:
        CubeError: if it is absent without a default, is not a whole number, or is below `low`.
    """
    text = fields.get(key)
    if text is None and default is not None:
        return default
    try:
        number = int(text or "")
    except ValueError:
        got = "nothing" if text is None else repr(text[:40])
        raise CubeError(f"{name}: {key!r} must be a whole number, got {got}; correct the header") from None
    if number < low:
        raise CubeError(f"{name}: {key!r} must be at least {low}, got {number}; correct the header")
    return number


def number(fields: Mapping[str, str], key: str, name: str) -> float | None:
    """A number of a header, or None where it is absent or empty."""
    values = numbers(fields, key, name)
    if values is None:
        return None
    if values.size != 1:
        raise CubeError(f"{name}: {key!r} must be one number, got {values.size}; correct the header")
    return float(values[0])


def numbers(fields: Mapping[str, str], key: str, name: str) -> NDArray[np.float64] | None:
    """A list of numbers of a header as float64, or None where it is absent or empty."""
    words = [word.strip() for word in fields.get(key, "").replace("\n", " ").split(",")]
    words = [word for word in words if word]
    if not words:
        return None
    values = []
    for position, word in enumerate(words):
        try:
            values.append(float(word))
        except ValueError:
            raise CubeError(
                f"{name}: entry {position} (from 0) of {key!r} must be a number, got {word[:40]!r}; correct the header"
            ) from None
    return np.array(values, dtype=np.float64)


def describe_header(fields: Mapping[str, str], name: str, bands: int | None) -> Description:
    """What a header says about bands and numbers.

    `tint` (integration time) has no unit in the ENVI format; camera vendors write milliseconds, and so it is read.
    `default bands` count from 1 in the file and from 0 here.

    Args:
        fields: of `read_header`.
        name: the header's name, for messages.
        bands: the header's number of bands, or None for a header that only describes another file's bands.
    Raises:
        CubeError: if a field cannot be read, or units contradict values.
    """
    wavelengths = numbers(fields, "wavelength", name)
    table = Description()
    if wavelengths is not None:
        table = table_in_nm(wavelengths, numbers(fields, "fwhm", name), fields.get("wavelength units"), name)
    bands = table.bands if bands is None else bands
    shown, notes = _default_bands(fields, name, bands)
    scale = number(fields, "reflectance scale factor", name)
    exposure = number(fields, "tint", name)
    if exposure is not None and not exposure > 0:
        exposure, notes = None, (*notes, f"tint is {fields['tint']}; taken as not stated")
    return replace(
        table,
        good_bands=_good_bands(fields, name, bands),
        ignore_value=number(fields, "data ignore value", name),
        quantity="reflectance" if scale is not None else "counts" if _is_recording(fields) else None,
        scale=1.0 if scale is None else scale,
        exposure_ms=exposure,
        default_bands=shown,
        notes=table.notes + notes,
    )


def _is_recording(fields: Mapping[str, str]) -> bool:
    """Whether it is of raw counts that a run recorded: it names the calibration that they need."""
    return fields.get("calibration", "").partition(" ")[0].endswith(".focuscal")


def _good_bands(fields: Mapping[str, str], name: str, bands: int | None) -> NDArray[np.bool_] | None:
    flags = numbers(fields, "bbl", name)
    if flags is None:
        return None
    if bands is not None and flags.size != bands:
        raise CubeError(f"{name}: 'bbl' must say good or bad of each of {bands} bands, got {flags.size} numbers")
    wrong = np.flatnonzero((flags != 0) & (flags != 1))
    if wrong.size:
        raise CubeError(
            f"{name}: 'bbl' must hold 0 (bad) and 1 (good), got {flags[wrong[0]]:g} at band {wrong[0]} (from 0)"
        )
    return np.equal(flags, 1)


def _default_bands(
    fields: Mapping[str, str], name: str, bands: int | None
) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    """Display bands; those that do not fit are left out with a note, because nothing but a picture depends on them."""
    shown = numbers(fields, "default bands", name)
    if shown is None or bands is None:
        return None, ()
    if np.all((shown == np.round(shown)) & (shown >= 1) & (shown <= bands)):
        return tuple(int(band) - 1 for band in shown), ()
    return None, (f"default bands {shown.tolist()} do not lie in 1..{bands}; left out",)
