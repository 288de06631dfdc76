"""``window`` on a device against NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.kernels import contrast
from focus.kernels.cuda import DeviceIngest, DeviceWindow, Inputs
from gpu_check._gpu import OneGpu, difference


class Statistics(NamedTuple):
    """Mean, deviation and reference of the band means [C]; mean and deviation of the composite [3]; directions of
    brightness [D, C].
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    reference: NDArray[np.float64]
    image_mean: NDArray[np.float64]
    image_deviation: NDArray[np.float64]
    brightness: NDArray[np.float64]


@dataclass(frozen=True)
class HeldRows:
    """Rows of patches and the windows that are cut out of them.

    Attributes:
        means: float32 [R, P, C]. image: float32 [3, R, patch, S]. valid: int32 [R, P].
        statistics: see ``Statistics``.
        grid: rows and columns of a window.
        windows: of each its first column, the rows of its means and those of its composite.
    """

    means: NDArray[np.float32]
    image: NDArray[np.float32]
    valid: NDArray[np.int32]
    statistics: Statistics
    grid: tuple[int, int]
    windows: tuple[tuple[int, NDArray[np.integer], NDArray[np.integer]], ...]

    def __str__(self) -> str:
        rows, columns, bands = self.means.shape
        return (
            f"{len(self.windows)} windows of {self.grid[0]} x {self.grid[1]} out of {rows} x {columns} patches, "
            f"{bands} bands"
        )


def window_faults(gpu: OneGpu, held: HeldRows, kind: type[np.floating]) -> list[str]:
    """What is wrong with the windows that the kernel cuts out.

    Args:
        gpu: where.
        held: what is there.
        kind: float16 or float32, of what the network reads.
    """
    total, _, bands = held.means.shape
    patch, samples = held.image.shape[2:]
    ingest = DeviceIngest(gpu.device, gpu.queue, samples, patch, np.ones((3, bands)), rows=total)
    counts = np.zeros((*held.valid.shape, 5), np.int32)
    counts[..., 0] = held.valid
    for array, values in zip(ingest.rows, (held.means, held.image, counts), strict=True):
        gpu.queue.upload(array, np.ascontiguousarray(values).reshape(array.shape))
        gpu.queue.wait()
    window = DeviceWindow(gpu.device, gpu.queue, ingest, *held.statistics, grid=held.grid)
    batch, patches = len(held.windows), held.grid[0] * held.grid[1]
    places = gpu.put(np.array([[column, *means, *image] for column, means, image in held.windows], np.int32))
    inputs = Inputs(
        gpu.poisoned((batch, patches, bands), kind),
        gpu.poisoned((batch, 3, held.grid[0] * patch, held.grid[1] * patch), kind),
        gpu.poisoned((batch, patches, bands), np.float32),
    )
    found, faults = gpu.twice(lambda: window.enqueue(gpu.queue, places, batch, inputs), list(inputs))
    expected = [np.stack(part) for part in zip(*(_cut(held, place) for place in held.windows), strict=True)]
    limits = [1e-3, 1e-3, 1e-5] if kind is np.float16 else [1e-6, 1e-6, 1e-5]
    for name, ours, theirs, limit in zip(Inputs._fields, found, expected, limits, strict=True):
        scale = float(np.abs(theirs).max(initial=1.0))
        faults += difference(name.replace("_", " "), ours, theirs, limit, limit * scale)
    return faults


def _cut(held: HeldRows, place: tuple[int, NDArray[np.integer], NDArray[np.integer]]) -> tuple[NDArray[Any], ...]:
    """Standardised band means [N, C], normalised composite [3, H, W] and D [N, C] of one window."""
    first, of_means, of_image = place
    mean, deviation, reference, image_mean, image_deviation, brightness = (
        values.astype(np.float32) for values in held.statistics
    )
    patch, samples = held.image.shape[2:]
    across = np.arange(held.grid[1]) + first
    columns = np.minimum(across, held.means.shape[1] - 1)
    with np.errstate(over="ignore"):
        means = ((held.means[of_means][:, columns] - mean) / deviation).reshape(-1, held.means.shape[2])
    means = np.where(np.isfinite(means), means, 0)
    seen = held.valid[of_means][:, columns] > 0
    seen &= (across < held.means.shape[1]) & (of_means == of_image)[:, None]
    wide = np.minimum(np.arange(held.grid[1] * patch) + first * patch, samples - 1)
    scene = held.image[:, of_image].reshape(3, -1, samples)[..., wide]
    scene = (scene - image_mean[:, None, None]) / image_deviation[:, None, None]
    return means, scene, contrast(means, reference, brightness) * seen.reshape(-1, 1)


def random_rows(
    rng: np.random.Generator,
    bands: int,
    patch: int,
    samples: int,
    grid: tuple[int, int],
    batch: int,
    directions: int = 2,
) -> HeldRows:
    """Rows with patches of which nothing is known, and windows with rows that are filled in and cut columns."""
    total, columns = grid[0] + 2, -(-samples // patch)
    means = rng.standard_normal((total, columns, bands)).astype(np.float32)
    means[rng.random(means.shape) < 0.05] = np.nan
    windows = []
    for index in range(batch):
        rows = (np.arange(grid[0]) + int(rng.integers(total))) % total
        of_means = rows.copy()
        if index % 2:
            of_means[1:][rng.random(grid[0] - 1) < 0.5] = rows[0]
        windows.append((int(rng.integers(columns)), of_means, rows))
    brightness = np.linalg.qr(rng.standard_normal((bands, directions)))[0].T
    mean, deviation, reference = rng.random((3, bands)) + 0.5
    image_mean, image_deviation = rng.random((2, 3)) + 0.5
    statistics = Statistics(mean, deviation, reference, image_mean, image_deviation, brightness)
    image = rng.standard_normal((3, total, patch, samples)).astype(np.float32)
    valid = rng.integers(0, 3, (total, columns)).astype(np.int32)
    return HeldRows(means, image, valid, statistics, grid, tuple(windows))


def window_cases(rng: np.random.Generator, few: bool) -> Iterator[tuple[str, HeldRows, type[np.floating]]]:
    """Rows to check, with what they are called and the type of the network's inputs."""
    shapes = [(5, 4, 14, (2, 3), 2, 0), (7, 8, 30, (3, 4), 3, 1)]
    if not few:
        shapes += [(204, 16, 256, (16, 16), 1, 2), (204, 16, 250, (16, 16), 8, 8), (31, 14, 99, (5, 7), 32, 3)]
    for shape in shapes:
        for kind in (np.float16, np.float32):
            held = random_rows(rng, *shape)
            yield f"{held}, {kind.__name__}", held, kind
