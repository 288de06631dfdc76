"""Radiometric calibration: R = ((raw - dark) / t_raw) / ((white - dark_w) / t_white) * R_panel, as dark and gain."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._calibration._exposure import gain_and_dark
from focus.runtime._calibration._fit import require_same_rig
from focus.runtime._calibration._flaws import FLAWS, LOW_DENOMINATOR
from focus.runtime._calibration._rig import Folded, Rig

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Calibration:
    """What makes reflectance of one camera's counts. C bands; S samples a line, or 1 for one value a band.

    Attributes:
        dark: float32 [C, S], counts without light at ``exposure_ms``.
        gain: float32 [C, S], reflectance a count at ``exposure_ms``; nan where the element has a flaw.
        wavelengths_nm: float64 [C].
        panel: reflectance of the white reference, 0..1; a number, or float64 [C], which it becomes.
        origin: where it comes from, for people: files and choices.
        fwhm_nm: float64 [C], or None.
        exposure_ms: exposure time of the white reference; None where it is not known, and then it is not checked.
        dark_rate: float32 [C, S], counts that the dark grows by in a millisecond; None where it is not known, and then
            the calibration holds for ``exposure_ms`` alone.
        dark_noise, white_noise: float32 [C], standard deviation in counts of one sample from line to line, median over
            the samples; None where it is not known.
        flaws: uint8 [C, S], bits of ``FLAWS``, 0 for an element with a gain; None makes it of the gain.
        bits: depth of the camera's words; None where it is not known, and then it is not checked.
        shift: unused low bits of a stored word, likewise; dark and gain are in counts, without them.
        mosaic: rows and columns of a snapshot mosaic's pattern, or None; with row and column of the frame at which
            it begins, where those are known.
        mosaic_order: the band at each place of the pattern, row by row, -1 for none; None where the bands are in the
            pattern's own order.
        camera, serial: what the camera calls itself, and its serial number; "" where it says none.
        utc: when it was made, ISO 8601.
    Raises:
        ValueError: shapes that disagree, or numbers that no camera has.
    """

    dark: Array
    gain: Array
    wavelengths_nm: NDArray[np.float64]
    panel: NDArray[np.float64] | float
    origin: Mapping[str, Any] = field(default_factory=dict)
    fwhm_nm: NDArray[np.float64] | None = None
    exposure_ms: float | None = None
    dark_rate: Array | None = None
    dark_noise: Array | None = None
    white_noise: Array | None = None
    flaws: NDArray[np.uint8] = None  # type: ignore[assignment]  # replaced in __post_init__
    bits: int | None = None
    shift: int | None = None
    mosaic: tuple[int, ...] | None = None
    mosaic_order: tuple[int, ...] | None = None
    camera: str = ""
    serial: str = ""
    utc: str = ""

    def __post_init__(self) -> None:
        bands = len(self.wavelengths_nm)
        if self.dark.ndim != 2 or self.dark.shape != self.gain.shape or len(self.dark) != bands:
            raise ValueError(
                f"dark and gain must be [{bands} bands, samples], "
                f"got {list(self.dark.shape)} and {list(self.gain.shape)}"
            )
        wanted = {"dark_rate": self.dark.shape, "flaws": self.dark.shape}
        wanted |= dict.fromkeys(("fwhm_nm", "dark_noise", "white_noise"), (bands,))
        for name, shape in wanted.items():
            given = getattr(self, name)
            if given is not None and given.shape != shape:
                raise ValueError(f"{name} must be {list(shape)}, got {list(given.shape)}")
        if self.exposure_ms is not None and not 0 < self.exposure_ms < np.inf:
            raise ValueError(f"exposure_ms must be a positive number or None, got {self.exposure_ms}")
        _check_mosaic(self.mosaic, self.mosaic_order, bands)
        dead = ~np.isfinite(self.gain)
        flaws = np.where(dead, LOW_DENOMINATOR, 0).astype(np.uint8) if self.flaws is None else self.flaws
        if not np.array_equal(flaws > 0, dead):
            raise ValueError("flaws must name one where gain is nan, and none elsewhere")
        object.__setattr__(self, "flaws", flaws)
        object.__setattr__(self, "panel", np.broadcast_to(np.asarray(self.panel, np.float64), (bands,)).copy())

    @property
    def bands(self) -> int:
        """C."""
        return len(self.gain)

    @property
    def samples(self) -> int:
        """S; 1 where the calibration holds one value a band."""
        return int(self.dark.shape[1])

    @property
    def invalid(self) -> int:
        """Number of elements, band and sample pairs, without a gain."""
        return int(np.count_nonzero(self.flaws))

    @property
    def low_denominator(self) -> NDArray[np.bool_]:
        """bool [C, S], elements that have no gain for this reason alone; the others without a gain are bad pixels."""
        return np.asarray(self.flaws == LOW_DENOMINATOR)

    @property
    def flaw_counts(self) -> dict[str, int]:
        """Number of elements with each of ``FLAWS``."""
        return {name: int(np.count_nonzero(self.flaws & bit)) for name, bit in FLAWS.items()}

    @property
    def signal(self) -> Array:
        """float32 [C, S], counts of the white reference above the dark; nan where the element has no gain."""
        return np.asarray(np.asarray(self.panel)[:, None] / self.gain, np.float32)

    @cached_property
    def sha256(self) -> str:
        """Hash of all that makes reflectance, wherever the calibration came from."""
        digest = hashlib.sha256()
        for name in ("dark", "gain", "wavelengths_nm", "panel", "dark_rate", "flaws"):
            values = getattr(self, name)
            digest.update(repr(None if values is None else values.shape).encode())
            if values is not None:
                digest.update(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes())
        facts = self.exposure_ms, self.bits, self.shift, self.mosaic, self.mosaic_order, self.camera, self.serial
        digest.update(repr(facts).encode())
        return digest.hexdigest()

    @property
    def record(self) -> dict[str, Any]:
        """What a run's record says of it; plain values."""
        plain = ("exposure_ms", "bits", "shift", "mosaic", "mosaic_order", "camera", "serial", "utc")
        panel = np.asarray(self.panel)
        return {
            "sha256": self.sha256,
            "panel": [float(panel.min()), float(panel.max())],
            **{name: getattr(self, name) for name in plain},
            "flaws": self.flaw_counts,
            **self.origin,
        }

    def fold(self, rig: Rig) -> Folded:
        """Dark and gain for a source, at its exposure. It is done once, when the source is opened.

        Raises:
            CubeError: it is another camera, size, bands or words, or another exposure without a rule for it.
        """
        own = Rig(
            "the calibration",
            self.wavelengths_nm,
            self.samples,
            bits=self.bits,
            shift=self.shift,
            camera=self.camera,
            serial=self.serial,
        )
        bits, shift = require_same_rig(own, rig, "use the calibration of this camera at these settings")
        dark, gain = gain_and_dark(self, rig)
        return Folded(dark, gain, bits, shift, self.low_denominator)

    def save(self, path: Path | str) -> None:
        """Writes a ``.focuscal`` file, whole or not at all.

        Raises:
            OutputError: it cannot be written there.
        """
        from focus.runtime._calibration._file import save

        save({each.name: getattr(self, each.name) for each in fields(self)}, Path(path))

    @classmethod
    def load(cls, path: Path | str) -> Calibration:
        """Reads a ``.focuscal`` file.

        Raises:
            CubeError: missing, not a calibration, of another version, or damaged.
        """
        from focus.runtime._calibration._file import load

        return load(cls, Path(path))


def _check_mosaic(mosaic: tuple[int, ...] | None, order: tuple[int, ...] | None, bands: int) -> None:
    if mosaic is None:
        if order is not None:
            raise ValueError("mosaic_order goes with mosaic, the rows and columns of the pattern")
        return
    places = mosaic[0] * mosaic[1]
    if len(mosaic) not in (2, 4) or min(mosaic[:2]) < 1 or min(mosaic) < 0 or (order is None and places != bands):
        raise ValueError(f"a mosaic of {mosaic[0]} x {mosaic[1]} has {places} places, there are {bands} bands")
    named = [] if order is None else sorted(band for band in order if band != -1)
    if order is not None and (len(order) != places or named != list(range(bands))):
        raise ValueError(f"mosaic_order must name each of the {bands} bands once over {places} places, -1 for none")
