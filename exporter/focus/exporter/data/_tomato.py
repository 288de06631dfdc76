"""Tomato BLS: tomato leaves before and after inoculation with bacterial leaf spot, by two cameras (docs/data.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from focus.exporter.data._cubes import Progress, windows_of_cubes
from focus.exporter.data._folder import FolderOptions, stamps
from focus.exporter.data._manifest import Manifest, require_classes
from focus.exporter.data._spec import number_of, parse_spec
from focus.exporter.data._splits import chosen_split, split_note
from focus.exporter.data._tomato_cubes import joined_cube, tomato_cube
from focus.exporter.data._tomato_names import SENSORS, TomatoFile, tomato_files
from focus.exporter.data._windows import WindowSet
from focus.runtime import FocusError
from focus.runtime._table import rows_of_table

_OPTIONS = {"sensor": "visnir", "label": "infected", "split": "grouped", "plants": "plants.csv", "panel": "0.99"}

_WHERE = (
    "Tomato BLS is 'Data from: Hyperspectral Imaging Analysis for Early Detection of Tomato Bacterial Leaf Spot "
    "Disease' (Li 2024, Ag Data Commons, doi.org/10.15482/USDA.ADC/26046328); download it there and give the folder of "
    "its .bil and .bil.hdr files"
)


@dataclass(frozen=True)
class TomatoBls:
    """What to take of the data set.

    Attributes:
        folder: with the .bil and .bil.hdr files, in it or below.
        sensor: ``visnir``, ``swir``, or ``joined``: both as one cube, where their frames are alike.
        label: ``infected`` (before inoculation or after), or ``stage`` (before, 2 h, 3 d, ...).
        split: ``grouped`` by plant, or ``random``.
        plants: table in the folder that tells the plant of each recording.
        panel: reflectance of the white reference, for files that hold counts.
    """

    folder: Path
    sensor: str
    label: str
    split: str
    plants: str
    panel: float


def parse_tomato(spec: str) -> TomatoBls:
    """``tomato-bls:DIR,sensor=swir,label=stage``.

    Raises:
        FocusError: names the part that is not understood.
    """
    folder, found = parse_spec(spec, _OPTIONS)
    for option, known in (("sensor", (*SENSORS, "joined")), ("label", ("infected", "stage"))):
        if found[option] not in known:
            raise FocusError(f"{option} must be {', '.join(known)} in --data {spec}, got {found[option]!r}")
    panel = number_of(found, "panel", spec)
    return TomatoBls(folder, found["sensor"], found["label"], found["split"], found["plants"], panel)


def tomato_settings(plan: TomatoBls, options: FolderOptions, seed: int) -> dict[str, Any]:
    """Everything that the windows depend on beside patch, size and seed of the split, for the cache.

    Raises:
        FocusError: the data set is not there, or not whole.
    """
    manifest, files, table = _manifest(plan, options, seed)
    listed = [file.header for file in files] + ([table] if table.is_file() else [])
    return {**vars(options), **vars(plan), "folder": str(plan.folder), "files": stamps(listed), "rows": manifest.rows}


def tomato_windows(
    plan: TomatoBls,
    options: FolderOptions,
    patch: int,
    size: tuple[int, int],
    seed: int,
    progress: Progress | None = None,
) -> WindowSet:
    """The recordings, cut into windows or cropped at their centre.

    Args:
        patch: edge of a patch in samples; size: lines and samples of a window; a recording has some 560 x 320.
        seed: of the split.
    Raises:
        FocusError: the data set is not there, or does not fit; CubeError: a recording cannot be read or calibrated.
    """
    manifest, files, _ = _manifest(plan, options, seed)
    by_name = {(file.recording, file.sensor): file for file in files if file.kind == "leaf"}
    cubes = (
        joined_cube(*(tomato_cube(by_name[recording, sensor], files, plan.panel) for sensor in SENSORS))
        if plan.sensor == "joined"
        else tomato_cube(by_name[recording, plan.sensor], files, plan.panel)
        for recording in manifest.rows
    )
    return windows_of_cubes(
        manifest,
        cubes,
        patch,
        size,
        source=f"Tomato BLS, {len(manifest.rows)} recordings ({plan.sensor}), {plan.split} split",
        tile=options.tile,
        resample_to=options.resample_to,
        progress=progress,
    )


def _manifest(plan: TomatoBls, options: FolderOptions, seed: int) -> tuple[Manifest, list[TomatoFile], Path]:
    files = tomato_files(plan.folder) if plan.folder.is_dir() else []
    wanted = SENSORS if plan.sensor == "joined" else (plan.sensor,)
    names = [{file.recording for file in files if file.kind == "leaf" and file.sensor == sensor} for sensor in wanted]
    recordings = sorted(set.intersection(*names))
    if not recordings:
        both = "no recording by both cameras" if plan.sensor == "joined" else f"no {plan.sensor} recording"
        raise FocusError(f"{both} of Tomato BLS in {plan.folder}. {_WHERE}")
    leaves = {file.recording: file for file in files if file.kind == "leaf" and file.sensor == wanted[0]}
    table = plan.folder / plan.plants
    groups = _plants(table, recordings, plan)
    labels = [_label(leaves[recording], plan.label) for recording in recordings]
    splits = chosen_split(plan.split, groups, labels, seed, leaks=options.leaks, source="Tomato BLS", unit="plant")
    classes = sorted(set(labels), key=_order)
    require_classes(plan.folder, classes, [label for label, split in zip(labels, splits, strict=True) if split == 0])
    values = np.array([classes.index(label) for label in labels])
    paths = tuple(leaves[recording].header for recording in recordings)
    notes = split_note(plan.split, "plant")
    if plan.sensor == "joined":
        notes += ("two cameras are joined sample by sample: equal frames do not prove that they show the same places",)
    manifest = Manifest("classification", paths, tuple(recordings), values, tuple(classes), splits, groups, notes)
    return manifest, files, table


def _plants(table: Path, recordings: Sequence[str], plan: TomatoBls) -> tuple[str, ...]:
    """The plant of each recording; file names do not tell it."""
    if table.is_file():
        rows = {row["recording"].lower(): row["plant"] for row in rows_of_table(table, "recording", "plant")}
        absent = [name for name in recordings if name not in rows]
        if absent:
            raise FocusError(f"{table} has no row for recording {absent[0]}; name its plant")
        return tuple(f"plant {rows[name]}" for name in recordings)
    if plan.split == "random":
        return tuple(recordings)
    raise FocusError(
        f"{table} is missing: file names of Tomato BLS do not tell which plant they show, and one plant in training "
        "and in test would flatter. Write it with the columns recording,plant (e.g. 0dai_2hr_bc_run1,7), or take "
        "split=random with --i-know-it-leaks"
    )


def _label(file: TomatoFile, kind: str) -> str:
    if not file.stage:
        raise FocusError(
            f"{file.header}: the name tells no stage; expected before inoculation, Nhr or Ndai in it, as in "
            "0dai_2hr_swir_bc_run1.bil.hdr"
        )
    if kind == "stage":
        return file.stage
    return "healthy" if file.stage == "before" else "inoculated"


def _order(label: str) -> tuple[int, float, str]:
    """Before, then hours, then days."""
    number, _, unit = label.partition(" ")
    places: Mapping[str, int] = {"h": 1, "d": 2}
    return (places[unit], float(number), "") if unit in places else (0, 0.0, label)
