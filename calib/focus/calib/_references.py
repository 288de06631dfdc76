"""The calibration of a rig from its references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.calib._darks import Dark, dark_at_white
from focus.calib._measure import Array, Reference
from focus.calib._panel import panel_from_option
from focus.calib._pixels import hot, listed, marked, noisy, odd
from focus.calib._steady import bright_signal, require_steady_dark, require_steady_white
from focus.runtime import Calibration, CubeError
from focus.runtime._calibration import LOW_DENOMINATOR, Rig, require_same_rig
from focus.runtime.sources import SourceFacts

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class ReferenceOptions:
    """Choices of ``calibration_from_references``.

    Attributes:
        panel: the panel's reflectance: a number, or a table; see ``panel_from_option``.
        least_counts: where white - dark is below this, there is no gain.
        average_samples: one value a band. With a scene as its own white this gives internal-average relative
            reflectance: it keeps what differs within the scene, but is no reflectance. The white may move then.
        bad_pixels: a file that lists more bad pixels, or None.
        accept_faulty: take references that move, drift or are saturated all the same.
        any_camera: take references that say that they are of different cameras.
    Raises:
        ValueError: least_counts that is not positive.
    """

    panel: str | float = 0.99
    least_counts: float = 10.0
    average_samples: bool = False
    bad_pixels: Path | None = None
    accept_faulty: bool = False
    any_camera: bool = False

    def __post_init__(self) -> None:
        if not self.least_counts > 0.0:
            raise ValueError(f"--least-counts must be above 0, got {self.least_counts:g}")


def calibration_from_references(
    white: Reference, darks: Sequence[Reference] = (), options: ReferenceOptions | None = None
) -> Calibration:
    """Gain = panel / (white - dark) for each element, at the white reference's exposure.

    Args:
        white: of the panel.
        darks: without light, at the white reference's exposure or at two and more; none takes 0.
        options: see ``ReferenceOptions``.
    Raises:
        ValueError: a panel that reflects nothing or more than everything.
        CubeError: references of different rigs or exposures, ones that move, drift or are saturated, or a white one
            that is nowhere bright enough.
    """
    options = options or ReferenceOptions()
    facts = white.facts
    panel = panel_from_option(str(options.panel), facts.wavelengths_nm)
    for each in darks:
        own, other = (_rig(reference.facts, options.any_camera) for reference in (white, each))
        way_out = "record both references with one camera and the same settings"
        require_same_rig(own, other, way_out)
        if own.samples != other.samples:  # a rig of one sample goes with any
            raise CubeError(f"{own.name} has {own.samples} samples a line, {other.name} {other.samples}; {way_out}")
    dark = dark_at_white(white, darks)
    signal = np.where(facts.good_bands[:, None], white.mean - dark.level, np.nan)
    _require_usable(white, darks, dark, signal, options)
    found = _Elements(dark.level, dark.rate, signal, _flaws(white, darks, dark, signal, options))
    if options.average_samples:
        found = _averaged(found, white.measured, options.least_counts)
    level, rate, signal, flaws = found
    mosaic, order = _mosaic(facts)
    usable = flaws == 0
    gain = np.where(usable, panel[:, None] / np.where(usable, signal, 1.0), np.nan)
    return Calibration(
        np.nan_to_num(level).astype(np.float32),
        gain.astype(np.float32),
        facts.wavelengths_nm,
        panel,
        _origin(white, darks, options),
        fwhm_nm=facts.fwhm_nm,
        exposure_ms=facts.exposure_ms,
        dark_rate=None if rate is None else np.nan_to_num(rate).astype(np.float32),
        dark_noise=None if dark.nearest is None else _noise(dark.nearest),
        white_noise=_noise(white),
        flaws=flaws,
        bits=facts.bits,
        shift=facts.shift,
        mosaic=mosaic,
        mosaic_order=order,
        camera=facts.camera,
        serial=facts.serial,
        utc=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


class _Elements(NamedTuple):
    """What is known of each element, [C, S] or [C, 1]: dark in counts and counts a millisecond, signal, and flaws."""

    level: Array
    rate: Array | None
    signal: Array
    flaws: NDArray[np.uint8]


def _require_usable(
    white: Reference, darks: Sequence[Reference], dark: Dark, signal: Array, options: ReferenceOptions
) -> None:
    if not np.any(signal >= options.least_counts):
        raise CubeError(
            f"{white.name} is nowhere {options.least_counts:g} counts brighter than the dark; check which reference is "
            "which, or lower --least-counts"
        )
    if options.accept_faulty:
        return
    for each in darks:
        require_steady_dark(each, bright_signal(signal))
    if not options.average_samples:
        require_steady_white(white, dark.level)


def _averaged(found: _Elements, measured: NDArray[np.int64], least_counts: float) -> _Elements:
    """One value a band, of the elements that are no bad pixels; a dark sample of a scene is as good as a bright one."""
    weight = measured * ((found.flaws & ~np.uint8(LOW_DENOMINATOR)) == 0)
    signal = _average(found.signal, weight)
    flaws = marked([("not measured", ~np.isfinite(signal)), ("low denominator", signal < least_counts)])
    rate = None if found.rate is None else _average(found.rate, weight)
    return _Elements(_average(found.level, weight), rate, signal, flaws)


def _rig(facts: SourceFacts, any_camera: bool) -> Rig:
    return Rig(
        facts.name,
        facts.wavelengths_nm,
        facts.samples,
        facts.exposure_ms,
        facts.bits,
        facts.shift,
        facts.camera,
        facts.serial,
        any_camera,
    )


def _flaws(
    white: Reference, darks: Sequence[Reference], dark: Dark, signal: Array, options: ReferenceOptions
) -> NDArray[np.uint8]:
    never = np.zeros(signal.shape, bool)
    kinds: list[tuple[str, Flags]] = [
        ("not measured", ~np.isfinite(signal)),
        ("low denominator", signal < options.least_counts),
        ("saturated white", white.saturated),
        ("hot", hot(dark.level) if darks else never),
        ("listed", listed(options.bad_pixels, *signal.shape) if options.bad_pixels is not None else never),
    ]
    if not options.average_samples:
        kinds.append(("odd response", odd(signal, options.least_counts)))
        kinds += [("noisy", noisy(reference)) for reference in (white, *darks)]
    return marked(kinds)


def _mosaic(facts: SourceFacts) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    """Pattern and order of a snapshot mosaic's bands, as its camera records them: ``4x4+0+0`` and the bands."""
    said = facts.provenance.get("mosaic")
    if not said:
        return None, None
    pattern = tuple(int(number) for number in said[0].replace("x", "+").split("+"))
    return pattern, tuple(int(band) for band in said[1:]) or None


def _average(values: Array, weight: NDArray[np.int64]) -> Array:
    """Mean over the samples, [C, 1]; nan where there is none."""
    total, known = weight.sum(axis=1, keepdims=True), np.where(weight > 0, values, 0.0)
    sums = (known * weight).sum(axis=1, keepdims=True)
    return np.asarray(np.divide(sums, total, out=np.full(sums.shape, np.nan), where=total > 0))


def _noise(reference: Reference) -> NDArray[np.float32] | None:
    """Standard deviation of one sample in counts, float32 [C]; None with a single line."""
    if reference.lines < 2:
        return None
    known = np.where(np.isfinite(reference.jitter).any(axis=1, keepdims=True), reference.jitter, 0.0)
    return np.asarray(np.nanmedian(known, axis=1), np.float32)


def _origin(white: Reference, darks: Sequence[Reference], options: ReferenceOptions) -> Mapping[str, Any]:
    def said(reference: Reference) -> dict[str, Any]:
        return {"name": reference.name, "lines": reference.lines, "exposure_ms": reference.facts.exposure_ms}

    return {
        "white": said(white),
        "dark": [said(dark) for dark in darks],
        "panel_from": str(options.panel),
        "least_counts": options.least_counts,
        "average_samples": options.average_samples,
        "accept_faulty": options.accept_faulty,
    }
