"""The list of a folder data set: a CSV file with a cube a row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focus.exporter.data._splits import require_whole_groups, split_groups, split_note
from focus.exporter.data._windows import SPLITS, Task
from focus.runtime import FocusError
from focus.runtime._table import Row, rows_of_table
from focus.runtime.cubes._envi import header_of

#: Beginnings of ``--data`` for data sets with a layout of their own.
KNOWN = "hyperleaf:DIR, tomato-bls:DIR, jasper-ridge:FILE.mat"

_SPLIT_NAMES = {"train": 0, "training": 0, "val": 1, "validation": 1, "test": 2}


@dataclass(frozen=True, eq=False)
class Manifest:
    """A checked manifest of R rows.

    Attributes:
        paths: of the cubes, absolute or relative to the working folder; rows: their names as the manifest has them.
        values: int64 [R] class indices, or float32 [R, K].
        names: K classes in alphabetical order, or the target columns as asked for.
        splits: int8 [R]; groups: R names, the cube's own where the manifest has no group column.
        notes: what a user should be told of the list, a sentence each.
    """

    task: Task
    paths: tuple[Path, ...]
    rows: tuple[str, ...]
    values: NDArray[np.int64] | NDArray[np.float32]
    names: tuple[str, ...]
    splits: NDArray[np.int8]
    groups: tuple[str, ...]
    notes: tuple[str, ...] = ()


#: Said where nobody says what must not be torn apart.
NO_GROUPS = (
    "there is no column group, so every cube counts as one of its own; if several cubes show one plant or plot, name "
    "it there: what resembles each other on both sides of a split flatters the test"
)


def read_manifest(path: Path, targets: Sequence[str], seed: int, *, leaks: bool = False) -> Manifest:
    """Reads a manifest: columns ``path``, then ``label`` or the target columns, and optionally ``split`` and ``group``.

    Args:
        path: CSV with a header line; the cubes' paths are relative to its folder.
        targets: target columns for regression; none for classification.
        seed: of the split, where there is no split column.
        leaks: take a split column that tears groups apart.
    Raises:
        FocusError: names the row or column that does not fit, and the way out.
    """
    if not path.is_file():
        raise FocusError(
            f"no manifest {path}; --data takes a CSV file, sim:vnir or sim:full for simulated leaves, or a known set: "
            f"{KNOWN}"
        )
    hints = {"label": "; for regression name the columns with --targets"}
    rows = rows_of_table(path, "path", *(targets or ("label",)), hints=hints)
    names = tuple(row["path"] for row in rows)
    paths = tuple(path.parent / name for name in names)
    missing = [name for name, file in zip(names, paths, strict=True) if not file.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise FocusError(f"{path}: no file {missing[0]}{more}; paths are relative to {path.parent.resolve()}")
    # However a cube is spelled, it is one cube, called as it was first.
    first: dict[Path, str] = {}
    cubes = [
        first.setdefault((header_of(file) or file).resolve(), name) for name, file in zip(names, paths, strict=True)
    ]
    groups = tuple(row.get("group") or cube for row, cube in zip(rows, cubes, strict=True))
    labels = [row["label"] for row in rows] if not targets else [""] * len(rows)
    _require_one_answer(path, rows, cubes, targets or ("label",))
    splits = _splits(path, rows, groups, labels, seed)
    if not leaks:
        # A cube that is listed twice under two groups would still leak.
        require_whole_groups(cubes, splits.tolist(), str(path), "cube")
        require_whole_groups(groups, splits.tolist(), str(path))
    notes = (*_repeats(rows, cubes), *(() if "group" in rows[0] else (NO_GROUPS,)))
    if len(set(zip(groups, splits.tolist(), strict=True))) > len(set(groups)):
        notes += split_note("random", "group")
    if targets:
        values: NDArray[np.int64] | NDArray[np.float32] = _target_values(path, rows, targets)
        _require_spread(path, values[splits == 0], targets)
        return Manifest("regression", paths, names, values, tuple(targets), splits, groups, notes)
    classes = sorted(set(labels))
    require_classes(path, classes, [label for label, split in zip(labels, splits, strict=True) if split == 0])
    tested = {label for label, split in zip(labels, splits, strict=True) if split == 2}
    notes += (*_twins(classes), *_untested(classes, tested))
    values = np.array([classes.index(label) for label in labels], np.int64)
    return Manifest("classification", paths, names, values, tuple(classes), splits, groups, notes)


def _require_one_answer(path: Path, rows: list[Row], cubes: Sequence[str], columns: Sequence[str]) -> None:
    """Refuses a cube that two rows say different things of."""
    first: dict[str, Row] = {}
    for row, cube in zip(rows, cubes, strict=True):
        other = first.setdefault(cube, row)
        differing = next((column for column in columns if row[column] != other[column]), None)
        if differing is not None:
            raise FocusError(
                f"{path}: lines {other.line} and {row.line} are both of cube {cube}, and say {differing} "
                f"{other[differing]} and {row[differing]}; remove one"
            )


def _repeats(rows: Sequence[Row], cubes: Sequence[str]) -> Iterator[str]:
    first: dict[str, Row] = {}
    again = [row.line for row, cube in zip(rows, cubes, strict=True) if first.setdefault(cube, row) is not row]
    if again:
        lines = f"line {again[0]}" + (f" and {len(again) - 1} more list cubes" if len(again) > 1 else " lists a cube")
        yield f"{lines} that stood above; what is listed twice weighs twice"


def _twins(classes: Sequence[str]) -> Iterator[str]:
    first: dict[str, str] = {}
    for name in classes:
        other = first.setdefault(name.casefold(), name)
        if other != name:
            yield f"{other} and {name} are two classes, as they are spelled; if they are one, spell them alike"


def _untested(classes: Sequence[str], tested: set[str]) -> Iterator[str]:
    absent = [name for name in classes if name not in tested]
    if tested and absent:
        yield f"nothing in the test split is of {', '.join(absent)}: the report says nothing of how well it is told"


def _splits(path: Path, rows: list[Row], groups: tuple[str, ...], labels: list[str], seed: int) -> NDArray[np.int8]:
    if "split" not in rows[0]:
        return split_groups(groups, labels, seed)
    found = [_SPLIT_NAMES.get(row["split"].lower()) for row in rows]
    for row, split in zip(rows, found, strict=True):
        if split is None:
            raise FocusError(f"{path} line {row.line}: split must be {', '.join(SPLITS)}, got {row['split']!r}")
    return np.array(found, np.int8)


def _target_values(path: Path, rows: list[Row], targets: Sequence[str]) -> NDArray[np.float32]:
    values = np.empty((len(rows), len(targets)), np.float32)
    for index, row in enumerate(rows):
        for column, name in enumerate(targets):
            try:
                values[index, column] = row.number(name)
            except ValueError:
                values[index, column] = math.nan
            if not math.isfinite(values[index, column]):
                raise FocusError(
                    f"{path} line {row.line}: {name} must be a number, got {row[name]!r}; correct or remove the row"
                )
    return values


def _require_spread(path: Path, training: NDArray[np.float32], targets: Sequence[str]) -> None:
    for column, name in enumerate(targets):
        if len(training) > 1 and np.ptp(training[:, column]) == 0:
            raise FocusError(
                f"{path}: {name} is {training[0, column]:g} in every training row; there is nothing to learn from it"
            )


def require_classes(path: Path, classes: Sequence[str], training: Sequence[str]) -> None:
    """Refuses classes that nothing can be learnt of.

    Args:
        path: of the table, for messages; classes: all of them; training: the class of each training row.
    Raises:
        FocusError: a single class, or one without a training row.
    """
    if len(classes) < 2:
        raise FocusError(
            f"{path} has a single class, {classes[0]}; classification needs two (for regression use --targets)"
        )
    count = Counter(training)
    absent = [name for name in classes if not count[name]]
    if absent:
        raise FocusError(f"{path}: class {absent[0]} has no training row; give it some, or remove its rows")
