"""``raw.dat``: the raw lines as they came, for ``--record``; ``raw.lines.csv`` says what is known of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.outputs._contract import BaseSink
from focus.runtime.outputs._envi import EnviWriter
from focus.runtime.outputs._layout import Layout
from focus.runtime.outputs._open_files import OpenFiles
from focus.runtime.outputs._placed import PlacedTable
from focus.runtime.pipeline import Plan, RunSummary, Strip
from focus.runtime.positions import Track
from focus.runtime.sources import CALIBRATION_BESIDE, LINE_COLUMNS, SourceFacts, lines_table_of

#: Name of the recording's files, without suffix.
RAW = "raw"


class RecordSink(BaseSink):
    """Records the strips with one call of the system each and without a copy; lines that did not arrive are zeros.

    Replayed with the calibration beside it, the recording gives the same maps.

    Args:
        files: where.
        track: where the camera was, or None.
    """

    def __init__(self, files: OpenFiles, track: Track | None = None) -> None:
        self._files, self._track = files, track

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self.begin(plan.source)

    def begin(self, source: SourceFacts) -> None:
        """Before the first strip of a source.

        Raises:
            OutputError: nothing can be written there.
            ValueError: a type of sample that ENVI does not have.
        """
        if source.calibration is not None:
            source.calibration.save(self._files.folder / CALIBRATION_BESIDE)
        self._empty = np.zeros((1, source.bands, source.samples), source.dtype)
        self._writer = EnviWriter(self._files, _layout(source))
        name = lines_table_of(self._files.folder / RAW).name
        self._table = PlacedTable(self._files, name, LINE_COLUMNS, self._track)
        self._lines = 0

    def add_strip(self, strip: Strip) -> None:
        """See ``MapSink.add_strip``."""
        if not strip.lines:
            return
        # The table first: whatever the recording's header states has its row, also after a kill between the two.
        times = [None if meta is None else meta.utc_ns for meta in strip.metas]
        self._table.append(self._rows(strip), times)
        self._writer.append_parts(*self._parts(strip))
        self._lines += strip.lines

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        self._table.fill(last=True)
        self._writer.finish()

    def _parts(self, strip: Strip) -> Iterator[NDArray[Any]]:
        """Runs of lines that arrived, as they lie in memory, and zeros for the others."""
        lines = strip.raw.transpose(1, 0, 2)
        arrived = strip.arrived[: strip.lines]
        edges = np.flatnonzero(np.diff(arrived)) + 1
        for run in np.split(np.arange(strip.lines), edges):
            if arrived[run[0]]:
                yield lines[run[0] : run[-1] + 1]
            else:
                yield from [self._empty] * len(run)

    def _rows(self, strip: Strip) -> Iterator[tuple[object, ...]]:
        for index, (meta, state) in enumerate(zip(strip.metas, strip.states, strict=True)):
            clocks = ("", "", "") if meta is None else (meta.camera_ns, meta.monotonic_ns, meta.utc_ns)
            yield self._lines + index, strip.first_sequence + index, state, *clocks


def _layout(source: SourceFacts) -> Layout:
    """The header says all that the samples need, to the last digit, but for the calibration itself."""
    fields: dict[str, str | list[str]] = {
        "wavelength units": "Nanometers",
        "wavelength": [repr(float(value)) for value in source.wavelengths_nm],
    }
    if source.fwhm_nm is not None:
        fields["fwhm"] = [repr(float(value)) for value in source.fwhm_nm]
    if not source.good_bands.all():
        fields["bbl"] = [str(int(good)) for good in source.good_bands]
    if source.bits is not None:
        fields["bit depth"] = str(source.bits)
    if source.shift:
        fields["bit shift"] = str(source.shift)
    if source.exposure_ms is not None:
        fields["tint"] = repr(source.exposure_ms)
    if source.serial:
        fields["serial number"] = source.serial
    what = "raw counts"
    if source.cube_lines is not None:
        fields["cube lines"] = str(source.cube_lines)
    if source.calibration is None:
        # Its gain is one number.
        what, fields["reflectance scale factor"] = "reflectance", repr(1.0 / float(source.gain.flat[0]))
    else:
        fields["calibration"] = [f"{CALIBRATION_BESIDE} sha256 {source.calibration.sha256}"]
    return Layout(RAW, source.bands, source.samples, f"{what} of {source.name}", fields, np.dtype(source.dtype))
