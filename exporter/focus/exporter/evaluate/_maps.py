"""The maps that are compared: the network's, and controls that look at no answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import sobel

from focus.exporter.evaluate._contract import Answer, Array
from focus.kernels import Saliency, saliency
from focus.runtime import Bundle


def maps_of_answer(answer: Answer, bundle: Bundle, row: int, shown: int, spectra: Array) -> Saliency:
    """T, M and B of one window of an answer, as the runtime makes them.

    Args:
        row: which window; shown: which class; spectra: float32 [N, C], its x^.
    """
    attention = answer.attention[row, :, shown]
    return saliency(attention, spectra, bundle.band_weight[shown], bundle.group_of_band, with_cube=True)


def heatmaps_of_blocks(answer: Answer, bundle: Bundle, row: int, shown: int, spectra: Array) -> list[Array]:
    """M of each read block."""
    weight = bundle.band_weight[shown]
    return [saliency(block[row, :, shown], spectra, weight, bundle.group_of_band).heatmap for block in answer.blocks]


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
