"""TIFF: one page a band, or one page with all bands (planar or interleaved)."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CubeError
from focus.runtime.cubes._cube import Cube
from focus.runtime.cubes._describe import Description, bands_first, check_memory, cube_from_description, find_axes
from focus.runtime.cubes._envi_header import describe_header
from focus.runtime.cubes._tables import WavelengthOption, table_beside, table_from_option

_GDAL_NODATA = 42113


def open_tiff(path: Path, *, axes: str | None = None, wavelengths_nm: WavelengthOption = None) -> Cube:
    """Opens a TIFF cube: memory-mapped where its pages lie uncompressed one after another, else unpacked into memory.

    TIFF has no place for wavelengths: they come from the option, from the page of a file that a run wrote, or from a
    table beside the file.

    Args:
        path: the file.
        axes: order of the stored axes where the file's own labels mislead.
        wavelengths_nm: see `open_cube`.
    Raises:
        CubeError: if the file is damaged, is no cube, or has no wavelengths.
    """
    values, labels, nodata, fields = load_tiff(path)
    values = bands_first(values, find_axes(values.shape, None, axes or labels, path.name))
    own = describe_header(fields, path.name, len(values)) if "wavelength" in fields else None
    described = table_from_option(wavelengths_nm, len(values)) or own or table_beside(path) or Description()
    if described.ignore_value is None:
        described = replace(described, ignore_value=nodata)
    return cube_from_description(values, described, path, "TIFF", {"axes": axes or labels})


def load_tiff(path: Path) -> tuple[NDArray[Any], str, float | None, dict[str, str]]:
    """Values in stored order, that order, the ignore value, and what the page of a run's file says in ENVI's words.

    Raises:
        CubeError: if the file is damaged, or holds no stack of bands.
    """
    import tifffile

    with _complaints() as complaints:
        try:
            with tifffile.TiffFile(path) as tiff:
                fields = _own_fields(tiff)
                loaded = *_read(tiff, path, bool(fields)), _nodata(tiff), fields
        except CubeError as error:
            fault: CubeError | None = error
        except Exception as error:
            # tifffile raises a dozen types on damaged files; all of them mean the same to the user.
            fault = CubeError(f"{path.name} cannot be read as TIFF ({error}); write it uncompressed, or copy it again")
        else:
            fault = None
    missing = next((complaint for complaint in complaints if "page" in complaint), None)
    if missing is not None:
        raise CubeError(f"{path.name} is cut off or damaged ({missing}); copy it again")
    if fault is not None:
        raise fault
    return loaded


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collects what tifffile logs: it does not raise when pages are missing, and a user wants one line, not its log."""
    heard: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("tifffile")
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield heard
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagated


def _own_fields(tiff: Any) -> dict[str, str]:
    """What a run wrote into the description of its page, lists joined by commas as in an ENVI header; else empty."""
    try:
        fields = json.loads(tiff.pages[0].description)
    except ValueError:
        return {}
    if not isinstance(fields, dict) or "description" not in fields:
        return {}
    return {key: ", ".join(map(str, held)) if isinstance(held, list) else str(held) for key, held in fields.items()}


def _read(tiff: Any, path: Path, own: bool) -> tuple[NDArray[Any], str]:
    """Values in stored order, and that order as an arrangement of "chw"."""
    page = tiff.pages[0]
    if own and page.is_memmappable:
        # A map may have a single band, or a single line, which nothing but its page tells from a flat picture.
        shape = page.imagelength, page.imagewidth, page.samplesperpixel
        dtype = np.dtype(page.dtype).newbyteorder(tiff.byteorder)
        return np.memmap(path, dtype=dtype, mode="r", offset=page.dataoffsets[0], shape=shape), "hwc"
    series = _only_cube(tiff, path)
    shape, labels = series.get_shape(squeeze=False), series.get_axes(squeeze=False)
    kept = [axis for axis in range(len(shape)) if shape[axis] > 1 or labels[axis] in "YX"]
    order = "".join({"Y": "h", "X": "w"}.get(labels[axis], "c") for axis in kept)
    stored = tuple(int(shape[axis]) for axis in kept)
    if series.dataoffset is None:
        check_memory(math.prod(stored) * series.dtype.itemsize, path, "write it uncompressed, or as ENVI")
        return series.asarray().reshape(stored), order
    dtype = np.dtype(series.dtype).newbyteorder(tiff.byteorder)
    return np.memmap(path, dtype=dtype, mode="r", offset=series.dataoffset, shape=stored), order


def _only_cube(tiff: Any, path: Path) -> Any:
    found = [series for series in tiff.series if sum(n > 1 or a in "YX" for n, a in _unsqueezed(series)) == 3]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(str(list(series.shape)) for series in tiff.series[:10])
    raise CubeError(
        f"{path.name} must hold one stack of equal pages or one page with several bands, "
        f"it holds {len(tiff.series)} image series of shape {listed or 'none'}; export one stack, or copy it again"
    )


def _unsqueezed(series: Any) -> list[tuple[int, str]]:
    return list(zip(series.get_shape(squeeze=False), series.get_axes(squeeze=False), strict=True))


def _nodata(tiff: Any) -> float | None:
    """The ignore value that GDAL writes into a tag of its own."""
    tag = tiff.pages[0].tags.get(_GDAL_NODATA)
    try:
        return None if tag is None else float(str(tag.value).strip("\0 "))
    except ValueError:
        return None
