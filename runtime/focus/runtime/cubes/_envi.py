"""ENVI: a raw file in BIL, BIP or BSQ order with a text header beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CubeError
from focus.runtime.cubes._cube import Cube
from focus.runtime.cubes._describe import bands_first, cube_from_description
from focus.runtime.cubes._envi_header import SPECTRAL_FIELDS, describe_header, integer, number, numbers, read_header
from focus.runtime.cubes._tables import WavelengthOption, table_from_option

#: ENVI's code of each numeric data type.
ENVI_DTYPES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}

#: What our own writer says in its header: of a file that is still written, or whose writer was killed, a last part of a
#: line may lie beyond the stated lines, and after a power cut fewer lines may be there.
FILE_STATE, GROWING, COMPLETE = "file state", "growing", "complete"

_COMPLEX = (6, 9)
_AXES = {"bil": "hcw", "bip": "hwc", "bsq": "chw"}
#: Of data files; the first is none.
DATA_SUFFIXES = ("", ".raw", ".img", ".dat", ".bil", ".bip", ".bsq", ".cube", ".hyspex", ".bin", ".envi")
_KEPT = (
    "description", "interleave", "data type", "byte order", "header offset", "sensor type", "wavelength units", "tint",
    "reflectance scale factor", "data ignore value", "data gain values", "data offset values", "acquisition time",
    "bit depth", "bit shift", "cube lines", "calibration", "serial number", "sensorid", "fps", "framerate",
    "frame rate", "map info", "coordinate system string", "projection info",
)  # fmt: skip


@dataclass(frozen=True)
class RawLayout:
    """How an ENVI data file is stored.

    Attributes:
        bands: number of bands.
        lines: number of lines.
        samples: number of samples a line.
        dtype: of one value, with byte order.
        interleave: "bil", "bip" or "bsq".
        offset: bytes before the first value.
    """

    bands: int
    lines: int
    samples: int
    dtype: np.dtype[Any]
    interleave: str
    offset: int

    @property
    def bytes(self) -> int:
        """Size that the data file must have."""
        return self.offset + self.bands * self.lines * self.samples * self.dtype.itemsize

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Shape in the order of the file."""
        lengths = {"c": self.bands, "h": self.lines, "w": self.samples}
        return tuple(lengths[axis] for axis in _AXES[self.interleave])

    def __str__(self) -> str:
        after = f" after {self.offset} bytes" if self.offset else ""
        return (
            f"{self.lines} lines x {self.samples} samples x {self.bands} bands of {self.dtype.name}{after} "
            f"= {self.bytes} bytes"
        )


def open_envi(path: Path, *, wavelengths_nm: WavelengthOption = None) -> Cube:
    """Opens an ENVI cube by its header or its data file, memory-mapped: no value is read.

    Args:
        path: `NAME.hdr`, or the data file beside it.
        wavelengths_nm: band centres that replace the header's; see `open_cube`.
    Raises:
        CubeError: if header or data are missing, damaged, unsupported, or disagree.
    """
    header = header_of(path)
    if header is None:
        raise CubeError(
            f"{path.name} has no ENVI header beside it; expected {path.with_suffix('.hdr').name} or {path.name}.hdr"
        )
    fields = read_header(header)
    layout = layout_from_header(fields, header.name)
    table = table_from_option(wavelengths_nm, layout.bands)
    # A table from the user is the way out of a broken one in the header, so that one is not even looked at.
    stated = fields if table is None else {key: fields[key] for key in fields if key not in SPECTRAL_FIELDS}
    described = describe_header(stated, header.name, layout.bands)
    if table is not None:
        described = described.with_wavelengths(table)
    if "byte order" not in fields and layout.dtype.itemsize > 1:
        described = replace(described, notes=(*described.notes, "no byte order is stated; taken as little-endian"))
    stored = stored_values(path, header, fields, layout)
    described = replace(described, notes=described.notes + stored.notes)
    kept = {key: fields[key] for key in _KEPT if key in fields}
    return cube_from_description(stored.values, described, stored.path, stored.format, kept)


@dataclass(frozen=True)
class Stored:
    """Values of a file, and where they lie.

    Attributes:
        values: [C, H, W], memory-mapped.
        path: the data file.
        format: such as "ENVI BIL".
        notes: what the reader had to assume, one sentence each.
    """

    values: NDArray[Any]
    path: Path
    format: str
    notes: tuple[str, ...]


def stored_values(path: Path, header: Path, fields: Mapping[str, str], layout: RawLayout) -> Stored:
    """The values that a header describes, also while their file grows.

    Args:
        path: `header`, or the data file beside it.
        header: the header.
        fields: of the header.
        layout: that the header states.
    Raises:
        CubeError: if the data are missing or disagree with the header.
    """
    data = _data_of(header, layout) if path == header else path
    growing = fields.get(FILE_STATE) == GROWING
    if growing:
        layout = _grown(data, layout)
    values = bands_first(_map(data, layout, header.name, growing), _AXES[layout.interleave])
    notes = ("its writer has not finished it",) if growing else ()
    return Stored(values, data, f"ENVI {layout.interleave.upper()}", notes)


def header_of(path: Path) -> Path | None:
    """The ENVI header that belongs to a path: itself, `NAME.hdr` or `NAME.SUFFIX.hdr`."""
    if path.suffix.lower() == ".hdr":
        return path
    for suffix in (".hdr", ".HDR"):
        for candidate in (path.with_name(path.name + suffix), path.with_suffix(suffix)):
            if candidate.is_file():
                return candidate
    return None


def layout_from_header(fields: Mapping[str, str], name: str) -> RawLayout:
    """The layout that a header states.

    A missing byte order is taken as little-endian, the order of every machine that FOCUS runs on.

    Raises:
        CubeError: if a field is missing, wrong or unsupported.
    """
    _refuse_unsupported(fields, name)
    code = integer(fields, "data type", name)
    if code in _COMPLEX:
        raise CubeError(
            f"{name}: data type {code} is complex, expected real values; store magnitude or parts as cubes of their own"
        )
    if code not in ENVI_DTYPES:
        raise CubeError(f"{name}: data type must be one of {', '.join(map(str, ENVI_DTYPES))}, got {code}")
    order = integer(fields, "byte order", name, default=0)
    if order > 1:
        raise CubeError(f"{name}: byte order must be 0 (little-endian) or 1 (big-endian), got {order}")
    interleave = fields.get("interleave", "").lower()
    if interleave not in _AXES:
        got = repr(interleave) if interleave else "nothing"
        raise CubeError(f"{name}: interleave must be bil, bip or bsq, got {got}; correct the header")
    return RawLayout(
        bands=integer(fields, "bands", name, low=1),
        lines=integer(fields, "lines", name, low=1),
        samples=integer(fields, "samples", name, low=1),
        dtype=np.dtype("<>"[order] + ENVI_DTYPES[code]),
        interleave=interleave,
        offset=integer(fields, "header offset", name, default=0),
    )


def _refuse_unsupported(fields: Mapping[str, str], name: str) -> None:
    kind = fields.get("file type", "").lower()
    if any(word in kind for word in ("library", "classification", "virtual", "meta")):
        raise CubeError(
            f"{name} describes a file of type {fields['file type']!r}, expected ENVI Standard; export it as an image"
        )
    if number(fields, "file compression", name):
        raise CubeError(f"{name}: compressed ENVI files cannot be read; export it uncompressed")
    for key in ("major frame offsets", "minor frame offsets"):
        offsets = numbers(fields, key, name)
        if offsets is not None and offsets.any():
            raise CubeError(f"{name}: {key} are not supported; export the file without them")


def _data_of(header: Path, layout: RawLayout) -> Path:
    """The data file beside a header; where several could be meant, the one of the right size."""
    bare = header.with_suffix("")
    names = dict.fromkeys(bare.with_name(bare.name + suffix) for s in DATA_SUFFIXES for suffix in (s, s.upper()))
    found = [candidate for candidate in names if candidate.is_file()]
    if not found:
        expected = ", ".join(bare.name + suffix for suffix in DATA_SUFFIXES[:7])
        raise CubeError(
            f"{header.name} has no data file beside it; expected one of {expected}, or name the data file itself"
        )
    fitting = [candidate for candidate in found if candidate.stat().st_size == layout.bytes]
    if len(fitting) > 1:
        listed = ", ".join(candidate.name for candidate in fitting)
        raise CubeError(f"{header.name} fits several data files ({listed}); name the data file itself")
    return (fitting or found)[0]


def _grown(data: Path, stated: RawLayout) -> RawLayout:
    """The lines that an unfinished file holds, of those that its header states; at least one: none is an error."""
    line = stated.bands * stated.samples * stated.dtype.itemsize
    held = _size(data) // line
    return replace(stated, lines=max(1, min(stated.lines, held)))


def _size(data: Path) -> int:
    try:
        return data.stat().st_size
    except OSError as error:
        raise _unreadable(data, error) from error


def _map(data: Path, layout: RawLayout, header: str, growing: bool) -> NDArray[Any]:
    size = _size(data)
    if size < layout.bytes or (size > layout.bytes and not growing):
        raise CubeError(f"{header} says {layout}, {data.name} has {size}; copy the file again or correct the header")
    try:
        return np.memmap(data, dtype=layout.dtype, mode="r", offset=layout.offset, shape=layout.stored_shape)
    except OSError as error:
        raise _unreadable(data, error) from error


def _unreadable(data: Path, error: OSError) -> CubeError:
    return CubeError(f"cannot read {data}: {error.strerror or error}; check the path and its permissions")
