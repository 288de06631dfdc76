"""``replay:FILE``: a recorded cube, line by line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._calibration import Calibration, Folded, Rig
from focus.runtime._errors import CubeError
from focus.runtime.cubes import Cube
from focus.runtime.cubes._envi_header import integer
from focus.runtime.sources._contract import FrameMeta, GetBuffer, SourceFacts, Truth
from focus.runtime.sources._lines import RecordedLine, lines_table_of, read_lines
from focus.runtime.sources._pace import LineClock, Pace

#: Fields of an ENVI header that hold a serial number.
SERIAL_FIELDS = ("serial number", "sensorid")

#: Name of the calibration beside a recording of ours, which its header has.
CALIBRATION_BESIDE = "calibration.focuscal"

#: Lines read at a time: cheap on memory, kind to files that store band after band.
CHUNK = 16


@dataclass(frozen=True)
class WordFormat:
    """How counts lie in the stored words.

    Attributes:
        bits: depth of the camera's words; the highest count is saturated. None: not known.
        shift: unused low bits of a stored word (4 for 12 bits at the upper end of 16). None: not known.
    Raises:
        ValueError: depths and shifts that no camera has.
    """

    bits: int | None = None
    shift: int | None = None

    def __post_init__(self) -> None:
        if self.bits is not None and not 1 <= self.bits <= 32:
            raise ValueError(f"--bit-depth must be 1 to 32, got {self.bits}")
        if self.shift is not None and not 0 <= self.shift <= 16:
            raise ValueError(f"--bit-shift must be 0 to 16, got {self.shift}")


class Replay:
    """Plays a cube as a push-broom camera would have sent it.

    A recording of ``focus-run --record`` is played with the numbers, times and losses that it was taken with.

    Args:
        cube: any cube.
        calibration: makes reflectance of counts; needed unless the cube is known to hold reflectance.
        words: how counts lie in the stored words; what is not given there, the header says.
        pace: how fast, and whether it is played again and again.
        any_camera: the user knows that the calibration is of another camera.
        raw: the counts as they are, without a calibration, dark 0 and gain 1: for references.
        uri: what the user asked for, for the record.
    Raises:
        CubeError: neither reflectance nor a calibration, another rig's calibration, or a pace that the
            recording does not say.
    """

    truth: Truth | None = None

    def __init__(
        self,
        cube: Cube,
        *,
        calibration: Calibration | None = None,
        words: WordFormat | None = None,
        pace: Pace | None = None,
        any_camera: bool = False,
        raw: bool = False,
        uri: str = "",
    ) -> None:
        words = words_of(cube, words or WordFormat())
        self._pace = pace or Pace()
        if cube.fwhm_nm is None and calibration is not None and calibration.bands == cube.shape[0]:
            cube = replace(cube, fwhm_nm=calibration.fwhm_nm)
        self._cube = cube
        LineClock(self._pace, cube)
        folded = _counts(cube, words) if raw else reflectance_from(cube, calibration, words, any_camera)
        self._masked = cube.ignore_value is not None or cube.quality is not None
        path = cube.provenance.path
        self.facts = SourceFacts(
            name=cube.provenance.name,
            uri=uri or f"replay:{path}",
            wavelengths_nm=cube.wavelengths_nm,
            fwhm_nm=cube.fwhm_nm,
            samples=cube.shape[2],
            lines=None if self._pace.loop else cube.shape[1],
            dtype=np.result_type(cube.values.dtype, np.float32) if self._masked else cube.values.dtype,
            dark=folded.dark,
            gain=folded.gain,
            good_bands=cube.good_bands,
            bits=folded.bits,
            shift=folded.shift,
            calibration=calibration,
            low_denominator=folded.low_denominator,
            exposure_ms=cube.exposure_ms,
            serial=serial_of(cube),
            file=Path(path) if path else None,
            provenance=_provenance(cube),
            cube_lines=cube_lines_of(cube),
        )

    def start(self, get_buffer: GetBuffer) -> Iterator[FrameMeta]:
        """See ``FrameSource.start``."""
        clock = LineClock(self._pace, self._cube)
        lost_until = None
        for number, line, recorded in self._lines():
            clock.wait(None if recorded is None else recorded.monotonic_ns)
            if recorded is not None and recorded.state == "missing":
                lost_until = recorded.sequence + 1
                continue
            lost_until = None
            get_buffer()[...] = line
            yield FrameMeta(number, None, time.monotonic_ns(), time.time_ns()) if recorded is None else _meta(recorded)
        if lost_until is not None:
            yield FrameMeta(lost_until, None, time.monotonic_ns(), time.time_ns(), intact=False, ends=True)

    def close(self) -> None:
        """There is nothing to give back."""

    def _lines(self) -> Iterator[tuple[int, NDArray[Any], RecordedLine | None]]:
        """Number, samples [C, S] and what is known of each line; where it is looped, the numbers go on."""
        cube_lines = self.facts.cube_lines or 1
        period = -(-self._cube.shape[1] // cube_lines) * cube_lines  # a snapshot cube begins at a multiple of its lines
        for after in count(0, period):
            for number, (line, known) in enumerate(zip(self._stored(), self._recorded(), strict=False), after):
                yield number, line, None if known is None else known._replace(sequence=known.sequence + after)
            if not self._pace.loop:
                return

    def _stored(self) -> Iterator[NDArray[Any]]:
        lines = self._cube.shape[1]
        for first in range(0, lines, CHUNK):
            block = self._block(slice(first, min(first + CHUNK, lines)))
            yield from block.transpose(1, 0, 2)

    def _recorded(self) -> Iterator[RecordedLine | None]:
        """What the table beside the file says of each line, if there is one."""
        table = lines_table_of(Path(self._cube.provenance.path or "cube"))
        if not table.is_file():
            yield from repeat(None)
        known = 0
        for line in read_lines(table):
            yield line
            known += 1
        if known < self._cube.shape[1]:
            raise CubeError(
                f"{table.name} knows {known} of the {self._cube.shape[1]} lines of {self._cube.provenance.name}; "
                "copy both again, or remove the table to take the lines as if they came now"
            )

    def _block(self, lines: slice) -> NDArray[Any]:
        """Some lines as they are sent, [C, lines, S]; what is no measurement becomes nan."""
        stored = self._cube.values[:, lines]
        if not self._masked:
            return stored
        return np.where(self._cube.valid(lines, slice(None)), stored.astype(self.facts.dtype), np.nan)


def _meta(recorded: RecordedLine) -> FrameMeta:
    """As the camera's driver said it; a line that was given up then is as damaged as one that came so."""
    monotonic_ns = time.monotonic_ns() if recorded.monotonic_ns is None else recorded.monotonic_ns
    utc_ns = time.time_ns() if recorded.utc_ns is None else recorded.utc_ns
    return FrameMeta(recorded.sequence, recorded.camera_ns, monotonic_ns, utc_ns, recorded.state == "received")


def words_of(cube: Cube, given: WordFormat) -> WordFormat:
    """How counts lie in the words: the user's word goes before that of a recording's header."""
    header, name = cube.provenance.fields, cube.provenance.name
    bits, shift = given.bits, given.shift
    if bits is None and "bit depth" in header:
        bits = integer(header, "bit depth", name)
    if shift is None and "bit shift" in header:
        shift = integer(header, "bit shift", name)
    return WordFormat(bits, shift)


def serial_of(cube: Cube) -> str:
    """The serial number of the camera that took a cube, as its header says it; "" where it does not."""
    return next((cube.provenance.fields[key] for key in SERIAL_FIELDS if key in cube.provenance.fields), "")


def _counts(cube: Cube, words: WordFormat) -> Folded:
    if cube.quantity == "reflectance":
        raise CubeError(f"{cube.provenance.name} holds reflectance, a reference must hold raw counts")
    ones = np.ones((cube.shape[0], 1), np.float32)
    return Folded(0 * ones, ones, words.bits, words.shift or 0, ones < 0)


def reflectance_from(cube: Cube, calibration: Calibration | None, words: WordFormat, any_camera: bool) -> Folded:
    """Dark and gain that make reflectance of what a cube stores. The quantity is never guessed.

    Raises:
        CubeError: counts, or an unstated quantity, without a calibration; or a calibration that does not fit.
    """
    bands, _, samples = cube.shape
    name = cube.provenance.name
    if calibration is not None:
        if cube.quantity == "reflectance":
            raise CubeError(f"{name} holds reflectance already; leave out the calibration")
        rig = Rig(
            name,
            cube.wavelengths_nm,
            samples,
            cube.exposure_ms,
            words.bits,
            words.shift,
            serial=serial_of(cube),
            any_camera=any_camera,
        )
        return calibration.fold(rig)
    if cube.quantity != "reflectance":
        held = (
            "holds raw counts" if cube.quantity == "counts" else "does not say whether it holds counts or reflectance"
        )
        beside = _recorded_with(cube)
        if beside is not None:
            raise CubeError(f"{name} holds raw counts; give --calibration {beside}, with which it was recorded")
        raise CubeError(
            f"{name} {held}; give --calibration FILE (made with focus-calib reference), "
            "or --quantity reflectance --scale S where stored value / S is reflectance"
        )
    dark, gain = np.zeros((bands, 1), np.float32), np.full((bands, 1), 1.0 / cube.scale, np.float32)
    return Folded(dark, gain, words.bits, words.shift or 0, np.zeros((bands, 1), bool))


def _recorded_with(cube: Cube) -> Path | None:
    """The calibration beside a recording of ours."""
    named = cube.provenance.fields.get("calibration", "").startswith(CALIBRATION_BESIDE)
    beside = Path(cube.provenance.path).parent / CALIBRATION_BESIDE
    return beside if named and beside.is_file() else None


def cube_lines_of(cube: Cube) -> int | None:
    """Lines of a snapshot camera's cube, as a recording's header says; None for push-broom."""
    fields = cube.provenance.fields
    return integer(fields, "cube lines", cube.provenance.name, low=1) if "cube lines" in fields else None


def _provenance(cube: Cube) -> dict[str, Any]:
    bands, lines, samples = cube.shape
    return {
        "format": cube.provenance.format,
        "bands": bands,
        "lines": lines,
        "samples": samples,
        "dtype": str(cube.values.dtype),
        "range_nm": [float(cube.wavelengths_nm[0]), float(cube.wavelengths_nm[-1])],
        "quantity": cube.quantity,
        "scale": cube.scale,
        "bad_bands": int(np.count_nonzero(~cube.good_bands)),
        "header": dict(cube.provenance.fields),
        "notes": list(cube.provenance.notes),
    }
