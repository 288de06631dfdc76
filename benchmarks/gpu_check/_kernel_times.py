"""Step 4: what the kernels take over the bytes that must move."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from focus.kernels.cuda import ARRIVED, DeviceIngest, DeviceSaliency, DeviceWindow, Inputs, Maps, Said
from gpu_check._effort import Effort
from gpu_check._gpu import OneGpu, opened_gpu
from gpu_check._saliency import random_attended
from gpu_check._section import OK, Row, Section, Tell
from gpu_check._timing import Timed, median_ms, timed_row

#: Cubes that take turns are so many times the L2 cache, together.
BEYOND_CACHE = 4

#: Of ViT-B/16: the heads that are shown, classes, groups.
HEADS, CLASSES, GROUPS = 8, 4, 10

#: Directions of brightness, as leaves have them.
DIRECTIONS = 2

#: Bytes of the network's numbers, float16, and of everything else.
HALF, FULL = 2, 4

#: Name of a figure -> beginning of its row's name.
FIGURES = {
    "ingest_over_copy": "ingest, cubes in turn",
    "saliency_over_copy": "saliency, B = {most}",
    "window_over_copy": "window, B = {most}",
}


def time_kernels(index: int, effort: Effort, tell: Tell) -> Section:
    """Times ingest, window and saliency beside copies of as many bytes, in the same run."""
    rows: list[Row] = []
    for name, cases in (("ingest", _ingest), ("window", _window), ("saliency", _saliency)):
        tell(f"times: {name}")
        with opened_gpu(index) as gpu:
            rows += [timed_row(gpu, timed, effort) for timed in cases(gpu, effort)]
    tell("times: a copy of the cube")
    with opened_gpu(index) as gpu:
        rows.append(_whole_copy(gpu, effort))
    most = max(effort.batches)
    figures: dict[str, float] = {}
    for figure, words in FIGURES.items():
        start = words.format(most=most)
        figures[figure] = next(row["ratio"] for row in rows if row["what"].startswith(start))
    note = "medians; a copy moves as many bytes as the kernel must, half of them in and half out"
    return Section("times", "Kernels over the floor of their bytes", OK, note, rows, figures)


def turns(gpu: OneGpu, nbytes: int) -> int:
    """How many cubes it takes that each is out of the L2 cache when its turn comes again."""
    return max(2, -(-BEYOND_CACHE * gpu.attribute("L2_CACHE_SIZE") // nbytes))


def _ingest(gpu: OneGpu, effort: Effort) -> Iterator[Timed]:
    bands, lines, samples = effort.cube
    rng = np.random.default_rng(0)
    grid = -(-lines // effort.patch), -(-samples // effort.patch)
    read = 2 * bands * lines * samples
    written = FULL * (bands + 5) * grid[0] * grid[1] + FULL * 3 * lines * samples
    cubes = turns(gpu, read)
    kernel = DeviceIngest(
        gpu.device,
        gpu.queue,
        samples,
        effort.patch,
        _bell(bands),
        dark=rng.uniform(90, 110, (bands, samples)),
        gain=rng.uniform(2e-4, 3e-4, (bands, samples)),
        bits=12,
        rows=cubes * grid[0],
    )
    shown = gpu.put(np.full(lines, ARRIVED, np.int32))
    raw = [gpu.put(rng.integers(200, 4000, (lines, bands, kernel.pitch), np.uint16)) for _ in range(cubes)]
    first = [gpu.put(np.array([number * grid[0]], np.int32)) for number in range(cubes)]
    works = [
        partial(kernel.enqueue, gpu.queue, cube, shown, lines, place) for cube, place in zip(raw, first, strict=True)
    ]
    size = f"{bands} x {lines} x {samples} uint16"
    yield Timed(f"ingest, cubes in turn ({cubes} of {size}, beyond the L2 cache)", read + written, works)
    yield Timed(f"ingest, one cube again and again ({size})", read + written, works[:1])


def _bell(bands: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Weights of a composite as models have them: a bell for each channel, of a tenth of the bands."""
    centre = np.array([[0.2], [0.35], [0.5]]) * bands
    return np.asarray(np.exp(-0.5 * ((np.arange(bands) - centre) / (0.03 * bands)) ** 2))


def _window(gpu: OneGpu, effort: Effort) -> Iterator[Timed]:
    bands, lines, samples = effort.cube
    patch, queue = effort.patch, gpu.queue
    grid = lines // patch, samples // patch
    patches = grid[0] * grid[1]
    for batch in effort.batches:
        ingest = DeviceIngest(gpu.device, queue, samples, patch, np.ones((3, bands)), rows=batch * grid[0])
        for array in ingest.rows:
            queue.upload(array, np.ones(array.shape, array.dtype))
            queue.wait()
        flat, image = np.ones(bands), np.ones(3)
        bright = np.ones((DIRECTIONS, bands))
        window = DeviceWindow(gpu.device, queue, ingest, flat, flat, flat, image, image, bright, grid)
        rows = np.arange(batch * grid[0]).reshape(batch, grid[0])
        places = gpu.put(np.concatenate([np.zeros((batch, 1), int), rows, rows], axis=1).astype(np.int32))
        inputs = Inputs(
            gpu.device.empty((batch, patches, bands), np.float16),
            gpu.device.empty((batch, 3, grid[0] * patch, grid[1] * patch), np.float16),
            gpu.device.empty((batch, patches, bands), np.float32),
        )
        values = patches * bands + 3 * patches * patch**2
        nbytes = batch * ((FULL + HALF) * values + FULL * patches * bands)
        yield Timed(f"window, B = {batch}", nbytes, [partial(window.enqueue, queue, places, batch, inputs)])


def _saliency(gpu: OneGpu, effort: Effort) -> Iterator[Timed]:
    bands, lines, samples = effort.cube
    patches = (lines // effort.patch) * (samples // effort.patch)
    for batch in effort.batches:
        sizes = batch, HEADS, CLASSES, GROUPS, patches, bands
        given = random_attended(np.random.default_rng(0), np.float16, sizes)
        said = Said(gpu.put(given.attention), gpu.put(given.sink), gpu.put(given.logits))
        contrast = gpu.put(given.contrast)
        kernel = DeviceSaliency(gpu.device, gpu.queue, given.weights, given.shares)
        for with_cube in (False, True):
            cube = gpu.device.empty((batch, bands, patches), np.float32) if with_cube else None
            heatmap, curve, figures = (gpu.device.empty((batch, size), np.float32) for size in (patches, bands, 3))
            maps = Maps(heatmap, curve, figures, cube)
            read = HALF * HEADS * GROUPS * (patches + 1) + FULL * patches * bands
            written = FULL * (patches + bands + 3 + (bands * patches if with_cube else 0))
            work = partial(kernel.enqueue, gpu.queue, said, contrast, maps, batch, None)
            yield Timed(f"saliency, B = {batch}{', with T' if with_cube else ''}", batch * (read + written), [work])


def _whole_copy(gpu: OneGpu, effort: Effort) -> Row:
    """For comparison: a copy of the cube itself, as the benchmark on the CPU has it."""
    bands, lines, samples = effort.cube
    shape = bands, lines, samples
    pairs = turns(gpu, 2 * bands * lines * samples)
    works = [
        partial(gpu.queue.copy, gpu.device.empty(shape, np.uint16), gpu.device.empty(shape, np.uint16))
        for _ in range(pairs)
    ]
    found, nbytes = median_ms(gpu, works, effort), 4 * bands * lines * samples
    return {
        "what": f"a copy of the cube itself, {pairs} in turn",
        "mb": nbytes / 1e6,
        "ms": found,
        "gb_s": nbytes / found / 1e6,
    }
