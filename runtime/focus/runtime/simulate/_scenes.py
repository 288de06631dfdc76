"""The two scenes: a leaf with its truth, and a push-broom strip of many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from focus.runtime.simulate import _compose
from focus.runtime.simulate._canvas import Canvas, bare_ground, is_ground
from focus.runtime.simulate._compose import LEAF_MEMBERS, LESION
from focus.runtime.simulate._fields import Size
from focus.runtime.simulate._mixture import Scene, Strip
from focus.runtime.simulate._outline import random_shape
from focus.runtime.simulate._sensor import Sensor
from focus.runtime.simulate._tissue import CLASS_NAMES

Array = NDArray[np.float32]

SPURIOUS_HALF_WIDTH_NM = 12.0
"""The spurious window reaches this far to both sides of its centre."""

SPURIOUS_STEP = 0.05
"""Reflectance that the ground gains in the spurious window, per unit of the label."""


def simulate_leaf_scene(
    rng: np.random.Generator,
    sensor: Sensor,
    label: int | None = None,
    size: Size = (128, 128),
    spurious_band: float | None = None,
    spurious_label: int | None = None,
) -> Scene:
    """One leaf on soil, with lesions of one class (none if healthy) and distractors that say nothing about the class.

    The same generator state gives the same leaf whatever the label and the sensor, so that scenes can be compared in
    pairs: only the lesions differ.

    Args:
        rng: all randomness comes from here.
        sensor: which bands.
        label: index into CLASS_NAMES; drawn evenly if None.
        size: lines and samples, at least 32 each.
        spurious_band: centre in nm of a shortcut, for control experiments: within +-12 nm the ground (never the leaf)
            is brighter by 0.05 x spurious_label. A model that uses it can be caught by maps and bands that point there.
        spurious_label: the class that the shortcut announces; the leaf's own if None. Another breaks the shortcut.
    Raises:
        ValueError: for a label that does not exist, a scene too small, or a spurious window without a band.
    """
    drawn = int(rng.integers(len(CLASS_NAMES)))
    label = _checked_label(drawn if label is None else label)
    _check_size(size)
    unit = min(size) / 128.0
    shape_rng, leaf_rng, other_rng, ground_rng, light_rng = _compose.streams(rng, 5)
    light = light_rng.uniform(-math.pi, math.pi)
    canvas = bare_ground(ground_rng, light_rng, size, unit, light)
    if other_rng.uniform() < 0.4:
        canvas.lay_out_of_focus(other_rng, light, unit)
    layer = _compose.leaf_layer(leaf_rng, label, size, random_shape(shape_rng, size), light)
    canvas.lay(layer, (0, 0), light, reach=light_rng.uniform(1.0, 9.0) * unit)
    spectra = _observed(canvas, sensor, _compose.white_drift(light_rng, sensor))
    if spurious_band is not None:
        announced = label if spurious_label is None else _checked_label(spurious_label)
        spectra[is_ground(canvas)] += SPURIOUS_STEP * announced * _window(sensor, spurious_band)
    return _scene(canvas, sensor, spectra)


def simulate_strip(
    rng: np.random.Generator,
    sensor: Sensor,
    leaves: int = 4,
    samples: int = 256,
    leaf_px: int = 128,
    labels: Sequence[int] | None = None,
) -> Strip:
    """Leaves on soil as they pass under a push-broom camera, as many beside each other as fit.

    Every leaf brings six materials over the whole strip, so memory grows with the square of `leaves`: render a long
    stream as a chain of strips of a dozen leaves at most.

    Args:
        leaves: how many; every class appears before one appears again, unless labels are given.
        samples: width of the strip.
        leaf_px: space for a leaf, px; a scene of that size shows a leaf as large.
        labels: class of every leaf.
    Raises:
        ValueError: if nothing fits, or labels do not exist or are not one a leaf.
    """
    if leaves < 1 or leaf_px < 32 or samples < leaf_px:
        raise ValueError(
            f"a strip needs leaves >= 1 and samples >= leaf_px >= 32, "
            f"got leaves={leaves}, samples={samples}, leaf_px={leaf_px}"
        )
    order = _strip_labels(rng, leaves, labels)
    columns = samples // leaf_px
    size = (math.ceil(leaves / columns) * leaf_px, samples)
    unit = leaf_px / 128.0
    ground_rng, light_rng, *leaf_rngs = _compose.streams(rng, 2 + leaves)
    light = light_rng.uniform(-math.pi, math.pi)
    canvas = bare_ground(ground_rng, light_rng, size, unit, light)
    reach = light_rng.uniform(2.0, 6.0) * unit
    for index, (label, leaf_rng) in enumerate(zip(order, leaf_rngs, strict=True)):
        middle = ((index // columns + 0.5) * leaf_px, (index % columns + 0.5) * samples / columns)
        _lay_in_strip(canvas, leaf_rng, label, middle, leaf_px, light, reach)
    return _strip(canvas, sensor, _observed(canvas, sensor, _compose.white_drift(light_rng, sensor)), order)


def _lay_in_strip(
    canvas: Canvas,
    rng: np.random.Generator,
    label: int,
    middle: tuple[float, float],
    leaf_px: int,
    light: float,
    reach: float,
) -> None:
    # The window is larger than the leaf's place, so that no tip and no shadow ends at a straight edge.
    half = 0.8 * leaf_px
    top, left = (max(0, int(m - half)) for m in middle)
    bottom, right = (min(n, int(m + half)) for m, n in zip(middle, canvas.shading.shape, strict=True))
    shape = random_shape(rng, (leaf_px, leaf_px))
    centre = tuple(m - leaf_px / 2 + c - corner for m, c, corner in zip(middle, shape.centre, (top, left), strict=True))
    shape = replace(shape, centre=(centre[0], centre[1]), length=min(shape.length, leaf_px))
    layer = _compose.leaf_layer(rng, label, (bottom - top, right - left), shape, light)
    canvas.lay(layer, (top, left), light, reach)


def _observed(canvas: Canvas, sensor: Sensor, drift: Array) -> Array:
    return sensor.sample(np.stack(canvas.spectra)) * drift


def _scene(canvas: Canvas, sensor: Sensor, spectra: Array) -> Scene:
    abundance = np.stack(canvas.abundance)
    leaf, layer = abundance[-len(LEAF_MEMBERS) :], canvas.leaves[0]
    return Scene(
        sensor=sensor,
        members=tuple(canvas.names),
        spectra=spectra,
        abundance=abundance,
        shading=canvas.shading * canvas.light,
        label=layer.label,
        class_names=CLASS_NAMES,
        traits=_compose.mean_traits(layer.traits, leaf[: len(layer.traits)]),
        lesion_mask=leaf[LESION] > 0.5,
        leaf_mask=leaf.sum(axis=0) > 0.5,
        informative=_informative(sensor, spectra[-len(LEAF_MEMBERS) :], layer.label),
    )


def _strip(canvas: Canvas, sensor: Sensor, spectra: Array, labels: tuple[int, ...]) -> Strip:
    abundance = np.stack(canvas.abundance)
    leaf_index = np.full(canvas.shading.shape, -1, dtype=np.int16)
    lesion_class = np.full(canvas.shading.shape, -1, dtype=np.int8)
    traits, informative = [], []
    for index, layer in enumerate(canvas.leaves):
        members = slice(is_ground(canvas).sum() + index * len(LEAF_MEMBERS), None)
        leaf, own = abundance[members][: len(LEAF_MEMBERS)], spectra[members][: len(LEAF_MEMBERS)]
        leaf_index[leaf.sum(axis=0) > 0.5] = index
        lesion_class[leaf[LESION] > 0.5] = layer.label
        traits.append(_compose.mean_traits(layer.traits, leaf[: len(layer.traits)]))
        informative.append(_informative(sensor, own, layer.label))
    return Strip(
        sensor=sensor,
        members=tuple(canvas.names),
        spectra=spectra,
        abundance=abundance,
        shading=canvas.shading * canvas.light,
        labels=labels,
        class_names=CLASS_NAMES,
        leaf_traits=tuple(traits),
        leaf_index=leaf_index,
        lesion_class=lesion_class,
        informative=np.stack(informative),
    )


def _informative(sensor: Sensor, leaf: Array, label: int) -> Array:
    if label == 0:
        return np.zeros(sensor.bands, dtype=np.float32)
    # The lesion's trait is a change of the first tissue; the second only varies the blade.
    tissue, lesion = leaf[LEAF_MEMBERS.index("tissue")], leaf[LESION]
    return np.asarray(np.abs(lesion - tissue) / sensor.noise_at(tissue), dtype=np.float32)


def _strip_labels(rng: np.random.Generator, leaves: int, labels: Sequence[int] | None) -> tuple[int, ...]:
    classes = len(CLASS_NAMES)
    rounds = [rng.permutation(classes) for _ in range(math.ceil(leaves / classes))]
    if labels is None:
        return tuple(int(label) for label in np.concatenate(rounds)[:leaves])
    if len(labels) != leaves:
        raise ValueError(f"labels must be one a leaf ({leaves}), got {len(labels)}")
    return tuple(_checked_label(label) for label in labels)


def _window(sensor: Sensor, centre_nm: float) -> NDArray[np.bool_]:
    inside = np.abs(sensor.wavelengths_nm - centre_nm) <= SPURIOUS_HALF_WIDTH_NM
    if not inside.any():
        raise ValueError(
            f"spurious_band must lie within {SPURIOUS_HALF_WIDTH_NM:.0f} nm of a band of {sensor.name} "
            f"({sensor.wavelengths_nm[0]:.0f}-{sensor.wavelengths_nm[-1]:.0f} nm), got {centre_nm}"
        )
    return np.asarray(inside)


def _checked_label(label: int) -> int:
    if not 0 <= label < len(CLASS_NAMES):
        raise ValueError(f"label must be 0..{len(CLASS_NAMES) - 1} ({', '.join(CLASS_NAMES)}), got {label}")
    return int(label)


def _check_size(size: Size) -> None:
    if min(size) < 32:
        raise ValueError(f"size must be at least 32 lines x 32 samples, got {size[0]} x {size[1]}")
