"""Simulated sensors: where their bands lie, how wide they are, and how noisy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from focus.runtime.simulate._prospect import LEAF_MODEL_NM

Array = NDArray[np.float32]

_FWHM_TO_SIGMA = 1.0 / (2.0 * math.sqrt(2.0 * math.log(2.0)))


@dataclass(frozen=True, eq=False)
class Sensor:
    """A line camera, as far as a simulated leaf needs to know it.

    Attributes:
        name: how to call it.
        wavelengths_nm: float64 [C], band centres, rising.
        fwhm_nm: float64 [C], full width at half maximum.
        noise: float32 [C], standard deviation of one sample in reflectance at full signal (R = 1): shot and read noise.
        read_noise: float32 [C], the part of it that does not depend on the signal.
    Raises:
        ValueError: if shapes differ, wavelengths do not rise, or a band lies outside the leaf model's 400-2500 nm.
    """

    name: str
    wavelengths_nm: NDArray[np.float64]
    fwhm_nm: NDArray[np.float64]
    noise: Array
    read_noise: Array

    def __post_init__(self) -> None:
        centres = self.wavelengths_nm
        for field in ("fwhm_nm", "noise", "read_noise"):
            shape = getattr(self, field).shape
            if shape != centres.shape:
                raise ValueError(f"{field} must have one value a band {centres.shape}, got shape {shape}")
        if centres.ndim != 1 or centres.size == 0 or np.any(np.diff(centres) <= 0):
            raise ValueError(f"wavelengths_nm must be a rising [C] array, got {centres.tolist()[:8]}; sort the bands")
        low, high = LEAF_MODEL_NM[0], LEAF_MODEL_NM[-1]
        if centres[0] < low or centres[-1] > high:
            raise ValueError(
                f"bands must lie within the leaf model's {low:.0f}-{high:.0f} nm, "
                f"got {centres[0]:.1f}-{centres[-1]:.1f} nm; leave the others out"
            )
        if np.any(self.read_noise < 0) or np.any(self.read_noise >= self.noise):
            raise ValueError("read_noise must lie within 0 <= read_noise < noise in every band; noise contains it")

    @property
    def bands(self) -> int:
        """C, the number of bands."""
        return len(self.wavelengths_nm)

    @cached_property
    def shot_variance(self) -> Array:
        """float32 [C], variance in reflectance that shot noise adds per unit of reflectance."""
        return np.asarray(self.noise**2 - self.read_noise**2, dtype=np.float32)

    @cached_property
    def response(self) -> Array:
        """float32 [C], signal of a white target / that of the best band: shot variance is inverse to electrons."""
        return np.asarray(self.shot_variance.min() / self.shot_variance, dtype=np.float32)

    @cached_property
    def _kernel(self) -> sparse.csr_matrix:
        sigma = np.maximum(self.fwhm_nm * _FWHM_TO_SIGMA, 0.3)[:, None]
        distance = (LEAF_MODEL_NM - self.wavelengths_nm[:, None]) / sigma
        kernel = np.where(np.abs(distance) < 4.0, np.exp(-0.5 * distance**2), 0.0)
        return sparse.csr_matrix(kernel / kernel.sum(axis=1, keepdims=True))

    def sample(self, spectra: NDArray[np.float64]) -> Array:
        """Spectra on the leaf model's 1 nm grid as this sensor sees them: Gaussian bands by FWHM.

        Args:
            spectra: float64 [2101] or [M, 2101].
        Returns: float32 [C] or [M, C].
        """
        return np.ascontiguousarray((self._kernel @ spectra.T).T, dtype=np.float32)

    def noise_at(self, reflectance: Array) -> Array:
        """Noise of one sample at this signal: sqrt(shot_variance R + read_noise^2).

        Args:
            reflectance: float32 [C] or [C, ...]; negative values count as zero.
        Returns: float32, standard deviation in reflectance, same shape.
        """
        tail = (slice(None),) + (None,) * (reflectance.ndim - 1)
        variance = self.shot_variance[tail] * np.maximum(reflectance, 0) + self.read_noise[tail] ** 2
        return np.asarray(np.sqrt(variance), dtype=np.float32)


def vnir_204() -> Sensor:
    """204 bands, 400-1000 nm, 7 nm wide, 12 bit: a hand-held silicon camera of the Specim IQ's kind."""
    wavelengths = np.linspace(400.0, 1000.0, 204, dtype=np.float64)
    return _sensor("vnir-204", wavelengths, np.full(204, 7.0), _silicon(wavelengths))


def full_range(bands: int = 64) -> Sensor:
    """400-2500 nm in equal steps, each band as wide as a step: silicon up to 1000 nm, mercury cadmium telluride above.

    Raises:
        ValueError: if bands is under 8.
    """
    if bands < 8:
        raise ValueError(f"bands must be at least 8, got {bands}; fewer cannot resolve a pigment")
    wavelengths = np.linspace(400.0, 2500.0, bands, dtype=np.float64)
    electrons = np.where(wavelengths <= 1000.0, _silicon(wavelengths), _mercury_cadmium_telluride(wavelengths))
    return _sensor(f"full-range-{bands}", wavelengths, np.full(bands, 2100.0 / (bands - 1)), electrons)


def _silicon(wavelengths_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    # Halogen light and the quantum efficiency of silicon: weak in the blue, failing towards the band gap at 1100 nm.
    blue = 1.0 / (1.0 + np.exp(-(wavelengths_nm - 500.0) / 32.0))
    red = 1.0 / (1.0 + np.exp((wavelengths_nm - 905.0) / 42.0))
    return np.asarray(60_000.0 * np.maximum(blue * red, 0.01))


def _mercury_cadmium_telluride(wavelengths_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    fall = 1.0 / (1.0 + np.exp((wavelengths_nm - 2230.0) / 62.0))
    return np.asarray(60_000.0 * np.maximum(fall, 0.005))


def _sensor(
    name: str, wavelengths: NDArray[np.float64], fwhm: NDArray[np.float64], electrons: NDArray[np.float64]
) -> Sensor:
    read_electrons = 45.0
    read = read_electrons / electrons
    noise = np.sqrt(1.0 / electrons + read**2)
    return Sensor(name, wavelengths, fwhm, noise.astype(np.float32), read.astype(np.float32))
