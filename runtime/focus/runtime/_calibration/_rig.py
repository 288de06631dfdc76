"""What a source says of itself, and what a calibration makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Rig:
    """A source as far as a calibration has to fit it; None and "" for what nobody says.

    Attributes:
        name: for messages.
        wavelengths_nm: float64 [C].
        samples: samples a line.
        exposure_ms: exposure time.
        bits: depth of the camera's words.
        shift: unused low bits of a stored word.
        camera: what the camera calls itself.
        serial: its serial number.
        any_camera: the user knows that it is another camera.
    """

    name: str
    wavelengths_nm: NDArray[np.float64]
    samples: int
    exposure_ms: float | None = None
    bits: int | None = None
    shift: int | None = None
    camera: str = ""
    serial: str = ""
    any_camera: bool = False


class Folded(NamedTuple):
    """A calibration for one exposure: reflectance = (raw - dark) * gain, which ingest computes.

    Attributes:
        dark: float32 [C, S or 1], counts without light.
        gain: float32 [C, S or 1], reflectance a count; nan for an element with a flaw.
        bits: depth of the camera's words, or None.
        shift: unused low bits of a stored word.
        low_denominator: bool [C, S or 1], elements without a gain for that reason; the others without are bad pixels.
    """

    dark: NDArray[np.float32]
    gain: NDArray[np.float32]
    bits: int | None
    shift: int
    low_denominator: NDArray[np.bool_]
