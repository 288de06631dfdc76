"""Dark level at the white reference's exposure, and how it grows with time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from focus.calib._measure import Array, Reference
from focus.runtime import CubeError
from focus.runtime._calibration import same_exposure

#: Darks at three exposures and more must lie on a line: within this share of their growth, or so many counts.
MOST_BENT, BENT_COUNTS = 0.1, 2.0


class Dark(NamedTuple):
    """Counts without light.

    Attributes:
        level: float64 [C, S], at the white reference's exposure.
        rate: float64 [C, S], counts a millisecond; None where one exposure is all there is.
        nearest: the reference at the exposure that is nearest to the white one's; None without any.
    """

    level: Array
    rate: Array | None
    nearest: Reference | None


def dark_at_white(white: Reference, darks: Sequence[Reference]) -> Dark:
    """Dark for the white reference: that of its own exposure, or from the line through those of several exposures.

    Raises:
        CubeError: exposures that nobody says, that differ, or whose darks do not lie on a line.
    """
    if not darks:
        return Dark(np.zeros_like(white.mean), None, None)
    wanted = white.facts.exposure_ms
    for dark in darks:
        if (dark.facts.exposure_ms is None) != (wanted is None):
            silent, option = (dark, "dark") if wanted is not None else (white, "white")
            raise CubeError(
                f"{silent.name} does not say its exposure, the other does; say it with --{option}-exposure MS"
            )
    levels = _by_exposure(darks)
    if wanted is None:
        return Dark(next(iter(levels.values())), None, darks[0])
    nearest = min(darks, key=lambda dark: abs((dark.facts.exposure_ms or 0.0) - wanted))
    if len(levels) == 1:
        only = next(iter(levels))
        if not same_exposure(only, wanted):
            raise CubeError(
                f"{darks[0].name} was exposed for {only:g} ms, {white.name} for {wanted:g} ms; record both with the "
                "same exposure, or give --dark twice, at two exposures, which tell how the dark grows"
            )
        return Dark(levels[only], None, nearest)
    return Dark(*_line(levels, wanted), nearest)


def _by_exposure(darks: Sequence[Reference]) -> dict[float, Array]:
    """Mean level at each exposure; those of one exposure are averaged over all their lines."""
    groups: dict[float, list[Reference]] = {}
    for dark in darks:
        exposure = dark.facts.exposure_ms or 0.0
        key = next((known for known in groups if same_exposure(known, exposure)), exposure)
        groups.setdefault(key, []).append(dark)
    return {
        exposure: np.asarray(np.average([dark.mean for dark in group], axis=0, weights=[dark.lines for dark in group]))
        for exposure, group in groups.items()
    }


def _line(levels: dict[float, Array], wanted: float) -> tuple[Array, Array]:
    """Level at ``wanted`` ms and growth in a millisecond, by least squares for each element."""
    times = np.array(list(levels))
    stack = np.stack(list(levels.values()))
    middle = times.mean()
    rate = np.tensordot(times - middle, stack, axes=1) / np.sum((times - middle) ** 2)
    level = stack.mean(axis=0) + rate * (wanted - middle)
    bent = np.abs(stack - stack.mean(axis=0) - rate * (times - middle)[:, None, None]).max(axis=0)
    growth = np.abs(rate) * np.ptp(times)
    worst = float(np.nanmedian(bent))
    if worst > max(MOST_BENT * float(np.nanmedian(growth)), BENT_COUNTS):
        raise CubeError(
            f"the darks at {', '.join(f'{time:g}' for time in sorted(times))} ms do not lie on a line, they are up to "
            f"{worst:.3g} counts off; let the camera reach its temperature and record them again"
        )
    return level, rate
