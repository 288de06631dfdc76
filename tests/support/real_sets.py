"""Small files in the layouts of real data sets, written from scratch: no value in them is of a real leaf or place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.io
import tifffile

from focus.exporter.data._hyperleaf import CULTIVARS

#: Bands of the two cameras of Tomato BLS in the small files: their ranges, fewer bands.
TOMATO_BANDS = {"visnir": np.linspace(390.0, 1005.0, 12), "swir": np.linspace(890.68, 1719.81, 8)}


def write_hyperleaf(folder: Path, plots: int = 16, leaves: int = 20, interleaved: bool = False) -> Path:
    """HyperLeaf2024 with 48 x 352 samples of 204 bands, uint16, background exactly 0.

    Leaf i grew on plot i mod plots; plot p has cultivar p mod 4, fertilizer by p mod 3 and one grain weight.
    Pages are bands, or lines with ``interleaved`` (both orders are met in the wild).
    """
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    rows = ["ImageId,GrainWeight,Gsw,PhiPS2,Fertilizer," + ",".join(CULTIVARS)]
    for image in range(leaves):
        plot = image % plots
        marks = ",".join("1" if index == plot % 4 else "0" for index in range(4))
        gsw, phi = rng.uniform(0.1, 0.5), rng.uniform(0.4, 0.8)
        rows.append(f"{image:05d},{1100 + 37.5 * plot},{gsw:.4f},{phi:.4f},{(plot % 3) / 2},{marks}")
        cube = np.zeros((204, 48, 352), np.uint16)
        bands = np.linspace(0.0, 1.0, 204)[:, None, None]
        leaf = 4000 + 30_000 * bands * (0.5 + gsw) + 200 * (plot % 4) + rng.normal(0, 100, (204, 30, 300))
        cube[:, 9:39, 20:320] = np.maximum(leaf, 1).astype(np.uint16)
        cube[5, 20, 100] = 0  # one noisy value of a leaf may be 0; it is no background
        stored = np.ascontiguousarray(cube.transpose(1, 2, 0)) if interleaved else cube
        tifffile.imwrite(folder / "images" / f"{image:05d}.tiff", stored, photometric="minisblack")
    (folder / "train.csv").write_text("\n".join(rows) + "\n")
    return folder


def write_tomato(
    folder: Path, plants: int = 8, counts: bool = False, frames: tuple[tuple[int, int], tuple[int, int]] | None = None
) -> Path:
    """Tomato BLS: a recording before inoculation and one 3 days after, of each plant and camera.

    Args:
        counts: raw counts with white and dark references, instead of reflectance x 10000.
        frames: lines and samples of VISNIR and of SWIR.
    """
    rng = np.random.default_rng(1)
    folder.mkdir(parents=True)
    sizes = dict(zip(TOMATO_BANDS, frames or ((40, 24), (40, 24)), strict=True))
    rows = ["recording,plant"]
    for plant in range(plants):
        for stage in ("before inoculation", "3dai"):
            rows.append(f"{stage.replace(' ', '_')}_bc_run{plant},{plant}")
            for sensor, wavelengths in TOMATO_BANDS.items():
                shape = (wavelengths.size, *sizes[sensor])
                level = 0.2 if stage == "3dai" else 0.5
                leaf = level + 0.02 * rng.standard_normal(shape)
                name = f"{stage}_{sensor}_bc_run{plant}"
                write_bil(folder / f"{name}.bil", 200 + 2000 * leaf if counts else 10_000 * leaf, wavelengths, counts)
    for sensor, wavelengths in TOMATO_BANDS.items():
        shape = (wavelengths.size, 6, sizes[sensor][1])
        write_bil(folder / f"cloth_{sensor}.bil", np.full(shape, 500.0), wavelengths, counts)
        if counts:
            write_bil(folder / f"white_{sensor}.bil", np.full(shape, 2200.0), wavelengths, counts)
            write_bil(folder / f"dark_{sensor}.bil", np.full(shape, 200.0), wavelengths, counts)
    (folder / "plants.csv").write_text("\n".join(rows) + "\n")
    return folder


def write_bil(path: Path, values: np.ndarray, wavelengths: np.ndarray, counts: bool) -> None:
    """ENVI as the camera's program writes it: NAME.bil and NAME.bil.hdr, uint16, [C, lines, samples] stored by line."""
    bands, lines, samples = values.shape
    np.maximum(values, 0).round().astype("<u2").transpose(1, 0, 2).tofile(path)
    scale = "" if counts else "reflectance scale factor = 10000\n"
    path.with_name(f"{path.name}.hdr").write_text(
        "ENVI\ninterleave = bil\ndata type = 12\n"
        f"lines = {lines}\nsamples = {samples}\nbands = {bands}\n"
        "sample binning = 1\nspectral binning = 1\nline binning = 1\nshutter = 1.417\nframerate = 30.000300003\n"
        "imager serial number = 000000-00\nbyte order = 0\nheader offset = 0\n"
        f"wavelength = {{{', '.join(f'{nm:.2f}' for nm in wavelengths)}}}\nwavelength units = nm\n"
        f"{scale}label = {path.stem}\n"
    )


def write_jasper(path: Path, lines: int = 100, samples: int = 100) -> Path:
    """jasperRidge2_R198.mat: pixels column by column, 198 of 224 AVIRIS bands, end-members and their abundances."""
    rng = np.random.default_rng(2)
    endmembers = rng.uniform(0.05, 0.8, (198, 4))
    # Stripes of 10 pixels, so that every block of the scene has all four somewhere.
    place = (np.arange(lines)[:, None] // 10 + np.arange(samples) // 10) % 4
    shares = 0.02 + 0.92 * (place[None] == np.arange(4)[:, None, None])
    columns = shares.transpose(0, 2, 1).reshape(4, -1)
    names = np.empty((4, 1), object)
    names[:, 0] = [f"{index}-{name}" for index, name in enumerate(("tree", "water", "dirt", "road"), start=1)]
    selected = np.setdiff1d(np.arange(1, 225), np.r_[1:4, 108:113, 154:167, 220:225])
    scipy.io.savemat(
        path,
        {
            "Y": np.round(5300 * endmembers @ columns).astype(np.uint16), "A": columns, "M": endmembers,
            "nRow": lines, "nCol": samples, "SlectBands": selected[:, None], "maxValue": 5000, "cood": names,
        },
    )  # fmt: skip
    return path
