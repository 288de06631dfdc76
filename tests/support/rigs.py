"""A detector with bias, dark current, vignetting, shot noise and a few bad pixels; and recordings of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.calib import Reference, measure
from focus.runtime.cubes import Cube
from focus.runtime.sources import Replay, WordFormat

#: (band, sample) of each kind.
HOT, DEAD, NOISY = (5, 11), (9, 40), (14, 20)
COUNTS_PER_ELECTRON = 0.25


class Detector:
    """A 12-bit line sensor of C = 24 bands and S = 64 samples.

    Args:
        seed: of everything random.
    """

    bands, samples, bits = 24, 64, 12
    wavelengths_nm = np.linspace(450.0, 900.0, bands)

    def __init__(self, seed: int = 0) -> None:
        rng = self._rng = np.random.default_rng(seed)
        shape = self.bands, self.samples
        self.bias = 100 + 3 * rng.standard_normal(shape)
        self.rate = 0.5 + 0.05 * rng.random(shape)
        across = np.linspace(-1, 1, self.samples)
        bright = 60 + 240 * np.sin(np.linspace(0.2, 2.8, self.bands))
        self.response = bright[:, None] * (1 - 0.4 * across**2) * (1 + 0.02 * rng.standard_normal(shape))
        self.response[DEAD] *= 0.02
        self.bias[HOT] += 300

    def dark(self, exposure_ms: float) -> NDArray[np.float64]:
        """Counts without light, [C, S], without noise."""
        return self.bias + self.rate * exposure_ms

    def counts(self, reflectance: Any, exposure_ms: float, lines: int = 40, level: Any = 1.0) -> NDArray[np.uint16]:
        """What it sends of a scene, [C, lines, S].

        Args:
            reflectance: a number, or what broadcasts to [C, lines, S].
            exposure_ms: exposure time.
            lines: how many.
            level: of the lamp, a number or one a line.
        """
        lamp = np.broadcast_to(np.asarray(level, float).reshape(-1, 1), (lines, 1))
        light = self.response[:, None] * exposure_ms * np.asarray(reflectance) * lamp
        light = np.broadcast_to(light, (self.bands, lines, self.samples))
        wanted = self.dark(exposure_ms)[:, None] + light
        sigma = np.sqrt(2.0**2 + COUNTS_PER_ELECTRON * light)
        sigma[NOISY[0], :, NOISY[1]] = 60.0
        return np.clip(np.rint(wanted + sigma * self._rng.standard_normal(wanted.shape)), 0, 4095).astype(np.uint16)

    def cube(self, reflectance: Any, exposure_ms: float | None, lines: int = 40, **fields: Any) -> Cube:
        """A recording; ``at`` is the exposure of one that does not say it."""
        taken = fields.pop("at", exposure_ms)
        values = self.counts(reflectance, taken, lines, fields.pop("level", 1.0))
        return Cube(
            **{
                "values": values,
                "wavelengths_nm": self.wavelengths_nm,
                "quantity": "counts",
                "exposure_ms": exposure_ms,
                **fields,
            }
        )

    def reference(self, reflectance: Any, exposure_ms: float | None, lines: int = 40, **fields: Any) -> Reference:
        """A recording, measured."""
        return measured(self.cube(reflectance, exposure_ms, lines, **fields), bits=self.bits)


def measured(cube: Cube, bits: int | None = None, shift: int | None = None) -> Reference:
    """What a cube says as a reference."""
    return measure(Replay(cube, raw=True, words=WordFormat(bits, shift)))
