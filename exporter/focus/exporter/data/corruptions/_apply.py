"""Corruptions by name, and over whole data sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from focus.exporter.data._windows import WindowSet
from focus.exporter.data.corruptions._camera import dead_bands, growing_noise, stripes
from focus.exporter.data.corruptions._light import illumination, wavelength_shift
from focus.exporter.data.corruptions._optics import Change, Optics
from focus.runtime import FocusError

#: Name -> corruption, and the severities that an evaluation goes through.
CORRUPTIONS: Mapping[str, tuple[Callable[[Optics, float, np.random.Generator], Change], tuple[float, ...]]] = (
    MappingProxyType(
        {
            "noise": (growing_noise, (0.1, 0.3, 1.0)),
            "dead-bands": (dead_bands, (0.02, 0.1, 0.3)),
            "stripes": (stripes, (0.01, 0.03, 0.1)),
            "illumination": (illumination, (0.1, 0.2, 0.4)),
            "wavelength-shift": (wavelength_shift, (1.0, 2.0, 5.0)),
        }
    )
)


def corruption(name: str, optics: Optics, severity: float, seed: int) -> Change:
    """A corruption by name; what belongs to the camera (which bands are dead, the stripes) is drawn from the seed.

    Raises:
        FocusError: no such corruption, or none on this sensor.
        ValueError: a severity that is no number, or negative where it has no direction.
    """
    if name not in CORRUPTIONS:
        raise FocusError(f"no corruption {name!r}; there are {', '.join(CORRUPTIONS)}")
    if not np.isfinite(severity) or (severity < 0 and name != "wavelength-shift"):
        raise ValueError(f"severity of {name} must be a number from 0 on, got {severity}")
    if name == "dead-bands" and severity >= 1:
        raise ValueError(f"severity of dead-bands is the share of bands, below 1, got {severity}")
    return CORRUPTIONS[name][0](optics, severity, np.random.default_rng([seed, 0]))


def corrupted(windows: WindowSet, name: str, severity: float, seed: int) -> WindowSet:
    """The same windows through a worse camera, or in other light; their targets and truth stay.

    Args:
        name, severity: see ``CORRUPTIONS``; seed: of all that is random.
    Raises:
        FocusError, ValueError: see ``corruption``.
    """
    optics = Optics(windows.wavelengths_nm, windows.composite_weights, windows.patch, windows.size)
    change = corruption(name, optics, severity, seed)
    changed = [
        change(means, composite.astype(np.float32), np.random.default_rng([seed, 1, number]))
        for number, (means, composite) in enumerate(zip(windows.band_means, windows.composite, strict=True))
    ]
    return replace(
        windows,
        band_means=np.stack([means for means, _ in changed]),
        composite=np.stack([composite for _, composite in changed]).astype(np.float16),
        source=f"{windows.source}, {name} {severity:g}",
    )
