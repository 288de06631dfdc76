"""Refuses references that move, drift or are saturated: dark and gain would be those of no camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focus.calib._measure import Array, Reference
from focus.runtime import CubeError

#: With fewer lines nobody can tell noise from movement; recordings of one averaged line are common.
LEAST_LINES = 8

#: A white reference may change by this share of its signal from its first to its last lines.
MOST_DRIFT = 0.02

#: Elements move if they vary by more than the first share of their signal slowly, or the second one in any way. A panel
#: with some structure on it still passes; a scene does not.
SLOW_SHARE, ANY_SHARE = 0.03, 0.2

#: Noise alone makes the variance of all lines exceed that of neighbouring ones by less than this factor.
NOISE_FACTOR = 3.0

#: So many of the elements may move, or be saturated.
MOST_MOVING, MOST_SATURATED = 0.05, 0.01

#: Elements below this share of a bright one's signal say nothing on movement.
BRIGHT_SHARE = 0.1

#: A dark reference may change by this share of the white reference's signal.
MOST_DARK_CHANGE = 0.01

ACCEPT = "or take it as it is with --accept-faulty"


def require_steady_white(white: Reference, dark: Array) -> None:
    """Refuses a white reference that is saturated, drifts or moves.

    Args:
        white: what was measured.
        dark: float64 [C, S], counts without light at its exposure.
    Raises:
        CubeError: saying which, by how much, and the way out.
    """
    _require_unsaturated(white)
    if white.lines < LEAST_LINES:
        return
    signal = white.mean - dark
    drift = _ends(white.level) / max(float(np.nanmean(signal)), 1e-9)
    if abs(drift) > MOST_DRIFT:
        raise CubeError(
            f"{white.name} gets {abs(drift):.1%} {'brighter' if drift > 0 else 'darker'} from its first to its last "
            f"lines, at most {MOST_DRIFT:.0%} is steady; let the lamp warm up, keep the panel still, record it again, "
            f"{ACCEPT}"
        )
    bright = signal > BRIGHT_SHARE * bright_signal(signal)
    moving = _slow(white, SLOW_SHARE * signal) | (white.deviation > ANY_SHARE * signal)
    share = _share(moving, bright)
    if share > MOST_MOVING:
        raise CubeError(
            f"{white.name} moves: {share:.0%} of its bright elements change along the lines by more than noise; keep "
            f"the panel still, let it fill the whole line, record it again, {ACCEPT}"
        )


def require_steady_dark(dark: Reference, signal: float) -> None:
    """Refuses a dark reference that drifts, or into which light falls.

    Args:
        dark: what was measured.
        signal: counts of a bright element of the white reference above the dark.
    Raises:
        CubeError: saying which, by how much, and the way out.
    """
    if dark.lines < LEAST_LINES:
        return
    most = max(MOST_DARK_CHANGE * signal, 1.0)
    change = _ends(dark.level)
    if abs(change) > most:
        raise CubeError(
            f"{dark.name} changes by {change:.3g} counts from its first to its last lines, at most {most:.3g} is "
            f"steady; let the camera reach its temperature, cover the lens, record it again, {ACCEPT}"
        )
    share = _share(_slow(dark, np.full_like(dark.mean, most)), np.isfinite(dark.mean))
    if share > MOST_MOVING:
        raise CubeError(
            f"{dark.name} is not dark: {share:.0%} of its elements change along the lines by more than noise; cover "
            f"the lens, record it again, {ACCEPT}"
        )


def bright_signal(signal: Array) -> float:
    """Counts of a bright element: the 95th percentile."""
    known = signal[np.isfinite(signal)]
    return float(np.percentile(known, 95)) if known.size else 0.0


def _require_unsaturated(white: Reference) -> None:
    known = white.measured > 0
    share = _share(white.saturated, known)
    if share > MOST_SATURATED:
        raise CubeError(
            f"{white.name} is saturated: {share:.1%} of its elements reach {2 ** (white.facts.bits or 0) - 1} counts; "
            f"expose shorter or dim the lamp, record it again, {ACCEPT}"
        )
    # A camera may send 12 bits and say 16, or nothing at all.
    if white.lines >= LEAST_LINES:
        top = float(white.highest[known].max(initial=-np.inf))
        share = _share((white.lowest == top) & (white.highest == top), known)
        if share > MOST_SATURATED:
            raise CubeError(
                f"{white.name} looks saturated: {share:.1%} of its elements stay at {top:g} counts, which none "
                f"exceeds; expose shorter or dim the lamp, record it again, {ACCEPT}"
            )


def _ends(level: Array) -> float:
    """By how much the last quarter of the lines lies above the first."""
    quarter = max(1, len(level) // 4)
    return float(level[-quarter:].mean() - level[:quarter].mean())


def _slow(reference: Reference, most: Array) -> NDArray[np.bool_]:
    """Elements whose slow change, which neighbouring lines do not show, is larger than ``most`` and than noise."""
    total, quick = reference.deviation**2, reference.jitter**2
    return np.asarray((total - quick > most**2) & (total > NOISE_FACTOR * quick))


def _share(flagged: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(flagged & among) / max(int(np.count_nonzero(among)), 1))
