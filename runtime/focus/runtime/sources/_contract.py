"""What every camera, file and simulation looks like to the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from focus.runtime._calibration import Calibration

#: Hands out the buffer that the next line goes into: [C, samples] of the source's dtype, any strides.
GetBuffer = Callable[[], NDArray[Any]]


#: How long a driver waits for its camera at most before it yields None.
PATIENCE_S = 0.05


class FrameMeta(NamedTuple):
    """What is known of one line, besides its samples.

    Attributes:
        sequence: number of the line; a step of more than one means that lines were lost.
        camera_ns: the camera's own clock, or None.
        monotonic_ns: this machine's monotonic clock at arrival.
        utc_ns: this machine's UTC at arrival, nanoseconds since 1970.
        intact: False where the driver knows that the line is damaged; the pipeline counts it as rejected and masks it.
        ends: this is no line, and no buffer was filled for it: ``sequence`` is the number after the last line, where a
            source knows that its last lines were lost.
    """

    sequence: int
    camera_ns: int | None
    monotonic_ns: int
    utc_ns: int
    intact: bool = True
    ends: bool = False


@dataclass(frozen=True, eq=False)
class SourceFacts:
    """What the pipeline must know before the first line arrives. Reflectance = (raw - dark) * gain.

    Attributes:
        name: for messages and titles, e.g. ``leaf.hdr``.
        uri: as given by the user.
        wavelengths_nm: float64 [C].
        fwhm_nm: float64 [C], or None.
        samples: samples a line.
        lines: number of lines, or None for an endless stream.
        dtype: of the raw samples; a non-finite floating-point sample is no measurement.
        dark: float32 [C, S] counts without light, S = samples or 1.
        gain: float32 [C, S] reflectance a count; nan where the reference is too dark to divide by.
        good_bands: bool [C]; other bands are left out.
        bits: depth of the camera's words; the highest count is saturated. None: not known, nothing counts as saturated.
        shift: unused low bits of a stored word (4 for 12 bits at the upper end of 16); dark and gain are in counts.
        calibration: the calibration behind dark and gain, or None where the source holds reflectance.
        low_denominator: bool [C, S or 1], True where gain is nan because the white reference was hardly brighter than
            the dark; elements without a gain that are not among them are bad pixels. None: none is.
        exposure_ms: exposure time, or None where nobody says it.
        camera, serial: what the camera calls itself, and its serial number; "" where it says none.
        file: the file that holds the samples, or None.
        provenance: what the source says of itself, for the run's record.
        cube_lines: lines of each snapshot cube, or None for push-broom. Each cube is a scene of its own, and a line's
            sequence number is its cube's number x cube_lines + its number within the cube.
        resampling: float64 [C of the model, C], makes the model's bands of these; None where they are the model's.
    """

    name: str
    uri: str
    wavelengths_nm: NDArray[np.float64]
    fwhm_nm: NDArray[np.float64] | None
    samples: int
    lines: int | None
    dtype: np.dtype[Any]
    dark: NDArray[np.float32]
    gain: NDArray[np.float32]
    good_bands: NDArray[np.bool_]
    bits: int | None = None
    shift: int = 0
    calibration: Calibration | None = None
    low_denominator: NDArray[np.bool_] | None = None
    exposure_ms: float | None = None
    camera: str = ""
    serial: str = ""
    file: Path | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    cube_lines: int | None = None
    resampling: NDArray[np.float64] | None = None

    @property
    def bands(self) -> int:
        """C."""
        return len(self.wavelengths_nm)

    @property
    def read_bands(self) -> NDArray[np.bool_]:
        """bool [C], the good bands that any band of the model is made of."""
        return self.good_bands if self.resampling is None else self.good_bands & self.resampling.any(axis=0)


@dataclass(frozen=True, eq=False)
class Truth:
    """What a simulation knows of its scene.

    Attributes:
        class_names: names of the classes.
        leaf_class: int8 [lines, samples], class of the leaf that is seen, -1 for none.
        lesion_class: int8 [lines, samples], class of the lesion that is seen, -1 for none.
    """

    class_names: tuple[str, ...]
    leaf_class: NDArray[np.int8]
    lesion_class: NDArray[np.int8]

    def of_lines(self, first: int, lines: int) -> Truth:
        """Of that many lines from this one on."""
        kept = slice(first, first + lines)
        return Truth(self.class_names, self.leaf_class[kept], self.lesion_class[kept])


class FrameSource(Protocol):
    """A source of lines. ``facts`` are fixed before ``start``; only simulations have a ``truth``."""

    facts: SourceFacts
    truth: Truth | None

    def start(self, get_buffer: GetBuffer) -> Iterator[FrameMeta | None]:
        """Fills one buffer a line, then yields that line's facts; ends with the recording. A camera that is waited for
        yields None now and then, so that nobody has to wait for its next line to end a run.

        The buffer belongs to the caller and is asked for once a line; the driver must not keep it past the yield.
        """

    def close(self) -> None:
        """Gives the camera or file back, started or not; a second call does nothing."""
