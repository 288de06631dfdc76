"""Maps that look at no answer, and maps of one network held against another."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import sobel

from focus.exporter.evaluate._contract import Array, Explainer
from focus.kernels import Saliency

#: x^ float32 [N, C], the normalised composite float32 [3, H, W] and the shown class -> maps.
MakesMaps = Callable[[Array, Array, int], Saliency]


class Borrowed:
    """Maps that are not a network's own, watched with its answers.

    Args:
        network: whose answers deletion and insertion watch; explain: makes the maps.
    """

    def __init__(self, network: Explainer, explain: MakesMaps) -> None:
        self.bundle, self.read, self.watch, self.explain = network.bundle, network.read, network.watch, explain


def edges_of(network: Explainer) -> Borrowed:
    """The edge map, see ``edge_maps``."""
    grid = network.bundle.backbone.rows, network.bundle.backbone.columns
    return Borrowed(network, lambda spectra, composite, shown: edge_maps(spectra, grid))


def random_of(network: Explainer, seed: int) -> Borrowed:
    """The random map, another one for each window, see ``random_maps``."""

    def explain(spectra: Array, composite: Array, shown: int) -> Saliency:
        window = zlib.crc32(np.ascontiguousarray(spectra).tobytes())
        return random_maps(np.random.default_rng([seed, window]), *spectra.T.shape)

    return Borrowed(network, explain)


def random_maps(rng: np.random.Generator, bands: int, patches: int) -> Saliency:
    """T drawn evenly from 0..1, [C, N]; M its sum over bands, B its largest value, as Eq. (6) has it."""
    return _from_cube(rng.random((bands, patches)))


def edge_maps(spectra: Array, grid: tuple[int, int]) -> Saliency:
    """T = |grad x^_lambda| on the patch grid, by Sobel's operator: where the picture changes, whatever it shows.

    Args:
        spectra: float32 [N, C]; grid: rows and columns of patches.
    """
    # Band by band: over the whole cube SciPy's operator smooths along the bands as well.
    cells = spectra.T.reshape(-1, *grid).astype(np.float64)
    return _from_cube(np.stack([np.hypot(sobel(cell, axis=0), sobel(cell, axis=1)).ravel() for cell in cells]))


def _from_cube(cube: NDArray[np.float64]) -> Saliency:
    return Saliency(cube.astype(np.float32), cube.sum(axis=0).astype(np.float32), cube.max(axis=1).astype(np.float32))
