"""Jasper Ridge: windows of one real scene, with what they consist of (docs/data.md)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.exporter.data._cubes import Progress
from focus.exporter.data._folder import FolderOptions, stamps
from focus.exporter.data._manifest import require_classes
from focus.exporter.data._spec import number_of, parse_spec
from focus.exporter.data._splits import chosen_split, split_note
from focus.exporter.data._windows import WindowSet
from focus.kernels import ingest
from focus.runtime import FocusError
from focus.runtime.cubes import open_jasper_ridge
from focus.runtime.spectral import composite_weights

#: Edge of the blocks that go into one split as a whole, in pixels.
BLOCK = 25

#: Windows of a block begin every so many pixels.
STEP = 3

_OPTIONS = {"task": "abundance", "zoom": "4", "split": "grouped"}

_WHERE = (
    "jasperRidge2_R198.mat is a benchmark of unmixing (AVIRIS, 100 x 100 pixels, 198 bands, reference abundances: "
    "F. Zhu, arXiv 1708.05125); many collections of unmixing data offer it"
)


@dataclass(frozen=True)
class JasperRidge:
    """What to take of the scene.

    Attributes:
        file: jasperRidge2_R198.mat.
        task: ``abundance``, the shares of tree, water, dirt and road in a window, or ``class``, the largest of them.
        zoom: a pixel of 20 m is repeated so many times in both directions, so that a patch covers few pixels.
        split: ``grouped`` by blocks of 25 x 25 pixels, or ``random``.
    """

    file: Path
    task: str
    zoom: int
    split: str


def parse_jasper(spec: str) -> JasperRidge:
    """``jasper-ridge:FILE.mat,task=class``.

    Raises:
        FocusError: names the part that is not understood.
    """
    file, found = parse_spec(spec, _OPTIONS)
    if found["task"] not in ("abundance", "class"):
        raise FocusError(f"task must be abundance or class in --data {spec}, got {found['task']!r}")
    zoom = number_of(found, "zoom", spec)
    if zoom != int(zoom):
        raise FocusError(f"zoom must be a whole number in --data {spec}, got {found['zoom']!r}")
    if not file.is_file():
        raise FocusError(f"no file {file}. {_WHERE}")
    return JasperRidge(file, found["task"], int(zoom), found["split"])


def jasper_settings(plan: JasperRidge, options: FolderOptions, seed: int) -> dict[str, Any]:
    """Everything that the windows depend on beside patch, size and seed of the split, for the cache."""
    return {**vars(plan), "leaks": options.leaks, "file": stamps([plan.file])}


def jasper_windows(
    plan: JasperRidge,
    options: FolderOptions,
    patch: int,
    size: tuple[int, int],
    seed: int,
    progress: Progress | None = None,
) -> WindowSet:
    """Overlapping windows of the scene, each wholly within a block of ``BLOCK`` x ``BLOCK`` pixels.

    Args:
        patch: edge of a patch in samples; size: lines and samples of a window, multiples of patch and zoom.
        seed: which blocks are tested on.
    Raises:
        FocusError: a window that no block holds, or a class that is not in training.
        CubeError: another file.
    """
    cube, abundances, _, names = open_jasper_ridge(plan.file)
    corners, edges = _corners(plan, cube.shape[1:], patch, size)
    weights = composite_weights(cube.wavelengths_nm)
    means, composites, shares = [], [], []
    for done, (line, sample) in enumerate(corners, start=1):
        cut = np.s_[:, line : line + edges[0], sample : sample + edges[1]]
        raw = np.asarray(cube.values[cut]).repeat(plan.zoom, axis=1).repeat(plan.zoom, axis=2)
        found = ingest(raw, patch, weights, gain=1 / cube.scale)
        means.append(found.band_means)
        composites.append(found.composite.astype(np.float16))
        shares.append(abundances[cut].mean(axis=(1, 2)))
        if progress is not None:
            progress(done, len(corners))
    values = np.array(shares, np.float32)
    groups = tuple(f"block at {line // BLOCK * BLOCK}, {sample // BLOCK * BLOCK}" for line, sample in corners)
    splits = chosen_split(
        plan.split, groups, [""] * len(corners), seed, leaks=options.leaks, source="Jasper Ridge", unit="place"
    )
    if plan.task == "class":
        found_names = [names[index] for index in values.argmax(axis=1)]
        training = [name for name, split in zip(found_names, splits, strict=True) if split == 0]
        require_classes(plan.file, sorted(set(found_names)), training)
        names = tuple(name for name in names if name in found_names)
    targets: NDArray[Any] = values
    if plan.task == "class":
        targets = np.array([names.index(name) for name in found_names], np.int64)
    return WindowSet(
        task="regression" if plan.task == "abundance" else "classification",
        band_means=np.stack(means),
        composite=np.stack(composites),
        targets=targets,
        target_names=names,
        units=(None,) * len(names),
        splits=splits,
        windows=tuple(f"line {line} sample {sample}" for line, sample in corners),
        groups=groups,
        wavelengths_nm=cube.wavelengths_nm,
        fwhm_nm=None,
        composite_weights=weights,
        patch=patch,
        source=f"Jasper Ridge, {len(corners)} windows of {edges[0]} x {edges[1]} pixels, {plan.split} split",
        notes=split_note(plan.split, "place"),
    )


def _corners(
    plan: JasperRidge, scene: tuple[int, int], patch: int, size: tuple[int, int]
) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """First line and sample of each window, in pixels of the scene, and its edges."""
    if patch % plan.zoom or size[0] % plan.zoom or size[1] % plan.zoom:
        raise FocusError(
            f"zoom must divide the backbone's patch {patch} and --size {size[0]} x {size[1]}, got {plan.zoom}"
        )
    edges = size[0] // plan.zoom, size[1] // plan.zoom
    if max(edges) > BLOCK:
        raise FocusError(
            f"a window of {edges[0]} x {edges[1]} pixels does not fit into a block of {BLOCK}; give --size up to "
            f"{BLOCK * plan.zoom}, or a larger zoom="
        )
    begins = [
        [start + step for start in range(0, whole - BLOCK + 1, BLOCK) for step in range(0, BLOCK - edge + 1, STEP)]
        for whole, edge in zip(scene, edges, strict=True)
    ]
    return [(line, sample) for line in begins[0] for sample in begins[1]], edges
