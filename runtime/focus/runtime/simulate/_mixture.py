"""Scenes as linear mixtures: a few spectra, their abundance in every pixel, and the light that falls there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from focus.runtime.simulate._fields import product
from focus.runtime.simulate._sensor import Sensor

Array = NDArray[np.float32]
Self = TypeVar("Self", bound="Mixture")

_FULL_SCALE = 4095
_BLOCK = 12


@dataclass(frozen=True, eq=False)
class Counts:
    """What a 12-bit push-broom camera records of a scene: R = (raw - dark) / (white - dark).

    Attributes:
        raw: uint16 [C, H, W], saturated at 4095.
        dark: float32 [C, W], mean of many lines with the shutter closed.
        white: float32 [C, W], mean of many lines on a target of reflectance 1.
    """

    raw: NDArray[np.uint16]
    dark: Array
    white: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class Mixture:
    """A scene R_c(y, x) = shading(y, x) sum_m spectra_{m,c} abundance_m(y, x), seen by a sensor.

    Attributes:
        sensor: where the bands lie, and their noise.
        members: names of the M materials.
        spectra: float32 [M, C], reflectance.
        abundance: float32 [M, H, W], sums to 1 over M.
        shading: float32 [H, W], light and surface angle; 1 where a white target would read 1.
    """

    sensor: Sensor
    members: tuple[str, ...]
    spectra: Array
    abundance: Array
    shading: Array

    @property
    def size(self) -> tuple[int, int]:
        """Lines and samples."""
        return self.shading.shape[0], self.shading.shape[1]

    def reflectance(self, rng: np.random.Generator | None = None) -> Array:
        """Render the cube, float32 [C, H, W]; with rng also the sensor's noise, so values may fall below 0."""
        lit = self._lit()
        cube = np.empty((self.sensor.bands, lit.shape[1]), dtype=np.float32)
        mix = np.ascontiguousarray(self.spectra.T)
        # A block of bands at a time: what noise needs then stays in the processor's cache.
        for start in range(0, self.sensor.bands, _BLOCK):
            block = cube[start : start + _BLOCK]
            product(mix[start : start + _BLOCK], lit, out=block)
            if rng is not None:
                self._add_noise(block, start, rng)
        return cube.reshape(-1, *self.size)

    def project(self, weights: Array, rng: np.random.Generator | None = None) -> Array:
        """Weighted sums of bands, weights [K, C] @ cube, without building the cube.

        With rng the noise has the variance that it would have after the sum, independent between the K outputs.
        Returns: float32 [K, H, W].
        Raises:
            ValueError: if weights are not [K, C].
        """
        weights = np.asarray(weights, dtype=np.float32)
        if weights.ndim != 2 or weights.shape[1] != self.sensor.bands:
            raise ValueError(f"weights must be [K, {self.sensor.bands}] ({self.sensor.name}), got {weights.shape}")
        lit = self._lit()
        image = product(product(weights, self.spectra.T), lit)
        if rng is not None:
            squared = weights**2
            variance = product(product(squared * self.sensor.shot_variance, self.spectra.T), lit)
            variance += (squared @ self.sensor.read_noise**2)[:, None]
            image += np.sqrt(variance) * rng.standard_normal(image.shape, dtype=np.float32)
        return np.asarray(image.reshape(-1, *self.size), dtype=np.float32)

    def band_means(self, patch: int, rng: np.random.Generator | None = None) -> Array:
        """Mean of each band over each patch x patch square, without building the cube.

        With rng the noise has the variance of a mean over patch^2 samples.
        Returns: float32 [C, N], patches in line order.
        Raises:
            ValueError: if the patch does not divide the size.
        """
        lines, samples = self.size
        if patch < 1 or lines % patch or samples % patch:
            raise ValueError(f"patch must divide {lines} lines x {samples} samples, got {patch}")
        grid = self._lit().reshape(-1, lines // patch, patch, samples // patch, patch)
        means = product(self.spectra.T, grid.mean(axis=(2, 4)).reshape(len(self.spectra), -1))
        if rng is not None:
            means += (
                self.sensor.noise_at(means) / np.float32(patch) * rng.standard_normal(means.shape, dtype=np.float32)
            )
        return np.asarray(means, dtype=np.float32)

    def counts(self, rng: np.random.Generator, camera_seed: int = 0, exposure: float = 0.72) -> Counts:
        """Raw counts of a 12-bit camera with its own references.

        Args:
            rng: noise of this recording.
            camera_seed: the individual camera: its dark offsets and its sensitivity from pixel to pixel.
            exposure: counts of a white target in the best band / 4095.
        """
        dark, white = _references(self.sensor, self.size[1], camera_seed, exposure)
        raw = self.reflectance(rng)
        raw *= (white - dark)[:, None, :]
        raw += dark[:, None, :]
        np.rint(raw, out=raw)
        np.clip(raw, 0, _FULL_SCALE, out=raw)
        return Counts(raw.astype(np.uint16), dark, white)

    def lines(self: Self, start: int, stop: int) -> Self:
        """The part of the scene from line start up to stop, as views; for streaming without the whole cube."""
        if not 0 <= start < stop <= self.size[0]:
            raise ValueError(f"lines must satisfy 0 <= start < stop <= {self.size[0]}, got {start}..{stop}")
        return replace(self, **self._cut(slice(start, stop)))

    def _cut(self, rows: slice) -> dict[str, Any]:
        return {"abundance": self.abundance[:, rows], "shading": self.shading[rows]}

    def _lit(self) -> Array:
        return np.asarray((self.abundance * self.shading).reshape(len(self.spectra), -1))

    def _add_noise(self, block: Array, start: int, rng: np.random.Generator) -> None:
        bands = slice(start, start + len(block))
        sigma = np.maximum(block, 0)
        sigma *= self.sensor.shot_variance[bands, None]
        sigma += self.sensor.read_noise[bands, None] ** 2
        np.sqrt(sigma, out=sigma)
        sigma *= rng.standard_normal(block.shape, dtype=np.float32)
        block += sigma


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene(Mixture):
    """One leaf and the truth about it.

    Attributes:
        label: index into class_names.
        class_names: names of the classes.
        traits: means over the leaf, lesions and veins included: chl, car, antho (ug/cm2), ewt (cm), lma (g/cm2), N.
        lesion_mask: bool [H, W], where more than half of what is seen is lesion.
        leaf_mask: bool [H, W], where more than half of what is seen is leaf.
        informative: float32 [C], |R_lesion - R_healthy| / noise at the healthy tissue's signal; 0 for a healthy leaf.
    """

    label: int
    class_names: tuple[str, ...]
    traits: Mapping[str, float]
    lesion_mask: NDArray[np.bool_]
    leaf_mask: NDArray[np.bool_]
    informative: Array

    def informative_bands(self, k: int) -> NDArray[np.intp]:
        """Indices of the k most informative bands, best first; none for a healthy leaf."""
        return best_bands(self.informative, k)

    def _cut(self, rows: slice) -> dict[str, Any]:
        return {**super()._cut(rows), "lesion_mask": self.lesion_mask[rows], "leaf_mask": self.leaf_mask[rows]}


@dataclass(frozen=True, eq=False, kw_only=True)
class Strip(Mixture):
    """Many leaves that pass under a push-broom camera, and the truth about each.

    Attributes:
        labels: label of every leaf.
        class_names: names of the classes.
        leaf_traits: means over every leaf, as in Scene.
        leaf_index: int16 [H, W], which leaf is seen, -1 for none.
        lesion_class: int8 [H, W], label of the lesion that is seen, -1 for none.
        informative: float32 [leaves, C], as in Scene.
    """

    labels: tuple[int, ...]
    class_names: tuple[str, ...]
    leaf_traits: tuple[Mapping[str, float], ...]
    leaf_index: NDArray[np.int16]
    lesion_class: NDArray[np.int8]
    informative: Array

    @property
    def leaf_mask(self) -> NDArray[np.bool_]:
        """bool [H, W], where a leaf is seen."""
        return self.leaf_index >= 0

    @property
    def lesion_mask(self) -> NDArray[np.bool_]:
        """bool [H, W], where a lesion is seen."""
        return self.lesion_class >= 0

    def informative_bands(self, k: int, leaf: int) -> NDArray[np.intp]:
        """Indices of one leaf's k most informative bands, best first; none for a healthy leaf."""
        return best_bands(self.informative[leaf], k)

    def _cut(self, rows: slice) -> dict[str, Any]:
        return {**super()._cut(rows), "leaf_index": self.leaf_index[rows], "lesion_class": self.lesion_class[rows]}


def best_bands(informative: Array, k: int) -> NDArray[np.intp]:
    """Indices of the k largest positive values, largest first.

    Raises:
        ValueError: if k is not in 1..C.
    """
    if not 1 <= k <= informative.size:
        raise ValueError(f"k must be in 1..{informative.size}, got {k}")
    order = np.argsort(-informative, kind="stable")[:k]
    return order[informative[order] > 0]


def _references(sensor: Sensor, samples: int, camera_seed: int, exposure: float) -> tuple[Array, Array]:
    if not 0 < exposure <= 1:
        raise ValueError(f"exposure must be in (0, 1], got {exposure}; it is a share of full scale")
    rng = np.random.default_rng(camera_seed)
    shape = (sensor.bands, samples)
    dark = 110.0 + 6.0 * rng.standard_normal((1, samples)) + 2.0 * rng.standard_normal(shape)
    across = np.linspace(-1.0, 1.0, samples)
    slit = (1.0 - 0.18 * across**2) * (1.0 + 0.006 * rng.standard_normal(samples))
    pixel = 1.0 + 0.01 * rng.standard_normal(shape)
    # The floor keeps white well above dark at the ends, where a real camera's binning would do it.
    signal = exposure * (_FULL_SCALE - dark.mean()) * np.maximum(sensor.response, 0.06)[:, None] * slit * pixel
    return dark.astype(np.float32), np.minimum(dark + signal, _FULL_SCALE).astype(np.float32)
