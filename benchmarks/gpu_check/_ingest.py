"""``ingest`` on a device against the reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.kernels import _reference as reference
from focus.kernels.cuda import DeviceIngest
from gpu_check._gpu import OneGpu, difference, is_poison

#: Types of raw samples that the kernel reads.
TYPES = (np.uint8, np.uint16, np.int16, np.float32)


@dataclass(frozen=True)
class RawWindow:
    """Arguments of ``focus.kernels.ingest``: raw [C, H, W]."""

    raw: NDArray[Any]
    patch: int
    weights: NDArray[np.float64]
    dark: NDArray[np.float64]
    gain: NDArray[np.float64]
    used: NDArray[np.bool_]
    bits: int | None
    shift: int

    @property
    def options(self) -> dict[str, Any]:
        """Those with a name."""
        return {name: getattr(self, name) for name in ("dark", "gain", "used", "bits", "shift")}

    def __str__(self) -> str:
        bands, height, width = self.raw.shape
        return f"ingest of {bands} x {height} x {width} {self.raw.dtype.name} in patches of {self.patch}"


class RowsFound(NamedTuple):
    """What the kernel made: band means [N, C], composite [3, H, W] and counts [N, 5]."""

    means: NDArray[np.float32]
    image: NDArray[np.float32]
    counts: NDArray[np.int32]


def ingested(
    gpu: OneGpu,
    window: RawWindow,
    rows: int | None = None,
    first: int = 0,
    counted: NDArray[np.bool_] | None = None,
) -> tuple[RowsFound, list[str]]:
    """A window by the kernel, launched twice over poison.

    Args:
        gpu: where.
        window: of a type that the kernel reads.
        rows: rows of patches that are held; None takes those that are needed.
        first: which of them the first one goes to.
        counted: bool [H], False for lines that stand in.
    Returns: what it made, and what is wrong with how it wrote.
    """
    bands, height, width = window.raw.shape
    needed = -(-height // window.patch)
    kernel = DeviceIngest(
        gpu.device,
        gpu.queue,
        width,
        window.patch,
        window.weights,
        dtype=window.raw.dtype,
        rows=rows or needed,
        **window.options,
    )
    lines = np.zeros((height, bands, kernel.pitch), window.raw.dtype)
    lines[..., :width] = window.raw.transpose(1, 0, 2)
    raw, place = gpu.put(lines), gpu.put(np.array([first], np.int32))
    seen = gpu.put(np.ones(height, np.uint8) if counted is None else counted.astype(np.uint8))
    (means, image, counts), faults = gpu.twice(
        lambda: kernel.enqueue(gpu.queue, raw, seen, height, place), list(kernel.rows)
    )
    at = (np.arange(needed) + first) % kernel.total
    means, counts = (part.reshape(kernel.total, kernel.columns, -1) for part in (means, counts))
    image = image.reshape(3, kernel.total, window.patch, width)
    beside = np.setdiff1d(np.arange(kernel.total), at)
    if not all(is_poison(part).all() for part in (means[beside], counts[beside], image[:, beside])):
        faults.append("rows of patches were written that are not of this block")
    cut = image[:, at].reshape(3, -1, width)
    if not is_poison(cut[:, height:]).all():
        faults.append("lines were written beyond the last one")
    found = RowsFound(means[at].reshape(-1, bands), cut[:, :height], counts[at].reshape(-1, counts.shape[2]))
    return found, faults


def ingest_faults(
    gpu: OneGpu,
    window: RawWindow,
    rows: int | None = None,
    first: int = 0,
    counted: NDArray[np.bool_] | None = None,
) -> list[str]:
    """What is wrong with a window by the kernel; see ``ingested`` for the arguments."""
    found, faults = ingested(gpu, window, rows, first, counted)
    expected = reference.ingest(window.raw, window.patch, window.weights, **window.options)
    if counted is not None:
        return faults + _faults_beside_stand_ins(found, window, counted)
    return [
        *faults,
        *difference("band means", found.means, np.where(window.used, expected.band_means, np.nan)),
        *difference("composite", found.image, expected.composite),
        *_counts("counts", found.counts, expected.quality.counts),
    ]


def _faults_beside_stand_ins(found: RowsFound, window: RawWindow, counted: NDArray[np.bool_]) -> list[str]:
    """Means and counts are those of the counted lines alone. Where a pixel takes its patch's band means, those are
    others too, so the composite is only looked at where the raw samples are all valid.
    """
    bands, height, width = window.raw.shape
    rows, columns = -(-height // window.patch), -(-width // window.patch)
    means = np.full((rows, columns, bands), np.nan)
    counts = np.zeros((rows, columns, 5), np.int32)
    for row in range(rows):
        lines = np.arange(row * window.patch, min((row + 1) * window.patch, height))
        kept = lines[counted[lines]]
        if not kept.size:
            continue
        part = reference.ingest(window.raw[:, kept], window.patch, window.weights, **window.options)
        means[row], counts[row] = part.band_means, part.quality.counts
    whole = reference.ingest(window.raw, window.patch, window.weights, **window.options)
    expected = np.where(window.used, means.reshape(-1, bands), np.nan)
    faults = difference("band means beside lines that stand in", found.means, expected)
    faults += _counts("counts beside lines that stand in", found.counts, counts.reshape(-1, 5))
    if (whole.quality.valid == whole.quality.valid.max()).all() and not height % window.patch:
        faults += difference("composite with lines that stand in", found.image, whole.composite)
    return faults


def _counts(name: str, found: NDArray[np.int32], expected: NDArray[np.int32]) -> list[str]:
    wrong = int((found != expected).sum())
    return [f"{name}: {wrong} of {found.size} differ"] if wrong else []


def random_window(
    rng: np.random.Generator, kind: type[np.generic], patch: int, size: tuple[int, int, int], faulty: bool = True
) -> RawWindow:
    """Raw samples with whatever may be wrong with them.

    Args:
        rng: gives everything.
        kind: of the samples.
        patch: edge of a patch.
        size: bands, lines, samples.
        faulty: dead elements, saturated samples, NaN, a band that is left out, patches without any valid sample.
    """
    bands, height, width = size
    dtype = np.dtype(kind)
    bits = int(rng.choice([7, 8] if dtype.itemsize == 1 else [10, 12])) if faulty else None
    shift = int(rng.choice([0, 4])) if dtype.itemsize > 1 else 0
    top = 2**bits if bits else 100
    raw = rng.integers(0, top, size).astype(np.float64)
    # Exact in float32: whether a sample is below dark must not hang on rounding.
    dark = rng.uniform(0, top / 8, (bands, width)).astype(np.float32).astype(np.float64)
    gain = rng.uniform(0.5, 2.0, (bands, width)) / top
    used = np.ones(bands, bool)
    if faulty:
        raw[:, : height // 3, : width // 3] = top - 1  # saturated, often a whole patch
        gain[rng.random(gain.shape) < 0.03] = rng.choice([0.0, np.nan])
        gain[:, int(rng.integers(width))] = 0.0
        used[int(rng.integers(1, bands))] = False
    raw = (raw * 2**shift).astype(dtype)
    if dtype.kind == "i":
        raw -= np.asarray(top // 16, dtype)
    if faulty and dtype.kind == "f":
        raw[rng.random(size) < 0.02] = rng.choice([np.nan, np.inf, -np.inf])
        raw[:, rng.random((height, width)) < 0.2] = np.nan
    return RawWindow(raw, patch, rng.uniform(0.1, 1.0, (3, bands)), dark, gain, used, bits, shift)


def ingest_cases(rng: np.random.Generator, few: bool) -> Iterator[tuple[str, RawWindow, dict[str, Any]]]:
    """Windows to check, with what they are called and the other arguments of ``ingest_faults``."""
    for kind in TYPES:
        for patch in (8, 16) if few else (5, 8, 14, 15, 16, 28, 32):
            lines, samples = (int(rng.integers(patch // 2, 2 * patch + 1)) for _ in range(2))
            size = (int(rng.integers(6, 12)), lines + patch, samples + patch)
            window = random_window(rng, kind, patch, size, faulty=bool(rng.integers(4)))
            rows = -(-size[1] // patch) + 2
            yield str(window), window, {"rows": rows, "first": int(rng.integers(rows))}
            sound = random_window(rng, kind, patch, (6, 2 * patch, 2 * patch + 3), faulty=False)
            counted = rng.random(2 * patch) < 0.6
            counted[:patch] = rng.integers(2)  # all or none of a row of patches
            yield f"{sound}, lines that stand in", sound, {"counted": counted}
    if few:
        return
    for kind, patch in ((np.uint16, 16), (np.uint16, 14), (np.float32, 8), (np.uint8, 32)):
        window = random_window(rng, kind, patch, (204, 256 - 256 % patch, 256 - 256 % patch))
        yield str(window), window, {}
