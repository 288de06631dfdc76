"""Maps: files whose bands are no wavelengths but have names, such as those that a run writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.cubes._cube import Provenance
from focus.runtime.cubes._describe import bands_first
from focus.runtime.cubes._envi import header_of, layout_from_header, stored_values
from focus.runtime.cubes._envi_header import number, read_header
from focus.runtime.cubes._open import kind_of


@dataclass(frozen=True, eq=False)
class Map:
    """An image of named bands, to look at; no model runs over it.

    Attributes:
        values: [C, H, W] = [bands, lines, samples], memory-mapped where the format allows.
        band_names: of all bands.
        ignore_value: the stored value that means "nothing here", or None.
        provenance: where it comes from.
    """

    values: NDArray[Any]
    band_names: tuple[str, ...]
    ignore_value: float | None
    provenance: Provenance

    def thinned(self, band: int, most_lines: int, most_samples: int) -> NDArray[np.float32]:
        """A band with every n-th line and m-th sample, at most so many, as float32 [h, w]; nan where ignored."""
        lines, samples = self.values.shape[1:]
        stored = self.values[band, :: -(-lines // most_lines), :: -(-samples // most_samples)]
        ignored = np.zeros(stored.shape, bool) if self.ignore_value is None else stored == self.ignore_value
        return np.where(ignored, np.float32(np.nan), stored.astype(np.float32))


def open_map(path: Path) -> Map | None:
    """Opens an ENVI file, or a BigTIFF of a run, with names of bands in the place of wavelengths.

    Args:
        path: the file; for ENVI the header or the data file.
    Returns: the map, or None for any other file, which is one for `open_cube`.
    Raises:
        CubeError: if the file is missing or damaged.
    """
    kind = kind_of(path)
    if kind == "tiff":
        from focus.runtime.cubes._tiff import load_tiff

        values, axes, ignored, fields = load_tiff(path)
        return _map_of(bands_first(values, axes), fields, ignored, path, "TIFF", ()) if _has_names(fields) else None
    header = header_of(path) if kind == "envi" else None
    if header is None:
        return None
    fields = read_header(header)
    if not _has_names(fields):
        return None
    stored = stored_values(path, header, fields, layout_from_header(fields, header.name))
    ignored = number(fields, "data ignore value", header.name)
    return _map_of(stored.values, fields, ignored, stored.path, stored.format, stored.notes)


def _has_names(fields: Mapping[str, str]) -> bool:
    return "band names" in fields and "wavelength" not in fields


def _map_of(
    values: NDArray[Any],
    fields: Mapping[str, str],
    ignored: float | None,
    path: Path,
    file_format: str,
    notes: tuple[str, ...],
) -> Map:
    names = [name.strip() for name in fields["band names"].replace("\n", " ").split(",")]
    names += [f"band {band}" for band in range(len(names), len(values))]
    kept = {key: fields[key] for key in ("description",) if key in fields}
    return Map(values, tuple(names[: len(values)]), ignored, Provenance(str(path), file_format, kept, notes))
