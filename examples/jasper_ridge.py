"""Jasper Ridge, end to end: train on the left half of a real scene, export, stream all of it, look at the right half.

    python examples/jasper_ridge.py --data jasperRidge2_R198.mat --weights dinov2-small.safetensors --out out/jasper

Needs ``focus-hsi[export]``. What it reports is discussed in docs/jasper-ridge.md.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from focus.exporter.commands import export
from focus.exporter.data import SPLITS, WindowSet
from focus.exporter.model import create_backbone, load_weights
from focus.exporter.training import TrainSettings, progress_bar, train
from focus.kernels import ingest
from focus.runtime.commands import run, run_command
from focus.runtime.cubes import Cube, open_jasper_ridge, write_npz
from focus.runtime.spectral import band_groups, composite_weights

BACKBONE, PATCH = "vit_small_patch14_dinov2", 14

#: A pixel of 20 m becomes 7 x 7 samples, so that a patch of the backbone covers 2 x 2 pixels; a window is 8 x 8 pixels.
ZOOM = 7
WINDOW = 8
CELL = PATCH // ZOOM

#: One small scene: fine contrasts are of one place, and do not hold on the other half (docs/jasper-ridge.md). So the
#: adapter's steps are as they come.
WHITENING = 1000.0

#: A window has 16 patches, too few to hide some of them.
HIDDEN = 0.0


class Scene(NamedTuple):
    """The cube, what each pixel consists of [E, H, W], the end-members [C, E] and their names."""

    cube: Cube
    abundances: NDArray[np.float64]
    endmembers: NDArray[np.float64]
    names: tuple[str, ...]


def main(argv: list[str] | None = None) -> int:
    """Runs the example."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="jasperRidge2_R198.mat")
    parser.add_argument("--weights", type=Path, required=True, help=f"safetensors with the weights of {BACKBONE}")
    parser.add_argument("--out", type=Path, required=True, help="folder for everything that is made")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--whitening", type=float, default=WHITENING)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    return run_command("jasper_ridge", lambda: _example(args))


def _example(args: argparse.Namespace) -> int:
    scene = Scene(*open_jasper_ridge(args.data))
    args.out.mkdir(parents=True, exist_ok=True)
    backbone = create_backbone(BACKBONE, (WINDOW * ZOOM, WINDOW * ZOOM))
    load_weights(backbone, args.weights)
    settings = TrainSettings(epochs=args.epochs, whitening=args.whitening, hidden=HIDDEN, seed=args.seed)
    model, onnx, folder = args.out / "jasper.pt", args.out / "jasper.onnx", args.out / "run"
    with progress_bar(Console(), "training") as tell:
        outcome = train(windows_of(scene), backbone, BACKBONE, settings, model, mode="overwrite", tell=tell)
    zoomed = args.out / "scene.npz"
    write_npz(enlarged(scene.cube), zoomed)
    wanted = ["--camera", f"replay:{zoomed}", "--engine", str(onnx), "--out", str(folder), "--overwrite"]
    if export.main(["--ckpt", str(model), "--onnx", str(onnx), "--check", str(zoomed)]) or run.main(wanted):
        return 1
    found = report(scene, folder)
    found["windows"] = {"right half accuracy": outcome.report.accuracy}
    (args.out / "jasper.json").write_text(json.dumps(found, indent=2) + "\n")
    draw(scene, folder, args.out)
    print(json.dumps(found, indent=2))
    return 0


def enlarged(cube: Cube) -> Cube:
    """Every pixel repeated ``ZOOM`` x ``ZOOM`` times."""
    values = np.asarray(cube.values).repeat(ZOOM, axis=1).repeat(ZOOM, axis=2)
    return Cube(values=values, wavelengths_nm=cube.wavelengths_nm, quantity="reflectance", scale=cube.scale)


def windows_of(scene: Scene) -> WindowSet:
    """Windows of 8 x 8 pixels; class = dominant end-member.

    Training: left half, lines 0-79, every 2 pixels. Validation: left half, lines 80-99. Test: right half, apart.
    """
    weights = composite_weights(scene.cube.wavelengths_nm)
    means, composites, labels, splits, names = [], [], [], [], []
    areas = (("train", 0, 80, 0, 50, 2), ("val", 80, 100, 0, 50, 4), ("test", 0, 100, 50, 100, WINDOW))
    for split, top, bottom, left, right, step in areas:
        for line in range(top, bottom - WINDOW + 1, step):
            for sample in range(left, right - WINDOW + 1, step):
                cut = np.s_[:, line : line + WINDOW, sample : sample + WINDOW]
                raw = np.asarray(scene.cube.values[cut]).repeat(ZOOM, axis=1).repeat(ZOOM, axis=2)
                found = ingest(raw, PATCH, weights, gain=1 / scene.cube.scale)
                means.append(found.band_means)
                composites.append(found.composite.astype(np.float16))
                labels.append(int(scene.abundances[cut].mean(axis=(1, 2)).argmax()))
                splits.append(SPLITS.index(split))
                names.append(f"line {line} sample {sample}")
    return WindowSet(
        task="classification",
        band_means=np.stack(means),
        composite=np.stack(composites),
        targets=np.array(labels),
        target_names=scene.names,
        units=(None,) * len(scene.names),
        splits=np.array(splits, np.int8),
        windows=tuple(names),
        groups=tuple(names),
        wavelengths_nm=scene.cube.wavelengths_nm,
        fwhm_nm=None,
        composite_weights=weights,
        patch=PATCH,
        source="Jasper Ridge, left half",
    )


def cells(abundances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean abundances of each patch, 2 x 2 pixels: [E, H / 2, W / 2]."""
    count, lines, samples = abundances.shape
    blocks = abundances.reshape(count, lines // CELL, CELL, samples // CELL, CELL)
    return np.asarray(blocks.mean(axis=(2, 4)))


def report(scene: Scene, folder: Path) -> dict[str, object]:
    """Accuracy of the map on the right half, and how the band curves agree with the end-members."""
    from scipy.stats import spearmanr

    truth = cells(scene.abundances)
    scores = np.asarray(open_map(folder))
    half = truth.shape[2] // 2
    wanted, found = truth[:, :, half:].argmax(0), scores[:, :, half:].argmax(0)
    spectra = cells(np.asarray(scene.cube.values, np.float64) / scene.cube.scale)[:, :, half:]
    angle = np.einsum("ce,chw->ehw", unit(scene.endmembers), unit(spectra))
    curves = band_curves(folder, scene.names)
    distinct = np.abs(scene.endmembers - scene.endmembers.mean(axis=1, keepdims=True))
    return {
        "map": {
            "right half accuracy": round(float((wanted == found).mean()), 3),
            "left half accuracy": round(
                float((truth[:, :, :half].argmax(0) == scores[:, :, :half].argmax(0)).mean()), 3
            ),
            "always the commonest class": round(float(np.bincount(wanted.ravel()).max() / wanted.size), 3),
            "spectral angle to the reference end-members": round(float((angle.argmax(0) == wanted).mean()), 3),
        },
        "recall on the right half": {
            name: round(float((found == index)[wanted == index].mean()), 3) for index, name in enumerate(scene.names)
        },
        "Spearman of band curve with |end-member - mean end-member|": {
            name: round(float(spearmanr(curves[name], distinct[:, index]).statistic), 3)
            for index, name in enumerate(scene.names)
            if name in curves
        },
    }


def unit(spectra: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spectra along axis 0, of length one."""
    return np.asarray(spectra / np.linalg.norm(spectra, axis=0))


def open_map(folder: Path) -> NDArray[np.float32]:
    """The run's class scores [K, rows, columns] on the patch grid."""
    facts = json.loads((folder / "run.json").read_text())
    classes = len(facts["summary"]["mean_scores"])
    edge = [facts["summary"][name] // PATCH for name in ("lines", "samples")]
    lines = np.fromfile(folder / "scores.dat", "<f4").reshape(edge[0], classes, edge[1])
    return lines.transpose(1, 0, 2)


def band_curves(folder: Path, names: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    """B of each class that the run predicted somewhere, from curve.csv."""
    with (folder / "curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {name: f"curve {name}" for name in names if f"curve {name}" in rows[0]}
    found = {name: np.array([float(row[column] or "nan") for row in rows]) for name, column in columns.items()}
    return {name: curve for name, curve in found.items() if np.isfinite(curve).all()}


def draw(scene: Scene, folder: Path, out: Path) -> None:
    """Writes jasper-maps.png and jasper-curves.png."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from focus.runtime.cubes import quicklook

    truth, scores = cells(scene.abundances).argmax(0), open_map(folder).argmax(0)
    colours = matplotlib.colors.ListedColormap(["#2f7d32", "#2b6cb0", "#b7791f", "#4a4a4a"])
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.7), layout="constrained")
    axes[0].imshow(quicklook(scene.cube))
    for axis, image, title in zip(axes[1:3], (truth, scores), ("dominant end-member", "FOCUS"), strict=True):
        shown = axis.imshow(image, cmap=colours, vmin=-0.5, vmax=len(scene.names) - 0.5, interpolation="nearest")
        axis.set_title(title)
    figure.colorbar(shown, ax=axes[1:3], ticks=range(len(scene.names)), shrink=0.8).ax.set_yticklabels(scene.names)
    axes[3].imshow(truth != scores, cmap="Reds", interpolation="nearest")
    axes[0].set_title("Jasper Ridge")
    axes[3].set_title("where they differ")
    for axis, middle in zip(axes, (49.5, 24.5, 24.5, 24.5), strict=True):
        axis.axvline(middle, color="white" if axis is not axes[3] else "black", lw=1, ls="--")
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_xlabel("trained on | never seen")
    figure.savefig(out / "jasper-maps.png", dpi=110)
    curves = band_curves(folder, scene.names)
    wavelengths, groups = scene.cube.wavelengths_nm, band_groups(scene.cube.wavelengths_nm, 10)
    figure, grid = plt.subplots(2, 2, figsize=(11, 6), layout="constrained", sharex=True)
    for index, (name, axis) in enumerate(zip(scene.names, grid.flat, strict=True)):
        for group in groups[::2]:
            axis.axvspan(wavelengths[group.first], wavelengths[group.stop - 1], color="#eef2f6", zorder=0)
        axis.plot(wavelengths, scene.endmembers[:, index], color="#777", label="end-member reflectance (left axis)")
        axis.plot([], color="#c2410c", label="band curve B")
        axis.set_title(name if name in curves else f"{name}: predicted nowhere")
        axis.set_ylim(0)
        if name in curves:
            other = axis.twinx()
            other.plot(wavelengths, curves[name], color="#c2410c")
            other.set_ylim(0)
            other.set_yticks([])
    for axis in grid[1]:
        axis.set_xlabel("wavelength, nm")
    figure.legend(*grid.flat[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    figure.savefig(out / "jasper-curves.png", dpi=110)


if __name__ == "__main__":
    sys.exit(main())
