"""``ingest`` on a device against the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.kernels import Ingested, LineIngest
from focus.kernels import _reference as reference
from focus.kernels._results import joined
from focus.kernels.cuda import ARRIVED, DeviceIngest, shown_lines
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
    arrived: NDArray[np.bool_] | None = None,
) -> tuple[RowsFound, list[str]]:
    """A window by the kernel, launched twice over poison.

    Args:
        gpu: where.
        window: of a type that the kernel reads.
        rows: rows of patches that are held; None takes those that are needed.
        first: which of them the first one goes to.
        arrived: bool [H], False for lines that never came; what is in their place is not read.
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
    launches = (
        [_whole(gpu, kernel, lines, first)] if arrived is None else _row_by_row(gpu, kernel, lines, arrived, first)
    )

    def enqueue() -> None:
        for launch in launches:
            launch()

    (means, image, counts), faults = gpu.twice(enqueue, list(kernel.rows))
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


def _whole(gpu: OneGpu, kernel: DeviceIngest, lines: NDArray[Any], first: int) -> Callable[[], None]:
    raw, place = gpu.put(lines), gpu.put(np.array([first], np.int32))
    shown = gpu.put(np.full(len(lines), ARRIVED, np.int32))
    return partial(kernel.enqueue, gpu.queue, raw, shown, len(lines), place)


def _row_by_row(
    gpu: OneGpu, kernel: DeviceIngest, lines: NDArray[Any], arrived: NDArray[np.bool_], first: int
) -> list[Callable[[], None]]:
    """A launch a row of patches: what a line shows may be a line of the row before."""
    launches: list[Callable[[], None]] = []
    before = None
    rubbish = np.where(arrived[:, None, None], lines, lines.dtype.type(77))
    for start in range(0, len(lines), kernel.patch):
        came = arrived[start : start + kernel.patch]
        row = (first + start // kernel.patch) % kernel.total
        shown = gpu.put(shown_lines(came, row * kernel.patch, before))
        raw, place = gpu.put(rubbish[start : start + kernel.patch]), gpu.put(np.array([row], np.int32))
        launches.append(partial(kernel.enqueue, gpu.queue, raw, shown, len(came), place))
        if before is not None or came.any():
            before = row * kernel.patch + len(came) - 1
    return launches


def ingest_faults(
    gpu: OneGpu,
    window: RawWindow,
    rows: int | None = None,
    first: int = 0,
    arrived: NDArray[np.bool_] | None = None,
) -> list[str]:
    """What is wrong with a window by the kernel; see ``ingested`` for the arguments."""
    found, faults = ingested(gpu, window, rows, first, arrived)
    expected = _expected(window, arrived)
    return [
        *faults,
        *difference("band means", found.means, np.where(window.used, expected.band_means, np.nan)),
        *difference("composite", found.image, expected.composite),
        *_counts("counts", found.counts, expected.quality.counts),
    ]


def _expected(window: RawWindow, arrived: NDArray[np.bool_] | None) -> Ingested:
    """By the reference; where lines never came, by the kernel for the CPU, which is held against it."""
    if arrived is None:
        return reference.ingest(window.raw, window.patch, window.weights, **window.options)
    lines = LineIngest(window.raw.shape[2], window.patch, window.weights, **window.options)
    pieces = [
        lines.add(window.raw[:, place : place + 1]) if came else lines.skip(1) for place, came in enumerate(arrived)
    ]
    return joined([*pieces, lines.finish()])


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
            arrived = rng.random(2 * patch) < 0.6
            arrived[:patch] = rng.integers(2)  # all or none of a row of patches
            yield f"{sound}, lines that never came", sound, {"arrived": arrived}
    if few:
        return
    for kind, patch in ((np.uint16, 16), (np.uint16, 14), (np.float32, 8), (np.uint8, 32)):
        window = random_window(rng, kind, patch, (204, 256 - 256 % patch, 256 - 256 % patch))
        yield str(window), window, {}
