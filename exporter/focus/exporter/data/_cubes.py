"""From cubes to the windows of a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from focus.exporter.data._manifest import Manifest
from focus.exporter.data._windows import WindowSet
from focus.kernels import ingest
from focus.runtime import CubeError, FocusError
from focus.runtime.cubes import Cube, resample_cube
from focus.runtime.spectral import composite_weights

Progress = Callable[[int, int], None]
Vector = NDArray[np.float64]

#: A border tile that holds less than this share of the samples of the cube's fullest tile is left out.
LEAST_TILE = 0.5


def windows_of_cubes(
    manifest: Manifest,
    cubes: Iterable[Cube],
    patch: int,
    size: tuple[int, int],
    *,
    source: str,
    tile: bool = False,
    resample_to: str | None = None,
    progress: Progress | None = None,
) -> WindowSet:
    """Keeps what the network reads of the windows of cubes.

    A cube smaller than the window is centred in it; what is missing counts as invalid.

    Args:
        manifest: what the cubes are.
        cubes: reflectance, one a row of the manifest, in its order; opened one after another.
        patch: edge of a patch in samples; size: lines and samples of a window, multiples of it.
        source: what to call the data set.
        tile, resample_to: see ``FolderOptions``.
        progress: called with cubes done and cubes in all.
    Raises:
        FocusError: there are fewer than two training windows.
        CubeError: a cube has no valid sample, or other bands.
    """
    bands = Bands(resample_to)
    means, composites, rows, names = [], [], [], []
    for row, whole in enumerate(cubes):
        name = manifest.rows[row]
        cube = bands.fit(whole, name)
        for place, window in _windows_of(cube, size, tile):
            found = ingest(window, patch, bands.weights)
            if not found.valid_share.any():
                raise CubeError(
                    f"{manifest.paths[row]} has no valid sample in its window{place}; remove its row or crop the cube"
                )
            means.append(found.band_means)
            composites.append(found.composite.astype(np.float16))
            rows.append(row)
            names.append(f"{name}{place}")
        if progress is not None:
            progress(row + 1, len(manifest.paths))
    splits = manifest.splits[rows]
    training = int((splits == 0).sum())
    if training < 2:
        more = "" if tile else " or use --tile"
        raise FocusError(f"{source} gives {training} training window(s), at least 2 are needed; list more cubes{more}")
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
        source=source,
        notes=(*manifest.notes, *_split_notes(splits)),
    )


class Bands:
    """The bands that all cubes must have, or are resampled to; fixed by the first cube."""

    def __init__(self, wanted: str | None) -> None:
        self._wanted = wanted
        self._first = ""
        self.wavelengths_nm: Vector = np.empty(0)
        self.fwhm_nm: Vector | None = None
        self.weights: Vector = np.empty((3, 0))

    def fit(self, cube: Cube, name: str) -> Cube:
        """The cube with the common bands.

        Raises:
            CubeError: other bands, and no resampling asked for; or bands that it cannot be resampled to.
        """
        wanted = self._wanted
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


def _windows_of(cube: Cube, size: tuple[int, int], tile: bool) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Names and reflectance [C, H, W] of a cube's windows; nan outside the cube."""
    _, lines, samples = cube.shape
    if not tile:
        yield "", _window(cube, ((lines - size[0]) // 2, (samples - size[1]) // 2), size)
        return
    corners = [(top, left) for top in range(0, lines, size[0]) for left in range(0, samples, size[1])]
    held = [min(size[0], lines - top) * min(size[1], samples - left) for top, left in corners]
    for (top, left), inside in zip(corners, held, strict=True):
        if inside >= LEAST_TILE * max(held):
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


def _split_notes(splits: NDArray[np.int8]) -> tuple[str, ...]:
    notes = []
    if not (splits == 1).any():
        way_out = "a column split names some, and more groups give some"
        notes.append(f"there is no validation window: the last epoch is kept; {way_out}")
    if not (splits == 2).any():
        notes.append("there is no test window: the report is about what the model was chosen or trained on")
    return tuple(notes)
