"""Cubes on disk as a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.exporter.data._manifest import Manifest, read_manifest
from focus.exporter.data._windows import WindowSet
from focus.kernels import ingest
from focus.runtime import CubeError, FocusError
from focus.runtime.cubes import Cube, open_cube, resample_cube
from focus.runtime.spectral import composite_weights

Progress = Callable[[int, int], None]
Vector = NDArray[np.float64]

#: A border tile with less than this share of the window inside the cube is left out.
LEAST_TILE = 0.5

_ENVI_SUFFIXES = (".raw", ".dat", ".img", ".bil", ".bip", ".bsq", ".bin", ".cube")


@dataclass(frozen=True)
class FolderOptions:
    """How cubes become windows.

    Attributes:
        targets: target columns for regression; none for classification by the column ``label``.
        quantity, scale: what the stored values are, where the files do not say; stored value / scale = reflectance.
        tile: cut every cube into windows that inherit its label, instead of one centre crop.
        resample_to: ``FIRST`` (the first cube's bands), ``START:STOP:COUNT`` in nm, or None: all cubes must agree.
    """

    targets: tuple[str, ...] = ()
    quantity: str | None = None
    scale: float = 1.0
    tile: bool = False
    resample_to: str | None = None


def folder_settings(path: Path, options: FolderOptions, patch: int, size: tuple[int, int], seed: int) -> dict[str, Any]:
    """Everything that a folder's windows depend on, for the cache: also size and time of every file.

    Raises:
        FocusError: the manifest does not fit.
    """
    manifest = read_manifest(path, options.targets, seed)
    files = [(str(file.resolve()), *_stamp(file)) for file in manifest.paths]
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return {**vars(options), "manifest": content, "files": files, "patch": patch, "size": list(size), "seed": seed}


def folder_windows(
    path: Path, options: FolderOptions, patch: int, size: tuple[int, int], seed: int, progress: Progress | None = None
) -> WindowSet:
    """Opens every cube of a manifest and keeps what the network reads of its windows.

    A cube smaller than the window is centred in it; what is missing counts as invalid.

    Args:
        path: the manifest, see ``read_manifest``.
        patch: edge of a patch in samples; size: lines and samples of a window, multiples of it.
        seed: of the split, where the manifest has none.
        progress: called with cubes done and cubes in all.
    Raises:
        FocusError: the manifest does not fit, or there are fewer than two training windows.
        CubeError: a cube cannot be read, is not reflectance, or has other bands.
    """
    manifest = read_manifest(path, options.targets, seed)
    bands = _Bands(options)
    means, composites, rows, names = [], [], [], []
    for row, file in enumerate(manifest.paths):
        cube = bands.fit(_reflectance_cube(file, options), manifest.rows[row])
        for name, window in _windows_of(cube, size, options.tile):
            found = ingest(window, patch, bands.weights)
            if not found.valid_share.any():
                raise CubeError(f"{file} has no valid sample in its window{name}; remove its row or crop the cube")
            means.append(found.band_means)
            composites.append(found.composite.astype(np.float16))
            rows.append(row)
            names.append(f"{manifest.rows[row]}{name}")
        if progress is not None:
            progress(row + 1, len(manifest.paths))
    splits = manifest.splits[rows]
    training = int((splits == 0).sum())
    if training < 2:
        raise FocusError(
            f"{path} gives {training} training window(s), at least 2 are needed; list more cubes or use --tile"
        )
    return WindowSet(
        task=manifest.task,
        band_means=np.stack(means),
        composite=np.stack(composites),
        targets=manifest.values[rows],
        target_names=manifest.names,
        units=(None,) * len(manifest.names),
        splits=splits,
        windows=tuple(names),
        groups=tuple(manifest.groups[row] for row in rows),
        wavelengths_nm=bands.wavelengths_nm,
        fwhm_nm=bands.fwhm_nm,
        composite_weights=bands.weights,
        patch=patch,
        source=f"{len(manifest.paths)} cubes of {path.name}",
        notes=_notes(manifest),
    )


class _Bands:
    """The bands that all cubes must have, or are resampled to; fixed by the first cube."""

    def __init__(self, options: FolderOptions) -> None:
        self._options = options
        self._first = ""
        self.wavelengths_nm: Vector = np.empty(0)
        self.fwhm_nm: Vector | None = None
        self.weights: Vector = np.empty((3, 0))

    def fit(self, cube: Cube, name: str) -> Cube:
        """The cube with the common bands.

        Raises:
            CubeError: other bands, and no resampling asked for; or bands that it cannot be resampled to.
        """
        wanted = self._options.resample_to
        if not self._first:
            self._first = name
            self.wavelengths_nm, self.fwhm_nm = cube.wavelengths_nm, cube.fwhm_nm
            if wanted is not None and wanted.upper() != "FIRST":
                self.wavelengths_nm, self.fwhm_nm = _span(wanted), None
            try:
                self.weights = composite_weights(self.wavelengths_nm)
            except ValueError as error:
                raise CubeError(f"{name}: {error}; FOCUS needs a hyperspectral cube") from None
        same = cube.wavelengths_nm.shape == self.wavelengths_nm.shape
        if same and np.allclose(cube.wavelengths_nm, self.wavelengths_nm, rtol=0, atol=0.05):
            return cube
        if wanted is None:
            raise CubeError(
                f"{name} has {_in_words(cube.wavelengths_nm)}, {self._first} {_in_words(self.wavelengths_nm)}; "
                "train on cubes of one sensor, or give --resample-to FIRST (or START:STOP:COUNT in nm)"
            )
        try:
            return resample_cube(cube, self.wavelengths_nm, self.fwhm_nm)
        except ValueError as error:
            raise CubeError(f"{error} (--resample-to {wanted})") from None


def _in_words(wavelengths_nm: Vector) -> str:
    return f"{wavelengths_nm.size} bands of {wavelengths_nm[0]:g}-{wavelengths_nm[-1]:g} nm"


def _span(text: str) -> Vector:
    try:
        start, stop, count = text.split(":")
        wavelengths = np.linspace(float(start), float(stop), int(count), dtype=np.float64)
    except ValueError:
        raise FocusError(
            f"--resample-to must be FIRST or START:STOP:COUNT in nm, e.g. 400:1000:204, got {text!r}"
        ) from None
    if wavelengths.size < 3 or not 0 < wavelengths[0] < wavelengths[-1] < np.inf:
        raise FocusError(f"--resample-to needs START < STOP and at least 3 bands, got {text!r}")
    return wavelengths


def _reflectance_cube(file: Path, options: FolderOptions) -> Cube:
    cube = open_cube(file)
    if options.quantity is not None:
        if cube.quantity not in (None, options.quantity):
            raise CubeError(
                f"{file} says that it holds {cube.quantity}, not {options.quantity}; calibrate it to reflectance first"
            )
        cube = cube.with_quantity("reflectance", options.scale)
    if cube.quantity != "reflectance":
        held = "counts" if cube.quantity == "counts" else "a quantity that it does not state"
        raise CubeError(
            f"{file} holds {held}, training needs reflectance; if it is reflectance, say so with "
            "--quantity reflectance --scale S (stored value / S = reflectance), else calibrate it first"
        )
    return cube


def _windows_of(cube: Cube, size: tuple[int, int], tile: bool) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Names and reflectance [C, H, W] of a cube's windows; nan outside the cube."""
    _, lines, samples = cube.shape
    if not tile:
        yield "", _window(cube, ((lines - size[0]) // 2, (samples - size[1]) // 2), size)
        return
    corners = [(top, left) for top in range(0, lines, size[0]) for left in range(0, samples, size[1])]
    for top, left in corners:
        inside = min(size[0], lines - top) * min(size[1], samples - left)
        if len(corners) == 1 or inside >= LEAST_TILE * size[0] * size[1]:
            yield f" [{top}, {left}]", _window(cube, (top, left), size)


def _window(cube: Cube, corner: tuple[int, int], size: tuple[int, int]) -> NDArray[np.float32]:
    bands, lines, samples = cube.shape
    top, left = (max(0, start) for start in corner)
    bottom, right = min(lines, corner[0] + size[0]), min(samples, corner[1] + size[1])
    window = np.full((bands, *size), np.nan, np.float32)
    rows = slice(top - corner[0], bottom - corner[0])
    columns = slice(left - corner[1], right - corner[1])
    window[:, rows, columns] = cube.reflectance(slice(top, bottom), slice(left, right))
    return window


def _stamp(file: Path) -> tuple[int, int]:
    """Size and time of a cube's files: an ENVI header's data file counts too."""
    beside = [file.with_suffix(suffix) for suffix in ("", *_ENVI_SUFFIXES)] if file.suffix == ".hdr" else []
    found = [entry.stat() for entry in (file, *beside) if entry.is_file()]
    return sum(entry.st_size for entry in found), max(entry.st_mtime_ns for entry in found)


def _notes(manifest: Manifest) -> tuple[str, ...]:
    notes = []
    if not (manifest.splits == 1).any():
        notes.append("there is no validation window: the last epoch is kept")
    if not (manifest.splits == 2).any():
        notes.append("there is no test window: the report is about what the model was chosen or trained on")
    return tuple(notes)
