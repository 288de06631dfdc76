"""Composites to learn from: simulated leaves and strips in many false colours, and crops of real cubes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from focus.exporter._workers import worker_map
from focus.runtime.cubes import Cube, open_cube, open_jasper_ridge
from focus.runtime.simulate import full_range, simulate_leaf_scene, simulate_strip, vnir_204
from focus.runtime.spectral import composite_weights

Image = NDArray[np.float32]

#: Share of the images that keep natural colours; the others average three random windows of the spectrum.
NATURAL_SHARE = 0.6

#: Share of the simulated images that show one leaf; the others are cut from strips of leaves.
LEAF_SHARE = 0.6

_CHUNK = 20


def composite_images(
    seed: int,
    count: int,
    size: int,
    cubes: Sequence[Cube],
    *,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float16]:
    """Composites: float16 [count, 3, size, size], the largest value of each is 1. An image keeps its shape but not
    its brightness: half precision needs values near one, and the reader normalises them anyhow.

    Args:
        seed: decides everything; image i is the same whatever the count and the workers.
        count: how many.
        size: edge in samples.
        cubes: real cubes to crop from, every sixth image; none is fine.
        workers: processes; 0 stays in this one.
        progress: called with images done and images in all.
    """
    images = np.empty((count, 3, size, size), np.float16)
    chunks = [range(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    with worker_map(workers) as run:
        for chunk, part in zip(chunks, run(partial(_composites, seed, size, cubes), chunks), strict=True):
            images[chunk.start : chunk.stop] = part
            if progress is not None:
                progress(chunk.stop, count)
    return images


def real_cubes(folder: Path) -> list[Cube]:
    """The cubes of a folder that this version reads; Jasper Ridge is known by its name."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("jasperRidge"):
            found.append(open_jasper_ridge(path)[0])
        elif path.suffix == ".hdr" and path.stem != "darkReference":
            found.append(open_cube(path))
    return found


def _composites(seed: int, size: int, cubes: Sequence[Cube], chunk: range) -> NDArray[np.float16]:
    images = [_composite(np.random.default_rng([seed, index]), index, size, cubes) for index in chunk]
    return np.stack([(image / np.abs(image).max()).astype(np.float16) for image in images])


def _composite(rng: np.random.Generator, index: int, size: int, cubes: Sequence[Cube]) -> Image:
    if cubes and index % 6 == 5:
        return _crop(rng, cubes[int(rng.integers(len(cubes)))], size)
    return _leaf(rng, size) if rng.random() < LEAF_SHARE else _strip(rng, size)


def false_colours(rng: np.random.Generator, wavelengths_nm: NDArray[np.float64]) -> Image:
    """Composite weights [3, C]: natural ones, or three Gaussian windows anywhere in the spectrum, longest first."""
    if rng.random() < NATURAL_SHARE:
        return composite_weights(wavelengths_nm).astype(np.float32)
    low, high = wavelengths_nm[0], wavelengths_nm[-1]
    centres = np.sort(rng.uniform(low, high, 3))[::-1]
    sigma = (high - low) * rng.uniform(0.01, 0.08)
    weights = np.exp(-0.5 * ((wavelengths_nm - centres[:, None]) / sigma) ** 2) + 1e-9
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _leaf(rng: np.random.Generator, size: int) -> Image:
    sensor = vnir_204() if rng.random() < 0.7 else full_range()
    scene = simulate_leaf_scene(rng, sensor, size=(size, size))
    return scene.project(false_colours(rng, sensor.wavelengths_nm), rng)


def _strip(rng: np.random.Generator, size: int) -> Image:
    sensor = vnir_204()
    strip = simulate_strip(rng, sensor, leaves=4, samples=2 * size, leaf_px=int(rng.integers(size // 2, 3 * size // 2)))
    image = strip.project(false_colours(rng, sensor.wavelengths_nm), rng)
    return _window(rng, image, size)


def _crop(rng: np.random.Generator, cube: Cube, size: int) -> Image:
    """A square of a real cube between a quarter of its short side and all of it, resized."""
    _, lines, samples = cube.shape
    edge = int(rng.integers(max(min(lines, samples) // 4, 8), min(lines, samples) + 1))
    line, sample = int(rng.integers(lines - edge + 1)), int(rng.integers(samples - edge + 1))
    values = np.asarray(cube.values[:, line : line + edge, sample : sample + edge], np.float64)
    image = np.tensordot(false_colours(rng, cube.wavelengths_nm), values, axes=1)
    return np.stack([zoom(channel, size / edge, order=1, mode="nearest", grid_mode=True) for channel in image]).astype(
        np.float32
    )


def _window(rng: np.random.Generator, image: Image, size: int) -> Image:
    line = int(rng.integers(image.shape[1] - size + 1)) if image.shape[1] > size else 0
    sample = int(rng.integers(image.shape[2] - size + 1)) if image.shape[2] > size else 0
    cut = image[:, line : line + size, sample : sample + size]
    short = size - cut.shape[1], size - cut.shape[2]
    return np.pad(cut, ((0, 0), (0, short[0]), (0, short[1])), mode="reflect") if max(short) > 0 else cut
