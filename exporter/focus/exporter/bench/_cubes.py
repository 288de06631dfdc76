"""The cubes that every row reads: simulated leaves as a push-broom camera records them, raw uint16 in BIL order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focus.exporter.bench._specs import ModelSpec
from focus.runtime import Calibration
from focus.runtime.simulate import CLASS_NAMES, simulate_leaf_scene, vnir_204

Raw = NDArray[np.uint16]


def band_index(bands: int, of: int) -> NDArray[np.intp]:
    """Which of a sensor's bands a model of fewer bands reads: evenly spread, both ends included."""
    return np.round(np.linspace(0, of - 1, bands)).astype(np.intp)


def write_cubes(spec: ModelSpec, count: int, folder: Path) -> None:
    """Writes ``cubes.raw`` with its ENVI header, the cubes below one another, ``window.raw`` with the first of them
    alone, and ``rig.focuscal``.
    """
    sensor = vnir_204()
    index = band_index(spec.bands, sensor.bands)
    with (folder / "cubes.raw").open("wb") as file:
        for number in range(count):
            scene = simulate_leaf_scene(
                np.random.default_rng(number), sensor, label=number % len(CLASS_NAMES), size=(spec.size, spec.size)
            )
            counts = scene.counts(np.random.default_rng(100 + number))
            stored = np.ascontiguousarray(counts.raw[index].transpose(1, 0, 2), "<u2").tobytes()
            file.write(stored)
            if number == 0:
                (folder / "window.raw").write_bytes(stored)
    dark, white = (np.asarray(values[index], np.float32) for values in (counts.dark, counts.white))
    wavelengths = sensor.wavelengths_nm[index]
    Calibration(dark, 1.0 / (white - dark), wavelengths, 1.0, {"simulated": True}).save(folder / "rig.focuscal")
    for name, windows in (("cubes", count), ("window", 1)):
        (folder / f"{name}.hdr").write_text(_header(spec, windows, wavelengths))


def read_cube(file: Path, number: int, into: Raw) -> None:
    """Fills ``into`` [H, C, W] with a cube, as a camera's driver would; reads no more than that."""
    with file.open("rb") as stream:
        stream.seek(number * into.nbytes)
        if stream.readinto(memoryview(into.data).cast("B")) != into.nbytes:
            raise ValueError(f"{file} holds no cube {number} of {into.nbytes} bytes; remove the folder and run again")


def _header(spec: ModelSpec, count: int, wavelengths: NDArray[np.float64]) -> str:
    lines = [
        "ENVI",
        f"samples = {spec.size}",
        f"lines = {count * spec.size}",
        f"bands = {spec.bands}",
        "header offset = 0",
        "data type = 12",
        "interleave = bil",
        "byte order = 0",
        "wavelength units = Nanometers",
        "wavelength = {" + ", ".join(f"{centre:.4f}" for centre in wavelengths) + "}",
    ]
    return "\n".join(lines) + "\n"
