"""Putting scenes together: background, leaves with their lesions, and the light over all of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from focus.runtime.simulate import _tissue
from focus.runtime.simulate._fields import Size, blur, directional_slope, fractal_noise, ramp, smooth_noise
from focus.runtime.simulate._outline import Drawing, Shape, draw
from focus.runtime.simulate._sensor import Sensor
from focus.runtime.simulate._spots import spots
from focus.runtime.simulate._tissue import CLASS_NAMES, Spectrum, Traits

Array = NDArray[np.float32]

LEAF_MEMBERS = ("tissue", "tissue-2", "lesion", "vein", "dust", "glint")
"""Materials of a leaf, in the order of Layer.spectra and Layer.abundance."""

LESION = LEAF_MEMBERS.index("lesion")


@dataclass(frozen=True)
class Layer:
    """One leaf, to be laid over what is already there.

    Attributes:
        label: its class.
        traits: traits of the members tissue, tissue-2, lesion and vein.
        spectra: float64 [6, 2101], reflectance of LEAF_MEMBERS.
        transmittance: float64 [2101], of the blade.
        cover: float32 [H, W], share of a pixel that the leaf hides.
        abundance: float32 [6, H, W], of LEAF_MEMBERS, sums to cover.
        shading: float32 [H, W], surface angle and shadows on the leaf.
    """

    label: int
    traits: tuple[Traits, ...]
    spectra: Spectrum
    transmittance: Spectrum
    cover: Array
    abundance: Array
    shading: Array


def streams(rng: np.random.Generator, count: int) -> list[np.random.Generator]:
    """Independent generators, so that one part of a scene can change without another."""
    return [np.random.default_rng(int(seed)) for seed in rng.integers(0, 2**63, size=count)]


def leaf_layer(rng: np.random.Generator, label: int, size: Size, shape: Shape, light: float) -> Layer:
    """A leaf with one class of lesions and neutral distractors, drawn on [H, W].

    Args:
        shape: outline and place.
        light: direction that the light comes from, radians.
    """
    outline_rng, trait_rng, lesion_rng, neutral_rng, surface_rng = streams(rng, 5)
    leaf = draw(shape, size, outline_rng)
    traits = _member_traits(trait_rng, CLASS_NAMES[label])
    optics = [_tissue.leaf_optics(member) for member in traits]
    lesion = _lesions(lesion_rng, leaf, halo=CLASS_NAMES[label] == "chlorosis")
    if label == 0:
        lesion = np.zeros_like(lesion)
    cover = np.maximum(leaf.blade, leaf.petiole)
    slope = _slope(surface_rng, leaf, light)
    abundance = _leaf_abundance(leaf, lesion, cover, slope, neutral_rng)
    shading = _shading(surface_rng, slope) * _neutral_spots(neutral_rng, leaf)
    spectra = np.stack([*(r for r, _ in optics), _tissue.dust(), _tissue.glint()])
    return Layer(label, traits, spectra, optics[0][1], cover, abundance, shading)


def _member_traits(rng: np.random.Generator, name: str) -> tuple[Traits, ...]:
    first = _tissue.random_traits(rng)
    second = replace(first, chl=first.chl * rng.uniform(0.72, 0.9), ewt=first.ewt * rng.uniform(0.9, 1.1))
    return first, second, _tissue.lesion_traits(first, name, rng), _tissue.vein_traits(first)


def _lesions(rng: np.random.Generator, leaf: Drawing, halo: bool) -> Array:
    unit = leaf.length / 100.0
    if rng.uniform() < 0.35:
        count, radius = int(rng.integers(6, 16)), (2.6 * unit, 5.5 * unit)
    else:
        count, radius = int(rng.integers(1, 5)), (6.0 * unit, 14.0 * unit)
    softness = rng.uniform(1.2, 4.0)
    lesion, relative = spots(rng, leaf, count, radius, softness)
    if rng.uniform() < 0.5 and halo:
        lesion = np.maximum(lesion, np.float32(0.38) * ramp((np.float32(1.75) - relative) * np.float32(1.6)))
    return lesion * np.float32(rng.uniform(0.85, 1.0))


def _leaf_abundance(leaf: Drawing, lesion: Array, cover: Array, slope: Array, rng: np.random.Generator) -> Array:
    size = cover.shape[0], cover.shape[1]
    second = ramp(np.float32(0.45) * fractal_noise(rng, size, 0.35 * leaf.length, octaves=2))
    vein = np.maximum(np.float32(0.75) * leaf.midrib, np.float32(0.3) * leaf.veins)
    vein = np.maximum(vein, leaf.petiole * (leaf.blade < 0.5)) * (1.0 - np.float32(0.75) * lesion)
    dust, glint = _dust(rng, leaf), _glint(rng, leaf, slope)
    under = (1.0 - glint) * (1.0 - dust)
    sound = (1.0 - lesion) * (1.0 - vein)
    parts = (sound * (1.0 - second), sound * second, lesion * (1.0 - vein), vein)
    return np.stack([*(part * under for part in parts), dust * (1.0 - glint), glint]) * cover


def _dust(rng: np.random.Generator, leaf: Drawing) -> Array:
    wanted, strength, seed = rng.uniform() < 0.5, rng.uniform(0.1, 0.35), rng.integers(2**63)
    if not wanted:
        return np.zeros_like(leaf.blade)
    part = np.random.default_rng(seed)
    size = leaf.blade.shape[0], leaf.blade.shape[1]
    film = fractal_noise(part, size, 0.3 * leaf.length)
    grains = ramp(part.standard_normal(size, dtype=np.float32) + np.float32(0.5) * film - np.float32(2.6))
    return np.asarray(np.float32(strength) * np.maximum(grains, np.float32(0.3) * ramp(film - np.float32(0.7))))


def _glint(rng: np.random.Generator, leaf: Drawing, slope: Array) -> Array:
    wanted, strength, seed = rng.uniform() < 0.6, rng.uniform(0.05, 0.26), rng.integers(2**63)
    if not wanted:
        return np.zeros_like(leaf.blade)
    part = np.random.default_rng(seed)
    size = leaf.blade.shape[0], leaf.blade.shape[1]
    # The cuticle mirrors the lamp where its slope is right, and only where it is smooth.
    away = (slope + np.float32(part.uniform(0.12, 0.4))) / np.float32(part.uniform(0.05, 0.12))
    smooth = ramp(fractal_noise(part, size, 0.15 * leaf.length) - np.float32(0.4))
    return np.asarray(np.float32(strength) * np.exp(-(away**2)) * smooth)


def _neutral_spots(rng: np.random.Generator, leaf: Drawing) -> Array:
    wanted, factor, seed = rng.uniform() < 0.6, rng.uniform(0.55, 0.9), rng.integers(2**63)
    if not wanted:
        return np.ones_like(leaf.blade)
    part = np.random.default_rng(seed)
    unit = leaf.length / 100.0
    cover, _ = spots(part, leaf, int(part.integers(1, 6)), (2.6 * unit, 11.0 * unit), part.uniform(1.2, 4.0))
    factor = factor if part.uniform() < 0.7 else 2.0 - factor
    return np.asarray(1.0 + np.float32(factor - 1.0) * cover)


def _slope(rng: np.random.Generator, leaf: Drawing, light: float) -> Array:
    size = leaf.blade.shape[0], leaf.blade.shape[1]
    unit = leaf.length / 100.0
    height = np.float32(-0.8) * leaf.midrib - np.float32(0.3) * leaf.veins
    height += np.float32(0.45 * unit) * smooth_noise(rng, size, 0.12 * leaf.length)
    height += np.float32(3.0 * unit) * smooth_noise(rng, size, 0.4 * leaf.length)
    height -= np.float32(rng.uniform(0.0, 0.3) * leaf.length) * np.abs(leaf.across)
    return np.clip(directional_slope(height, light), -0.9, 0.9)


def _shading(rng: np.random.Generator, slope: Array) -> Array:
    grain = np.float32(0.025) * rng.standard_normal(slope.shape, dtype=np.float32)
    return np.asarray(np.clip(1.0 - np.float32(rng.uniform(0.3, 0.7)) * slope + grain, 0.3, 1.7))


def background(rng: np.random.Generator, size: Size, unit: float, light: float) -> tuple[Spectrum, Array, Array]:
    """Soil under everything: spectra float64 [2, 2101] (dry, wet), abundance float32 [2, H, W], shading float32 [H, W].

    Args:
        unit: pixels that are one hundredth of a leaf.
        light: direction that the light comes from, radians.
    """
    damp = fractal_noise(rng, size, 40.0 * unit) + np.float32(rng.normal(0, 0.8))
    wet = ramp(np.float32(rng.uniform(0.4, 1.2)) * damp)
    shading = 1.0 + np.float32(0.1) * smooth_noise(rng, size, 30.0 * unit)
    for period in np.array([14.0, 6.0, 2.6]) * unit * rng.uniform(0.7, 1.3):
        # Crumbs are the cells of a random field; its zero lines are the dark gaps between them.
        crumbs = np.abs(smooth_noise(rng, size, period))
        gap = np.exp(-((crumbs / np.float32(0.22)) ** 2))
        relief = directional_slope(np.sqrt(crumbs + np.float32(0.05)), light)
        shading -= np.float32(0.11) * gap + np.float32(0.11 * period) * np.clip(relief, -0.8, 0.8)
    shading += np.float32(0.07) * rng.standard_normal(size, dtype=np.float32)
    level = np.float32(rng.uniform(0.75, 1.15))
    return np.stack(_tissue.random_soil(rng)), np.stack([1.0 - wet, wet]), np.clip(shading * level, 0.12, 2.0)


def illumination(rng: np.random.Generator, size: Size, unit: float) -> Array:
    """Light over the scene, float32 [H, W]: level, gradient, vignetting, and sometimes the shadow of a stem."""
    line = np.linspace(-1.0, 1.0, size[0], dtype=np.float32)[:, None]
    sample = np.linspace(-1.0, 1.0, size[1], dtype=np.float32)
    tilt = rng.uniform(-0.12, 0.12, size=2)
    light = np.float32(rng.uniform(0.75, 1.1)) * (1.0 + np.float32(tilt[0]) * line + np.float32(tilt[1]) * sample)
    light *= 1.0 - np.float32(rng.uniform(0.0, 0.12)) * (line**2 + sample**2)
    wanted, angle, offset = rng.uniform() < 0.3, rng.uniform(0, math.pi), rng.uniform(-0.6, 0.6)
    depth, width, edge = rng.uniform(0.25, 0.55), rng.uniform(0.05, 0.4), rng.uniform(2.0, 6.0) * unit
    if wanted:
        # A strip with soft borders, at any angle; the penumbra is as wide as the stem is high.
        extent = min(size) / 2.0
        away = np.abs(math.cos(angle) * line * size[0] / 2 + math.sin(angle) * sample * size[1] / 2 - offset * extent)
        light *= 1.0 - np.float32(depth) * ramp((np.float32(width * extent) - away) / np.float32(edge))
    return np.asarray(light, dtype=np.float32)


def white_drift(rng: np.random.Generator, sensor: Sensor) -> Array:
    """Error of the white reference, float32 [C]: smooth over the wavelengths, a few percent."""
    position = (sensor.wavelengths_nm - 400.0) / 2100.0
    slope, curve = rng.normal(0.0, 0.02, size=2)
    return np.asarray(1.0 + slope * (position * 4 - 1) + curve * np.cos(6.0 * position), dtype=np.float32)


def mean_traits(traits: Sequence[Traits], abundance: Array) -> Mapping[str, float]:
    """Means over a leaf, by the abundance [4, H, W] of the members that have these traits."""
    share = abundance.reshape(len(traits), -1).sum(axis=1, dtype=np.float64)
    # A leaf of a strip may lie wholly under another; its means are then 0, not NaN.
    share /= max(share.sum(), 1e-9)
    return {
        name: float(sum(s * getattr(t, name) for s, t in zip(share, traits, strict=True)))
        for name in Traits.__dataclass_fields__
    }


def shadow_of(cover: Array, light: float, reach: float) -> Array:
    """Shadow that a leaf throws on the ground, float32 [H, W]: its cover, moved away from the light and blurred."""
    moved = blur(cover, max(0.8, 0.4 * reach), (-reach * math.sin(light), -reach * math.cos(light)))
    return np.clip(moved, 0.0, 1.0)


def shaded_soil(soil: Spectrum, transmittance: Spectrum) -> Spectrum:
    """Soil in the shadow of a leaf: skylight, and what the leaf lets through; near infrared passes, red does not."""
    sky = _tissue.skylight()
    return np.asarray(soil * (sky + (1.0 - sky) * transmittance))
