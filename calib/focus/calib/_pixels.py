"""Which elements of a detector cannot be trusted, by what the references say of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from focus.calib._measure import Array, Reference
from focus.runtime import CubeError
from focus.runtime._calibration import FLAWS

#: Neighbours along the line that an element is compared with; with fewer samples there is nothing to compare.
NEIGHBOURS, LEAST_SAMPLES = 31, 16

#: An element's dark stands out beyond so many deviations of its band, and so many counts.
HOT_DEVIATIONS, HOT_COUNTS = 10.0, 4.0

#: Its noise stands out beyond so many times its band's, and so many counts; with fewer lines noise is a guess.
NOISY_TIMES, NOISY_COUNTS, NOISY_LINES = 6.0, 3.0, 16

#: Its response stands out beyond this share of its neighbours', and so many deviations of its band.
ODD_SHARE, ODD_DEVIATIONS = 0.3, 10.0


def hot(dark: Array) -> NDArray[np.bool_]:
    """bool [C, S], elements whose dark level is far from that of their neighbours along the line.

    Args:
        dark: counts, [C, S].
    """
    return _stands_out(dark - _of_neighbours(dark), HOT_DEVIATIONS, np.full((len(dark), 1), HOT_COUNTS))


def noisy(reference: Reference) -> NDArray[np.bool_]:
    """bool [C, S], elements that flicker: far noisier than the rest of their band."""
    if reference.lines < NOISY_LINES:
        return np.zeros(reference.mean.shape, bool)
    usual = _median(reference.deviation)
    return np.asarray(reference.deviation > np.maximum(NOISY_TIMES * usual, NOISY_COUNTS))


def odd(signal: Array, least_counts: float) -> NDArray[np.bool_]:
    """bool [C, S], elements whose response is far from that of their neighbours: dead, weak or too strong ones.

    Args:
        signal: counts of the white reference above the dark, [C, S].
        least_counts: neighbours below five times this are too dark to compare with.
    """
    around = _of_neighbours(signal)
    lit = around > 5 * least_counts
    ratio = np.divide(signal, around, out=np.ones_like(signal), where=lit)
    return _stands_out(ratio - 1, ODD_DEVIATIONS, np.full((len(signal), 1), ODD_SHARE)) & lit


def listed(file: Path, bands: int, samples: int) -> NDArray[np.bool_]:
    """bool [C, S], elements that a text file lists: a band and a sample a line, both from 0.

    Raises:
        CubeError: it cannot be read, or names an element that there is not.
    """
    found = np.zeros((bands, samples), bool)
    try:
        lines = file.read_text().splitlines()
    except OSError as error:
        raise CubeError(f"cannot read {file}: {error.strerror or error}; check --bad-pixels") from None
    except UnicodeDecodeError:
        raise CubeError(f"{file.name} is no text; --bad-pixels lists a band and a sample a line, from 0") from None
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].replace(",", " ").replace(";", " ").split()
        if not words or (number == 1 and not any(letter.isdigit() for letter in line)):
            continue
        if len(words) != 2 or not all(word.isdecimal() for word in words):
            raise CubeError(f"{file.name}, line {number}: expected a band and a sample, from 0, got {line.strip()!r}")
        band, sample = map(int, words)
        if band >= bands or sample >= samples:
            raise CubeError(
                f"{file.name}, line {number}: there is no band {band}, sample {sample}; the references have "
                f"{bands} bands and {samples} samples, from 0"
            )
        found[band, sample] = True
    return found


def marked(kinds: Sequence[tuple[str, NDArray[np.bool_]]]) -> NDArray[np.uint8]:
    """uint8 [C, S], the bits of ``FLAWS``."""
    flaws = np.zeros(kinds[0][1].shape, np.uint8)
    for name, where in kinds:
        flaws[where] |= FLAWS[name]
    return flaws


def _of_neighbours(values: Array) -> Array:
    """Median over the neighbours along the line."""
    filled = np.where(np.isfinite(values), values, _median(values))
    return np.asarray(median_filter(filled, size=(1, NEIGHBOURS), mode="nearest"))


def _stands_out(apart: Array, deviations: float, least: Array) -> NDArray[np.bool_]:
    if apart.shape[1] < LEAST_SAMPLES:
        return np.zeros(apart.shape, bool)
    # The median of absolute values, not the standard deviation: the elements looked for must not hide themselves.
    usual = 1.4826 * _median(np.abs(apart))
    return np.asarray(np.abs(apart) > np.maximum(deviations * usual, least))


def _median(values: Array) -> Array:
    """Median of each band, [C, 1]; 0 for a band without any value."""
    known = np.where(np.isfinite(values).any(axis=1, keepdims=True), values, 0.0)
    return np.asarray(np.nanmedian(known, axis=1, keepdims=True))
