"""The canvas on which a scene is laid, layer by layer, until it becomes one linear mixture."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from focus.runtime.simulate import _tissue
from focus.runtime.simulate._compose import (
    LEAF_MEMBERS,
    Layer,
    background,
    illumination,
    shaded_soil,
    shadow_of,
)
from focus.runtime.simulate._fields import Size, blur
from focus.runtime.simulate._outline import draw, random_shape
from focus.runtime.simulate._tissue import Spectrum

Array = NDArray[np.float32]

_GROUND = 3


@dataclass
class Canvas:
    """Ground, and what lies on it.

    Attributes:
        names: of the materials; the first three are the ground.
        spectra: float64 [2101] each.
        abundance: float32 [H, W] each; they sum to 1.
        shading: float32 [H, W], surfaces only.
        light: float32 [H, W], illumination of the place.
        leaves: the layers that were laid, in order.
    """

    names: list[str]
    spectra: list[Spectrum]
    abundance: list[Array]
    shading: Array
    light: Array
    leaves: list[Layer] = field(default_factory=list)

    def lay(self, layer: Layer, corner: tuple[int, int], direction: float, reach: float) -> None:
        """Lay a leaf with its upper left corner here; its shadow falls on the ground, reach pixels from it."""
        height, width = layer.cover.shape
        window = slice(corner[0], corner[0] + height), slice(corner[1], corner[1] + width)
        self._shade_ground(window, shadow_of(layer.cover, direction, reach), layer.transmittance)
        self._cover(window, layer.cover, layer.shading)
        for name, spectrum, part in zip(LEAF_MEMBERS, layer.spectra, layer.abundance, strict=True):
            whole = np.zeros(self.shading.shape, dtype=np.float32)
            whole[window] = part
            self._add(name, spectrum, whole)
        self.leaves.append(layer)

    def lay_out_of_focus(self, rng: np.random.Generator, direction: float, unit: float) -> None:
        """Lay a sound leaf below the plane of focus, somewhere at the side."""
        size = self.shading.shape[0], self.shading.shape[1]
        angle = rng.uniform(-math.pi, math.pi)
        off = rng.uniform(0.4, 0.62)
        centre = size[0] * (0.5 + off * math.sin(angle)), size[1] * (0.5 + off * math.cos(angle))
        shape = replace(random_shape(rng, size), centre=centre)
        leaf = draw(shape, size, rng)
        cover = np.clip(blur(leaf.blade, rng.uniform(1.5, 4.0) * unit), 0.0, 1.0)
        reflectance, transmittance = _tissue.leaf_optics(_tissue.random_traits(rng))
        everywhere = slice(None), slice(None)
        self._shade_ground(everywhere, shadow_of(cover, direction, 4.0 * unit), transmittance)
        self._cover(everywhere, cover, np.full(size, rng.uniform(0.5, 0.95), dtype=np.float32))
        self._add("other-leaf", reflectance, cover)

    def _add(self, name: str, spectrum: Spectrum, abundance: Array) -> None:
        self.names.append(name)
        self.spectra.append(spectrum)
        self.abundance.append(abundance)

    def _cover(self, window: tuple[slice, slice], cover: Array, shading: Array) -> None:
        seen = 1.0 - cover
        for below in self.abundance:
            below[window] *= seen
        self.shading[window] = self.shading[window] * seen + shading * cover

    def _shade_ground(self, window: tuple[slice, slice], shadow: Array, transmittance: Spectrum) -> None:
        dry, wet, shaded = (member[window] for member in self.abundance[:_GROUND])
        shaded += (dry + wet) * shadow
        dry *= 1.0 - shadow
        wet *= 1.0 - shadow
        if not self.spectra[_GROUND - 1].any():
            self.spectra[_GROUND - 1] = shaded_soil(0.5 * (self.spectra[0] + self.spectra[1]), transmittance)


def bare_ground(
    ground_rng: np.random.Generator, light_rng: np.random.Generator, size: Size, unit: float, light: float
) -> Canvas:
    """A canvas with nothing but lit soil on it.

    Args:
        unit: pixels that are one hundredth of a leaf.
        light: direction that the light comes from, radians.
    """
    soil, abundance, shading = background(ground_rng, size, unit, light)
    nothing, dark = np.zeros(size, dtype=np.float32), np.zeros_like(soil[0])
    return Canvas(
        ["soil-dry", "soil-wet", "soil-shaded"],
        [soil[0], soil[1], dark],
        [abundance[0], abundance[1], nothing],
        shading,
        illumination(light_rng, size, unit),
    )


def is_ground(canvas: Canvas) -> NDArray[np.bool_]:
    """bool [M], which materials are the ground."""
    return np.arange(len(canvas.names)) < _GROUND
