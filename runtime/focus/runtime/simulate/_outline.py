"""Outlines, veins and relief of leaves, drawn in the leaf's own coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from focus.runtime.simulate._fields import Size, ramp, smooth_noise

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """Parameters of one leaf. Lengths are in pixels, the others relative to the leaf's length.

    Attributes:
        centre: line and sample of the middle of the midrib.
        length: from base to tip, px.
        angle: direction from base to tip, radians.
        half_width: largest half width / length.
        base: exponent of the outline at the base; small is blunt.
        tip: the same at the tip.
        bend: how far the midrib bows.
        sway: how far it bends both ways.
        lobes: lobes a side, 0 for none.
        lobe_depth: how deep they cut.
        teeth: height of the serration.
        veins: side veins a side, or veins across a blade.
        vein_slope: how far a side vein leans to the tip.
        parallel: a grass blade's parallel veins instead of a midrib with branches.
    """

    centre: tuple[float, float]
    length: float
    angle: float
    half_width: float
    base: float
    tip: float
    bend: float
    sway: float
    lobes: int
    lobe_depth: float
    teeth: float
    veins: int
    vein_slope: float
    parallel: bool


@dataclass(frozen=True)
class Drawing:
    """A leaf drawn on pixels, all float32 [H, W].

    Attributes:
        along: position on the axis, 0 at the base and 1 at the tip.
        across: distance from the midrib / length, signed.
        blade: coverage by the blade, 0..1.
        petiole: coverage by the stalk, 0..1.
        midrib: strength of the main vein, 0..1.
        veins: strength of the side veins, 0..1.
        length: the leaf's length in pixels.
    """

    along: Array
    across: Array
    blade: Array
    petiole: Array
    midrib: Array
    veins: Array
    length: float


def random_shape(rng: np.random.Generator, size: Size, fill: float = 1.0) -> Shape:
    """A leaf of random kind (elliptic, ovate, lanceolate, lobed, grass blade) that fills most of [H, W]."""
    kind = rng.choice(5, p=[0.22, 0.3, 0.16, 0.2, 0.12])
    extent = min(size) * fill
    half_width, base, tip = (
        (rng.uniform(0.2, 0.29), 0.6, 0.6),
        (rng.uniform(0.24, 0.36), rng.uniform(0.4, 0.6), rng.uniform(0.8, 1.2)),
        (rng.uniform(0.11, 0.17), 0.8, 1.0),
        (rng.uniform(0.32, 0.42), rng.uniform(0.45, 0.6), rng.uniform(0.65, 0.9)),
        (rng.uniform(0.045, 0.08), 0.2, 0.55),
    )[kind]
    grass, lobed = kind == 4, kind == 3
    return Shape(
        centre=(size[0] * rng.uniform(0.43, 0.57), size[1] * rng.uniform(0.43, 0.57)),
        length=extent * (rng.uniform(1.15, 1.5) if grass else rng.uniform(0.74, 0.98)),
        angle=rng.uniform(-math.pi, math.pi),
        half_width=half_width,
        base=base,
        tip=tip,
        bend=rng.normal(0.0, 0.08),
        sway=rng.normal(0.0, 0.025),
        lobes=int(rng.integers(2, 5)) if lobed else 0,
        lobe_depth=rng.uniform(0.3, 0.55),
        teeth=rng.uniform(0.006, 0.02) * (rng.uniform() < 0.5) * (not grass),
        veins=int(rng.integers(7, 11) if grass else rng.integers(6, 10)),
        vein_slope=rng.uniform(0.5, 1.1),
        parallel=bool(grass),
    )


def draw(shape: Shape, size: Size, rng: np.random.Generator) -> Drawing:
    """Draw a leaf on [H, W] pixels; edges are a pixel soft."""
    along, across = _leaf_coordinates(shape, size, rng)
    side = np.abs(across)
    margin = _half_width(shape, along, side)
    blade = ramp((margin - side) * np.float32(0.7 * shape.length))
    midrib, veins = _veins(shape, along, across, margin)
    return Drawing(along, across, blade, _petiole(shape, along, side), midrib * blade, veins * blade, shape.length)


def _leaf_coordinates(shape: Shape, size: Size, rng: np.random.Generator) -> tuple[Array, Array]:
    line = np.arange(size[0], dtype=np.float32)[:, None] - np.float32(shape.centre[0])
    sample = np.arange(size[1], dtype=np.float32) - np.float32(shape.centre[1])
    cos, sin = np.float32(math.cos(shape.angle) / shape.length), np.float32(math.sin(shape.angle) / shape.length)
    along = cos * sample + sin * line + np.float32(0.5)
    across = cos * line - sin * sample
    bow = along - np.float32(0.5)
    across -= np.float32(4.0 * shape.bend) * (bow * bow - np.float32(0.1))
    across -= np.float32(shape.sway) * np.sin(np.float32(2.0 * math.pi) * along)
    along += np.float32(0.012) * smooth_noise(rng, size, 0.14 * shape.length)
    across += np.float32(0.007) * smooth_noise(rng, size, 0.14 * shape.length)
    return along, across


def _half_width(shape: Shape, along: Array, side: Array) -> Array:
    # u^a (1-u)^b, scaled to its peak at a / (a + b).
    a, b = shape.base, shape.tip
    peak = (a / (a + b)) ** a * (b / (a + b)) ** b
    u = np.clip(along, 1e-4, 1.0 - 1e-4)
    margin = np.float32(shape.half_width / peak) * np.exp(np.float32(a) * np.log(u) + np.float32(b) * np.log1p(-u))
    if shape.lobes:
        cut = 0.5 - 0.5 * np.cos(np.float32(2.0 * math.pi * shape.lobes) * (along - np.float32(0.55) * side))
        margin *= 1.0 - np.float32(shape.lobe_depth) * cut * cut
    if shape.teeth:
        saw = (along - np.float32(0.5) * side) * np.float32(26.0)
        margin += np.float32(shape.teeth) * (saw - np.floor(saw) - np.float32(0.5)) * (margin > 0.03)
    outside = (along <= 0.0) | (along >= 1.0)
    margin[outside] = -1.0
    return np.asarray(margin, dtype=np.float32)


def _veins(shape: Shape, along: Array, across: Array, margin: Array) -> tuple[Array, Array]:
    side = np.abs(across)
    unit = shape.length / 100.0
    thickness = np.float32(unit) * (np.float32(1.25) - np.clip(along, 0.0, 1.0))
    midrib = np.exp(-((side * np.float32(shape.length) / np.maximum(thickness, 0.45)) ** 2))
    rest = np.clip(1.0 - side / np.maximum(margin, 1e-3), 0.0, 1.0)
    if shape.parallel:
        phase = np.float32(0.5 * shape.veins) * across / np.maximum(margin, 1e-3)
        pixels = np.abs(phase - np.rint(phase)) * np.float32(2.0 / shape.veins) * margin * np.float32(shape.length)
        veins = np.exp(-((pixels / np.float32(0.4 * unit)) ** 2)) * np.float32(0.6)
    else:
        arch = side * (np.float32(shape.vein_slope) + np.float32(1.2) * side)
        phase = np.float32(shape.veins) * (along - arch) + np.where(across > 0, np.float32(0.5), np.float32(0.0))
        pixels = np.abs(phase - np.rint(phase)) * np.float32(
            shape.length / shape.veins / math.hypot(1.0, shape.vein_slope)
        )
        veins = np.exp(-((pixels / np.float32(0.75 * unit)) ** 2)) * np.sqrt(rest)
    return np.asarray(midrib, dtype=np.float32), np.asarray(veins, dtype=np.float32)


def _petiole(shape: Shape, along: Array, side: Array) -> Array:
    if shape.parallel:
        return np.zeros_like(along)
    thickness = np.float32(0.011) * shape.length
    stalk = ramp(np.asarray(thickness - side * np.float32(shape.length) + np.float32(0.5), dtype=np.float32))
    return np.asarray(stalk * ((along > -0.3) & (along < 0.1)), dtype=np.float32)
