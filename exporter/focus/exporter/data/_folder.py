"""Cubes on disk as a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focus.exporter.data._cubes import Progress, windows_of_cubes
from focus.exporter.data._manifest import read_manifest
from focus.exporter.data._windows import WindowSet
from focus.runtime import CubeError
from focus.runtime.cubes import Cube, files_of, open_cube, stated_scale


@dataclass(frozen=True)
class FolderOptions:
    """How cubes become windows.

    Attributes:
        targets: target columns for regression; none for classification by the column ``label``.
        quantity, scale: what the stored values are, where the files do not say; stored value / scale = reflectance.
        tile: cut every cube into windows that inherit its label, instead of one centre crop.
        resample_to: ``FIRST`` (the first cube's bands), ``START:STOP:COUNT`` in nm, or None: all cubes must agree.
        leaks: the user knows that a split tears groups apart, and wants it all the same.
    """

    targets: tuple[str, ...] = ()
    quantity: str | None = None
    scale: float | None = None
    tile: bool = False
    resample_to: str | None = None
    leaks: bool = False


def folder_settings(path: Path, options: FolderOptions, patch: int, size: tuple[int, int], seed: int) -> dict[str, Any]:
    """Everything that a folder's windows depend on, for the cache: also size and time of every file.

    Raises:
        FocusError: the manifest does not fit.
    """
    manifest = read_manifest(path, options.targets, seed, leaks=options.leaks)
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    files = stamps(manifest.paths)
    return {**vars(options), "manifest": content, "files": files, "patch": patch, "size": list(size), "seed": seed}


def folder_windows(
    path: Path, options: FolderOptions, patch: int, size: tuple[int, int], seed: int, progress: Progress | None = None
) -> WindowSet:
    """Opens every cube of a manifest and keeps what the network reads of its windows; see ``windows_of_cubes``.

    Args:
        path: the manifest, see ``read_manifest``.
        patch: edge of a patch in samples; size: lines and samples of a window, multiples of it.
        seed: of the split, where the manifest has none.
        progress: called with cubes done and cubes in all.
    Raises:
        FocusError: the manifest does not fit, or there are fewer than two training windows.
        CubeError: a cube cannot be read, is not reflectance, or has other bands.
    """
    manifest = read_manifest(path, options.targets, seed, leaks=options.leaks)
    return windows_of_cubes(
        manifest,
        (_reflectance_cube(file, options) for file in manifest.paths),
        patch,
        size,
        source=f"{len(manifest.paths)} cubes of {path.name}",
        tile=options.tile,
        resample_to=options.resample_to,
        progress=progress,
    )


def stamps(files: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Where files lie, how large they are and how old, with what describes them beside them."""
    return [(str(file.resolve()), *_stamp(file)) for file in files]


def _reflectance_cube(file: Path, options: FolderOptions) -> Cube:
    if options.quantity is None and options.scale is not None:
        raise ValueError("--scale goes with --quantity reflectance (stored value / scale = reflectance)")
    cube = open_cube(file)
    if options.quantity is not None:
        if cube.quantity not in (None, options.quantity):
            raise CubeError(
                f"{file} says that it holds {cube.quantity}, not {options.quantity}; calibrate it to reflectance first"
            )
        if cube.quantity is None:  # what a file says of its own values goes first
            scale = stated_scale(options.scale, cube.scale, cube.values.dtype, str(file))
            cube = cube.with_quantity("reflectance", scale)
    if cube.quantity != "reflectance":
        held = "counts" if cube.quantity == "counts" else "a quantity that it does not state"
        raise CubeError(
            f"{file} holds {held}, training needs reflectance; if it is reflectance, say so with "
            "--quantity reflectance --scale S (stored value / S = reflectance), else calibrate it first"
        )
    return cube


def _stamp(file: Path) -> tuple[int, int]:
    found = [entry.stat() for entry in files_of(file)]
    return sum(entry.st_size for entry in found), max(entry.st_mtime_ns for entry in found)
