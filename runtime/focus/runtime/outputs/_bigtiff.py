"""BigTIFF files that grow line by line."""

from __future__ import annotations

import io
import json
import struct
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from focus.runtime._files import write_atomically
from focus.runtime.outputs._growing import GrowingFile
from focus.runtime.outputs._layout import Layout
from focus.runtime.outputs._open_files import OpenFiles

#: The tags that GDAL, and so QGIS, keeps names of bands and the value of a missing sample in.
METADATA_TAG, NODATA_TAG = 42112, 42113

#: TIFF's way to say that all rows lie in one strip, however many there are.
ALL_ROWS = 2**32 - 1


class BigTiffWriter:
    """Appends lines to ``NAME.tif``: one page, one strip, bands interleaved by pixel, little-endian, uncompressed.

    The page's description stands before the samples, so the file only grows at its end. How many lines there are, and
    how many bytes, is then written over in place, with one small write after the lines themselves: a reader finds the
    lines that are stated, at every moment, and a killed process leaves at most a part of a line beyond them.

    Args:
        files: where.
        layout: what is written; its fields go into the page's description as JSON.
    """

    def __init__(self, files: OpenFiles, layout: Layout) -> None:
        self._files, self._layout = files, layout
        self._lines = 0
        self._file: GrowingFile | None = None

    def append(self, lines: NDArray[Any]) -> None:
        """See ``LineWriter.append``."""
        self._layout.check(lines)
        stored = np.ascontiguousarray(lines.transpose(0, 2, 1), self._layout.dtype.newbyteorder("<"))
        if self._file is None:
            self._file = self._begin(stored)
        else:
            self._file.append(stored)
        self._lines += len(stored)
        length, rows, size = self._places
        state = self._state
        struct.pack_into("<I", state, 0, self._lines)
        struct.pack_into("<I", state, rows - length, ALL_ROWS)
        struct.pack_into("<Q", state, size - length, self._lines * stored[0].nbytes)
        self._file.overwrite(length, bytes(state))

    def finish(self) -> None:
        """See ``LineWriter.finish``; the file says all that there is to say already."""

    def _begin(self, stored: NDArray[Any]) -> GrowingFile:
        """Makes the file with its first lines, whole or not at all, and remembers where its numbers stand."""
        import tifffile

        layout = self._layout
        content = io.BytesIO()
        tifffile.imwrite(
            content,
            stored if layout.bands > 1 else stored[..., 0],
            bigtiff=True,
            byteorder="<",
            photometric="minisblack",
            planarconfig="contig" if layout.bands > 1 else None,
            rowsperstrip=len(stored),
            description=json.dumps({"description": layout.description, **layout.fields}),
            metadata=None,
            extratags=[(tag, "s", 0, text, True) for tag, text in _for_gdal(layout).items()],
        )
        content.seek(0)
        with tifffile.TiffFile(content) as tiff:
            tags = tiff.pages[0].tags
            names = ("ImageLength", "RowsPerStrip", "StripByteCounts")
            self._places: tuple[int, ...] = tuple(tags[name].valueoffset for name in names)
        first, _, last = self._places
        self._state = bytearray(content.getbuffer()[first : last + 8])
        name = f"{layout.name}.tif"
        write_atomically(self._files.folder / name, content.getvalue())
        return self._files.open(name)


def _for_gdal(layout: Layout) -> dict[int, str]:
    """What GDAL reads beside TIFF's own tags."""
    found = {}
    names = layout.fields.get("band names")
    if names is None:
        names = [f"{centre} nm" for centre in layout.fields.get("wavelength", ())]
    if names:
        items = "".join(
            f'<Item name="DESCRIPTION" sample="{band}" role="description">{escape(name)}</Item>'
            for band, name in enumerate(names)
        )
        # TIFF takes ASCII alone; XML has a way to say everything else.
        items = items.encode("ascii", "xmlcharrefreplace").decode()
        found[METADATA_TAG] = f"<GDALMetadata>{items}</GDALMetadata>"
    ignored = layout.fields.get("data ignore value")
    if ignored is not None:
        found[NODATA_TAG] = str(ignored)
    return found
