"""``ingest`` for the CPU, compiled by Numba: what one thread does with some lines of some columns of patches.

Each raw sample comes from memory once. Dark and gain do not change along the lines, so samples are summed as they are
stored, down the lines, and calibrated once a patch row; only the bands that the composite is made of are calibrated
line by line, while they are still in the cache. float32 holds the sums of 8 and 16 bit samples exactly, as a patch has
at most 255 lines.

A result depends on its own column of samples alone, and is summed in the order of lines and bands by the same
operations whether its neighbours are valid or not. So it is the same, to the bit, however lines are split over calls
and columns over threads. (Hence no fused multiply-add here: a compiler may fuse in one loop and not in another.)

Arrays are flat and places in them unsigned: Numba then sees no index from the end and vectorises the loops.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.kernels._compile import compiled

Array = NDArray[np.float32]
Words = NDArray[np.int32]
Raw = NDArray[Any]

# A sample's flags count three things in one word, a byte each: saturated, below dark, not finite.
BELOW_DARK, NOT_FINITE, ONE_BYTE = 8, 16, 255

#: Lines that are read together.
STEP = 4

# Beyond the largest float32 there is no measurement. Constants of their own types, so that the loops stay in float32.
LARGEST = np.float32(np.finfo(np.float32).max)
ZERO = np.float32(0)
UNSIGNED = np.uintp


class Optics(NamedTuple):
    """What does not change while a camera runs. C bands, S samples a line, P columns of patches.

    Attributes:
        dark, gain: float32 [C S], in stored counts; gain 0 where the sample is dead.
        weights: float32 [3, C], of the composite.
        used: bool [C], False for a band that is left out.
        ceiling: stored count from which a sample is saturated.
        samples: S.
        patch: edge of a patch in samples.
    """

    dark: Array
    gain: Array
    weights: Array
    used: NDArray[np.bool_]
    ceiling: np.float32
    samples: np.uintp
    patch: np.uintp


class Lines(NamedTuple):
    """Raw lines in memory, and their place in the patch rows.

    Attributes:
        flat: the memory that holds them, from the first sample on; the samples of a line and band lie side by side.
        line_step, band_step: steps in elements.
        number: lines of a patch row; the next patch row follows ``patch`` lines on.
    """

    flat: Raw
    line_step: np.uintp
    band_step: np.uintp
    number: np.uintp


class Results(NamedTuple):
    """What is filled, for R patch rows.

    Attributes:
        means: float32 [R P, C], NaN where a patch has no valid sample of a band.
        counts: int32 [R P, 5], see ``Quality``.
        image: float32 [3, R patch, S], added to.
        missing: float32 [3, R patch, S], the weight of what is missing in the image; added to.
    """

    means: Array
    counts: Words
    image: Array
    missing: Array


@compiled
def add_lines(flat, at, step, size, ceiling, dark, place, sums, new):  # type: ignore[no-untyped-def]
    """new = sums + four lines' samples; tells whether one of them is not valid or below dark."""
    odd = False  # as a truth value it stays in mask registers: an integer takes twice as long
    for i in range(size):
        a, b = np.float32(flat[at + i]), np.float32(flat[at + step + i])
        c, d = np.float32(flat[at + UNSIGNED(2) * step + i]), np.float32(flat[at + UNSIGNED(3) * step + i])
        total = (((sums[i] + a) + b) + c) + d
        new[i] = total
        high, higher = (a if a > b else b), (c if c > d else d)
        low, lower = (a if a < b else b), (c if c < d else d)
        high, low = (high if high > higher else higher), (low if low < lower else lower)
        # NaN may get lost among the highs and lows, but not in the total.
        odd |= (high >= ceiling) | (low < dark[place + i]) | (not (abs(total) <= LARGEST))
    return odd


@compiled
def add_line(flat, at, size, ceiling, dark, place, sums, new):  # type: ignore[no-untyped-def]
    """As ``add_lines``, for one line."""
    odd = False
    for i in range(size):
        value = np.float32(flat[at + i])
        total = sums[i] + value
        new[i] = total
        odd |= (value >= ceiling) | (value < dark[place + i]) | (not (abs(total) <= LARGEST))
    return odd


@compiled
def add_odd_line(flat, at, size, ceiling, dark, place, sums, flags):  # type: ignore[no-untyped-def]
    """Adds one line to sums and flags, leaving out what is not valid."""
    for i in range(size):
        value = np.float32(flat[at + i])
        finite = abs(value) <= LARGEST
        saturated = finite & (value >= ceiling)
        valid = finite & (value < ceiling)
        sums[i] += value if valid else ZERO
        below = valid & (value < dark[place + i])
        flags[i] += np.int32(saturated) | np.int32(below) << BELOW_DARK | np.int32(not finite) << NOT_FINITE


@compiled
def paint_lines(flat, at, step, size, dark, place, scaled, image, to, width):  # type: ignore[no-untyped-def]
    """Adds (sample - dark) * scaled of four lines to four lines of the composite."""
    for i in range(size):
        black, scale = dark[place + i], scaled[i]
        image[to + i] += (np.float32(flat[at + i]) - black) * scale
        image[to + width + i] += (np.float32(flat[at + step + i]) - black) * scale
        image[to + UNSIGNED(2) * width + i] += (np.float32(flat[at + UNSIGNED(2) * step + i]) - black) * scale
        image[to + UNSIGNED(3) * width + i] += (np.float32(flat[at + UNSIGNED(3) * step + i]) - black) * scale


@compiled
def paint_line(flat, at, size, dark, place, scaled, image, to):  # type: ignore[no-untyped-def]
    """As ``paint_lines``, for one line."""
    for i in range(size):
        image[to + i] += (np.float32(flat[at + i]) - dark[place + i]) * scaled[i]


@compiled
def paint_odd_line(flat, at, size, ceiling, weight, dark, place, scaled, image, missing, to):  # type: ignore[no-untyped-def]
    """As ``paint_line``; what is not valid adds its weight to ``missing`` (dead samples are known beforehand)."""
    for i in range(size):
        value = np.float32(flat[at + i])
        valid = (abs(value) <= LARGEST) & (value < ceiling)
        image[to + i] += ((value if valid else dark[place + i]) - dark[place + i]) * scaled[i]
        missing[to + i] += ZERO if valid or scaled[i] == ZERO else weight


@compiled
def paint_band(flat, at, step, size, odd, ceiling, weight, dark, gain, place, scaled, image, missing, to, width):  # type: ignore[no-untyped-def]
    """Adds weight * reflectance of a band's lines to the composite; ``odd`` [lines] where some may not be valid."""
    for i in range(size):
        scaled[i] = weight * gain[place + i]
    line, count = UNSIGNED(0), UNSIGNED(odd.size)
    while line < count:
        here, there = at + line * step, to + line * width
        if odd[line]:
            paint_odd_line(flat, here, size, ceiling, weight, dark, place, scaled, image, missing, there)
            line += UNSIGNED(1)
        elif line + UNSIGNED(STEP) <= count and not odd[line + UNSIGNED(STEP) - UNSIGNED(1)]:
            paint_lines(flat, here, step, size, dark, place, scaled, image, there, width)
            line += UNSIGNED(STEP)
        else:
            paint_line(flat, here, size, dark, place, scaled, image, there)
            line += UNSIGNED(1)


@compiled
def total_of(values, start, stop):  # type: ignore[no-untyped-def]
    """Sum of values[start:stop] in four interleaved parts: a patch is too short to be vectorised, and one sum waits for
    itself.
    """
    a, b, c, d = ZERO, ZERO, ZERO, ZERO
    i = start
    while i + UNSIGNED(STEP) <= stop:
        a, b = a + values[i], b + values[i + UNSIGNED(1)]
        c, d = c + values[i + UNSIGNED(2)], d + values[i + UNSIGNED(3)]
        i += UNSIGNED(STEP)
    while i < stop:
        a += values[i]
        i += UNSIGNED(1)
    return (a + b) + (c + d)


@compiled
def close_band(sums, flags, new, dark, gain, place, size, patch, seen, band, first, means, counts):  # type: ignore[no-untyped-def]
    """Mean reflectance of one band of the patches from ``first`` on, and what their samples were.

    Args:
        sums, flags: of ``size`` samples, which are those from ``place`` on in dark and gain.
        new: scratch of the same size.
        seen: lines that arrived.
        first: row of the first patch in means and counts.
    """
    arrived, odd = np.float32(seen), False
    for i in range(size):
        odd |= (flags[i] != 0) | (gain[place + i] == ZERO)
        new[i] = (sums[i] - arrived * dark[place + i]) * gain[place + i]
    if odd:
        for i in range(size):
            here = np.float32(np.int32(seen) - left_out(flags[i]))
            new[i] = (sums[i] - here * dark[place + i]) * gain[place + i]
    row, start = first, UNSIGNED(0)
    while start < size:
        stop = min(start + patch, size)
        valid = np.int32(seen * (stop - start))
        if odd:
            valid = count_odd(flags, start, stop, gain, place, seen, counts, row)
        counts[row, 0] += valid
        means[row, band] = total_of(new, start, stop) / np.float32(valid) if valid else np.float32(np.nan)
        row, start = row + UNSIGNED(1), stop


@compiled
def left_out(flag):  # type: ignore[no-untyped-def]
    """How many of a place's samples are not valid: the saturated and the not finite ones."""
    return (flag & ONE_BYTE) + (flag >> NOT_FINITE)


@compiled
def count_odd(flags, start, stop, gain, place, seen, counts, row):  # type: ignore[no-untyped-def]
    """Counts what is not as it should be in a patch's samples of one band; the number of valid ones."""
    valid = np.int32(0)
    for i in range(start, stop):
        if gain[place + i] == ZERO:
            counts[row, 3] += np.int32(seen)
            continue
        flag = flags[i]
        counts[row, 1] += flag & ONE_BYTE
        counts[row, 2] += (flag >> BELOW_DARK) & ONE_BYTE
        counts[row, 4] += flag >> NOT_FINITE
        valid += np.int32(seen) - left_out(flag)
    return valid


@compiled
def ingest_row(lines, row, first_column, left, size, optics, results, sums, new, flags, odd):  # type: ignore[no-untyped-def]
    """Ingests ``size`` samples from ``left`` on of one patch row's lines.

    Args:
        sums, new, flags: scratch of ``size``; odd: of the number of lines. (Arrays come out of their tuples once: it
            costs.)
    """
    flat, step, count = lines.flat, lines.line_step, lines.number
    dark, gain, weights, ceiling, samples = optics.dark, optics.gain, optics.weights, optics.ceiling, optics.samples
    means, counts, depth = results.means, results.counts, UNSIGNED(results.image.shape[1])
    image, missing = results.image.reshape(-1), results.missing.reshape(-1)
    first_patch = row * ((samples + optics.patch - UNSIGNED(1)) // optics.patch) + first_column
    for band in range(UNSIGNED(optics.used.size)):
        if not optics.used[band]:
            continue
        place = band * samples + left
        sums[:], flags[:] = ZERO, np.int32(0)
        at = row * optics.patch * step + band * lines.band_step + left
        line = UNSIGNED(0)
        while line < count:
            together = UNSIGNED(STEP) if line + UNSIGNED(STEP) <= count else UNSIGNED(1)
            here = at + line * step
            if together > 1:
                found = add_lines(flat, here, step, size, ceiling, dark, place, sums, new)
            else:
                found = add_line(flat, here, size, ceiling, dark, place, sums, new)
            for i in range(together):
                odd[line + i] = found
                if found:
                    add_odd_line(flat, here + i * step, size, ceiling, dark, place, sums, flags)
            if not found:
                for i in range(size):
                    sums[i] = new[i]
            line += together
        for channel in range(UNSIGNED(3)):
            weight = weights[channel, band]
            if weight != ZERO:
                to = (channel * depth + row * optics.patch) * samples + left
                paint_band(
                    flat, at, step, size, odd, ceiling, weight, dark, gain, place, new, image, missing, to, samples
                )
        close_band(sums, flags, new, dark, gain, place, size, optics.patch, count, band, first_patch, means, counts)


@compiled
def ingest_rows(lines, first_row, stop_row, first_column, stop_column, optics, results):  # type: ignore[no-untyped-def]
    """Ingests some patch rows of some columns of patches. Threads may share all arguments but their rows and columns.

    Args:
        first_row, stop_row, first_column, stop_column: which patches.
        lines, optics, results: see ``Lines``, ``Optics`` and ``Results``.
    """
    left = first_column * optics.patch
    size = min(stop_column * optics.patch, optics.samples) - left
    sums, new = np.empty(size, np.float32), np.empty(size, np.float32)
    flags, odd = np.empty(size, np.int32), np.empty(lines.number, np.int32)
    for row in range(first_row, stop_row):
        ingest_row(lines, row, first_column, left, size, optics, results, sums, new, flags, odd)
