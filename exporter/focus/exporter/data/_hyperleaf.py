"""HyperLeaf2024: leaves of wheat by a Specim IQ, in the layout of its competition (docs/data.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.exporter.data._cubes import Progress, windows_of_cubes
from focus.exporter.data._folder import FolderOptions, stamps
from focus.exporter.data._manifest import Manifest, require_classes
from focus.exporter.data._spec import number_of, parse_spec
from focus.exporter.data._splits import chosen_split, split_note
from focus.exporter.data._windows import WindowSet
from focus.runtime import CubeError, FocusError
from focus.runtime._table import Row, rows_of_table
from focus.runtime.cubes import Cube
from focus.runtime.cubes._describe import bands_first, find_axes
from focus.runtime.cubes._tiff import load_tiff

CULTIVARS = ("Heerup", "Kvium", "Rembrandt", "Sheriff")
TRAITS = ("GrainWeight", "Gsw", "PhiPS2", "Fertilizer")

#: Band centres of the Specim IQ in nm; this parabola meets the camera's table of 204 bands to 0.01 nm.
WAVELENGTHS_NM: NDArray[np.float64] = np.polynomial.Polynomial((397.320608, 2.88139738, 5.17672741e-4))(
    np.arange(204, dtype=np.float64)
)

_OPTIONS = {"target": "cultivar", "split": "grouped", "scale": "65535"}

_WHERE = (
    "HyperLeaf2024 is the data of the Kaggle competition of that name (kaggle.com/competitions/HyperLeaf2024): accept "
    "its rules there, download and unpack it; its folder holds train.csv and images/00000.tiff and on"
)


@dataclass(frozen=True)
class HyperLeaf:
    """What to take of the data set.

    Attributes:
        folder: with train.csv and images.
        targets: ``("cultivar",)`` for classes, or names of ``TRAITS``.
        split: ``grouped`` by plot, or ``random``.
        scale: stored value / scale = reflectance. The data set does not say; 65535 takes it as a share of full scale.
    """

    folder: Path
    targets: tuple[str, ...]
    split: str
    scale: float


def parse_hyperleaf(spec: str) -> HyperLeaf:
    """``hyperleaf:DIR,target=Gsw+PhiPS2``.

    Raises:
        FocusError: names the part that is not understood.
    """
    folder, found = parse_spec(spec, _OPTIONS)
    known = {name.lower(): name for name in (*TRAITS, "cultivar")}
    targets = tuple(known.get(name.lower(), "") for name in found["target"].split("+"))
    if "" in targets or len(set(targets)) < len(targets) or ("cultivar" in targets and len(targets) > 1):
        raise FocusError(
            f"target must be cultivar, or traits of {', '.join(TRAITS)} (join with +), in --data {spec}, "
            f"got {found['target']!r}"
        )
    return HyperLeaf(folder, targets, found["split"], number_of(found, "scale", spec))


def hyperleaf_settings(plan: HyperLeaf, options: FolderOptions, seed: int) -> dict[str, Any]:
    """Everything that the windows depend on beside patch, size and seed of the split, for the cache.

    Raises:
        FocusError: the data set is not there, or not whole.
    """
    manifest = _manifest(plan, options, seed)
    files = stamps([plan.folder / "train.csv", *manifest.paths])
    return {**vars(options), **vars(plan), "folder": str(plan.folder), "files": files}


def hyperleaf_windows(
    plan: HyperLeaf,
    options: FolderOptions,
    patch: int,
    size: tuple[int, int],
    seed: int,
    progress: Progress | None = None,
) -> WindowSet:
    """The labelled leaves; the competition's own test leaves have no labels and stay out.

    Args:
        patch: edge of a patch in samples; size: lines and samples of a window; a leaf has 48 x 352.
        seed: of the split.
    Raises:
        FocusError: the data set is not there, or does not fit; CubeError: a leaf cannot be read.
    """
    manifest = _manifest(plan, options, seed)
    return windows_of_cubes(
        manifest,
        (leaf_cube(path, plan.scale) for path in manifest.paths),
        patch,
        size,
        source=f"HyperLeaf2024, {len(manifest.paths)} leaves of {len(set(manifest.groups))} plots, {plan.split} split",
        tile=options.tile,
        resample_to=options.resample_to,
        progress=progress,
    )


def leaf_cube(path: Path, scale: float) -> Cube:
    """One leaf; a pixel that is 0 in every band is background and counts as invalid.

    The file holds 204 bands as pages, lines of pages, or samples of pixels: they are found by their number.

    Raises:
        CubeError: it cannot be read, or has other bands.
    """
    stored, _, _, _ = load_tiff(path)
    values = bands_first(stored, find_axes(stored.shape, WAVELENGTHS_NM.size, None, path.name))
    leaf = np.asarray((values != 0).any(axis=0))
    if not leaf.any():
        raise CubeError(f"{path} is all background; copy it again, or remove its row from train.csv")
    return Cube(values, WAVELENGTHS_NM, quality=leaf, quantity="reflectance", scale=scale)


def _manifest(plan: HyperLeaf, options: FolderOptions, seed: int) -> Manifest:
    table = plan.folder / "train.csv"
    if not table.is_file():
        raise FocusError(f"no HyperLeaf2024 in {plan.folder} (no train.csv). {_WHERE}")
    rows = rows_of_table(table, "ImageId", *TRAITS, *CULTIVARS)
    paths = tuple(plan.folder / "images" / f"{_image(row, table)}.tiff" for row in rows)
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise FocusError(f"{table} lists {missing[0].name}, which is not in {missing[0].parent}. {_WHERE}")
    values = np.array([[_number(row, name, table) for name in (*TRAITS, *CULTIVARS)] for row in rows], np.float32)
    marks = values[:, len(TRAITS) :]
    if not (np.isin(marks, (0, 1)).all() and (marks.sum(axis=1) == 1).all()):
        raise FocusError(f"{table} must mark one cultivar a leaf with 1, of {', '.join(CULTIVARS)}")
    # A plot has one grain weight, and its number stands nowhere else; plots of equal weight count as one.
    groups = tuple(f"plot of {row.number('GrainWeight'):g}" for row in rows)
    labels = [CULTIVARS[index] for index in marks.argmax(axis=1)]
    splits = chosen_split(plan.split, groups, labels, seed, leaks=options.leaks, source="HyperLeaf2024", unit="plot")
    notes = split_note(plan.split, "plot")
    names = tuple(path.name for path in paths)
    if plan.targets == ("cultivar",):
        classes = tuple(name for name in CULTIVARS if name in labels)
        require_classes(table, classes, [label for label, split in zip(labels, splits, strict=True) if split == 0])
        found = np.array([classes.index(label) for label in labels])
        return Manifest("classification", paths, names, found, classes, splits, groups, notes)
    chosen = values[:, [TRAITS.index(name) for name in plan.targets]]
    return Manifest("regression", paths, names, chosen, plan.targets, splits, groups, notes)


def _image(row: Mapping[str, str], table: Path) -> str:
    if not row["ImageId"].isdigit():
        raise FocusError(f"{table}: ImageId must be a number, got {row['ImageId']!r}")
    return f"{int(row['ImageId']):05d}"


def _number(row: Row, name: str, table: Path) -> float:
    try:
        value = row.number(name)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise FocusError(f"{table}: {name} of leaf {row['ImageId']} must be a number, got {row[name]!r}")
    return value
