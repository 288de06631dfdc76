"""``saliency`` on a device against the reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.kernels import _reference as reference
from focus.kernels.cuda import DeviceSaliency, Maps, Said
from gpu_check._gpu import OneGpu, difference

#: Sums over many patches are rounded in another order.
FIGURES = {"relative": 1e-5, "absolute": 5e-6}


@dataclass(frozen=True)
class Attended:
    """What a network said of a batch, and what its maps are made with.

    Attributes:
        attention: float16 or float32 [B, H*, K, G, N]. sink: [B, H*, K, G]. logits: [B, K].
        contrast: float32 [B, N, C], D.
        weights: float64 [K, C]. shares: float64 [K, G].
    """

    attention: NDArray[Any]
    sink: NDArray[Any]
    logits: NDArray[Any]
    contrast: NDArray[np.float32]
    weights: NDArray[np.float64]
    shares: NDArray[np.float64]

    def __str__(self) -> str:
        batch, heads, classes, groups, patches = self.attention.shape
        return (
            f"saliency of {batch} windows, {heads} heads, K = {classes}, G = {groups}, {patches} patches, "
            f"{self.weights.shape[1]} bands, {self.attention.dtype.name}"
        )


def saliency_faults(gpu: OneGpu, given: Attended, shown: int | None, with_cube: bool) -> list[str]:
    """What is wrong with the maps that the kernel makes.

    Args:
        gpu: where.
        given: of a batch.
        shown: class that is shown; None takes the predicted one.
        with_cube: whether T is made.
    """
    batch, patches, bands = given.contrast.shape
    said = Said(gpu.put(given.attention), gpu.put(given.sink), gpu.put(given.logits))
    contrast = gpu.put(given.contrast)
    heatmap, curve, figures = (gpu.poisoned((batch, size), np.float32) for size in (patches, bands, 3))
    maps = Maps(heatmap, curve, figures, gpu.poisoned((batch, bands, patches), np.float32) if with_cube else None)
    kernel = DeviceSaliency(gpu.device, gpu.queue, given.weights, given.shares)
    found, faults = gpu.twice(
        lambda: kernel.enqueue(gpu.queue, said, contrast, maps, batch, shown),
        [array for array in maps if array is not None],
    )
    for index in range(batch):
        maps_of_one = [part[index] for part in found]
        faults += [f"{fault}, window {index}" for fault in _faults_of_one(given, index, shown, maps_of_one)]
    return faults


def _faults_of_one(given: Attended, index: int, asked: int | None, found: list[NDArray[Any]]) -> list[str]:
    shown = int(np.argmax(given.logits[index])) if asked is None else asked
    attention = given.attention[index, :, shown]
    expected = reference.saliency(
        attention, given.contrast[index], given.weights[shown], given.shares[shown], with_cube=True
    )
    to_patches = attention.astype(np.float64).mean(axis=(0, 1))
    sink = given.sink[index, :, shown].mean(dtype=np.float64)
    figures = np.array([shown, sink, 1 - to_patches.sum() + to_patches.max()])
    faults = difference("M", found[0], expected.heatmap) + difference("B", found[1], expected.curve)
    faults += difference("figures", found[2], figures, **FIGURES)
    if len(found) > 3 and expected.cube is not None:
        faults += difference("T", found[3], expected.cube)
    return faults


def random_attended(
    rng: np.random.Generator,
    kind: type[np.floating],
    sizes: tuple[int, int, int, int, int, int],
    tied: bool = False,
) -> Attended:
    """Attention that adds up to less than 1, as beside a sink.

    Args:
        rng: gives everything.
        kind: of attention, sink and logits.
        sizes: B, H*, K, G, N, C.
        tied: all logits equal; the first class is the predicted one.
    """
    batch, heads, classes, groups, patches, bands = sizes
    shares = rng.gamma(0.5, size=(batch, heads, classes, groups, patches + 1))
    shares /= shares.sum(axis=-1, keepdims=True)
    logits = np.zeros((batch, classes)) if tied else rng.standard_normal((batch, classes))
    contrast = np.abs(rng.standard_normal((batch, patches, bands)))
    contrast[:, rng.random(patches) < 0.1] = 0  # nothing was measured there
    return Attended(
        shares[..., :patches].astype(kind),
        shares[..., patches].astype(kind),
        logits.astype(kind),
        contrast.astype(np.float32),
        rng.uniform(0, 2, (classes, bands)),
        rng.dirichlet(np.ones(groups), classes),
    )


def saliency_cases(rng: np.random.Generator, few: bool) -> Iterator[tuple[str, Attended, int | None, bool]]:
    """What to check: what it is called, and the other arguments of ``saliency_faults``."""
    sizes = [(2, 2, 3, 4, 7, 9), (1, 3, 1, 1, 140, 33)]
    if not few:
        sizes += [(1, 8, 4, 10, 256, 204), (32, 8, 4, 10, 256, 204), (3, 1, 12, 80, 300, 224), (5, 2, 2, 3, 1024, 31)]
    for number, size in enumerate(sizes):
        for kind in (np.float16, np.float32):
            for with_cube in (False, True):
                given = random_attended(rng, kind, size, tied=number == 0 and with_cube)
                shown = int(rng.integers(size[2])) if rng.integers(2) else None
                yield f"{given}{', with T' if with_cube else ''}", given, shown, with_cube
