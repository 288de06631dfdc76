"""How much of the maps is the contrast that a patch's spectrum makes, whatever network looks at it.

T = P w D weighs what a network attends to (P, w) with D = |(I - U^T U)(x^ - r)|, whose U and r are measured on training
windows. Here others get it, too, and it stands alone. No training and no pass: all is made of what a study keeps.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from focus.exporter.data import WindowSet, open_windows
from focus.exporter.evaluate import MODEL, Cache, samples_of
from focus.exporter.evaluate._contract import Sample
from focus.exporter.evaluate._removed import network_inputs
from focus.exporter.metrics import average_precision, band_overlap, matched_iou
from focus.exporter.model import load_checkpoint
from focus.exporter.study import read_plan
from focus.exporter.study._plan import Data
from focus.runtime import Bundle, FocusError
from focus.runtime.commands import CommandParser, command_parser, run_command

DESCRIPTION = (
    "Gives FOCUS' contrast to the heatmaps of other methods, and lets it stand alone, on the runs of a study; shows "
    "FOCUS' own maps class by class, too."
)

#: Heatmaps without a spectral axis, of the adapted ViT.
OTHERS = ("chefer", "rollout", "grad-cam", "layer-cam")

ALONE, WEIGHTS = "no network: contrast to the window's median", "no place: w of the predicted class"

#: Name of a row -> map of the patches or None, and score of the bands.
Rows = dict[str, tuple[NDArray[Any] | None, NDArray[Any]]]


def main(argv: list[str] | None = None) -> int:
    """Runs the command; see ``--help``."""
    return run_command("benchmarks/contrast.py", lambda: _run(_parser().parse_args(argv)))


def _parser() -> CommandParser:
    parser = command_parser("benchmarks/contrast.py", DESCRIPTION)
    parser.add_argument("study", type=Path, metavar="DIR", help="of focus-eval study, with networks/ and data/")
    parser.add_argument("--where", default="full, classification", help="of the benchmark (default: %(default)s)")
    return parser


def _run(args: argparse.Namespace) -> int:
    found: dict[str, dict[tuple[int, int], NDArray[Any]]] = {}
    for place, ours, theirs in _pairs(args.study, args.where):
        figures: dict[str, list[tuple[float, ...]]] = {}
        for name, row in _measured(args.study, ours, theirs):
            figures.setdefault(name, []).append(row)
        for name, rows in figures.items():
            of_figures = (column[np.isfinite(column)] for column in np.array(rows).T)
            found.setdefault(name, {})[place] = np.array([part.mean() if part.size else np.nan for part in of_figures])
    if not found:
        raise FocusError(f"{args.study} has no finished runs of focus and adapted-vit on {args.where!r}")
    table = Table("maps", "AUPRC", "IoU in the leaf", "BIO@5", "BIO@20", title=_title(found))
    for name, runs in sorted(found.items(), key=lambda row: row[0].startswith(f"{MODEL}, ")):
        splits = sorted({split for _, split in runs})
        means = np.mean([np.mean([row for (_, of), row in runs.items() if of == split], 0) for split in splits], 0)
        table.add_row(name, *("-" if np.isnan(value) else f"{value:.3f}" for value in means))
    Console().print(table)
    return 0


def _title(found: dict[str, dict[tuple[int, int], NDArray[Any]]]) -> str:
    places = next(iter(found.values()))
    return f"mean of {len({split for _, split in places})} splits, {len(places)} runs"


def _pairs(study: Path, where: str) -> Iterator[tuple[tuple[int, int], dict[str, Any], dict[str, Any]]]:
    """Seed and split, and the entries of both networks, where both are finished."""
    entries = [one for one in read_plan(study)["entries"] if (one["table"], one["group"]) == ("benchmark", where)]
    of_row = {
        row: {(one["seed"], one["split"]): one for one in entries if one["row"] == row}
        for row in ("focus", "adapted-vit")
    }
    for place, ours in of_row["focus"].items():
        theirs = of_row["adapted-vit"].get(place)
        if theirs and all((study / one["run"] / "facts.json").is_file() for one in (ours, theirs)):
            yield place, ours, theirs


def _measured(study: Path, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Rows of all scored windows of a run: AUPRC, IoU in the leaf, BIO@5, BIO@20."""
    checkpoint = study / ours["trainings"][0] / "model.pt"
    if not checkpoint.is_file():
        raise FocusError(f"{study} no longer has its networks; make its runs again")
    bundle = load_checkpoint(checkpoint)[1]
    settings = Cache(study / ours["run"]).settings()
    windows = _windows(study, bundle, Data(**settings["run"]["training"]["data"]))
    of_ours, of_theirs = Cache(study / ours["run"]), Cache(study / theirs["run"])
    for sample in samples_of(windows):
        mine, other = of_ours.load(sample.number), of_theirs.load(sample.number)
        if mine is None or other is None:
            raise FocusError(f"{study} no longer has the maps of its windows; make its runs again")
        if mine.facts["scored"]:
            rows = {name: _scores(sample, *maps) for name, maps in _rows(bundle, sample, mine, other).items()}
            yield from rows.items()
            yield f"{MODEL}, {bundle.class_names[sample.label]}", rows[MODEL]


def _windows(study: Path, bundle: Bundle, data: Data) -> WindowSet:
    return open_windows(data.spec, bundle.backbone.patch, bundle.window, data.split, cache=study / "data", workers=0)


def _rows(bundle: Bundle, sample: Sample, mine: Any, other: Any) -> Rows:
    spectra = network_inputs(bundle, sample.band_means, sample.composite)[0]
    contrast = _beyond_brightness(bundle, spectra - bundle.reference)
    weights = np.array(bundle.reading.band_share)[mine.facts["answers"][MODEL]["shown"]]
    rows: Rows = {MODEL: (mine.heatmaps[0], mine.curves[0])}
    own = {name: (other.heatmaps[i], other.curves[i]) for i, name in enumerate(other.facts["names"]) if name in OTHERS}
    for name in OTHERS:
        heatmap, curve = own[name]
        product = heatmap[:, None] * contrast
        rows[name] = heatmap, curve
        rows[f"{name} x D"] = product.sum(axis=1), product.max(axis=0)
    alone = _beyond_brightness(bundle, spectra - np.median(spectra, axis=0))
    return {**rows, ALONE: (alone.sum(axis=1), alone.max(axis=0)), WEIGHTS: (None, weights)}


def _beyond_brightness(bundle: Bundle, difference: NDArray[Any]) -> NDArray[Any]:
    """|(I - U^T U) d|, [N, C]."""
    found: NDArray[Any] = np.abs(difference - difference @ bundle.brightness.T @ bundle.brightness)
    return found


def _scores(sample: Sample, heatmap: NDArray[Any] | None, curve: NDArray[Any]) -> tuple[float, ...]:
    bands = tuple(band_overlap(curve.astype(np.float32), sample.informative, k) for k in (5, 20))
    if heatmap is None:
        return np.nan, np.nan, *bands
    leaf, lesion = sample.leaf, sample.lesion
    inside = np.nan if lesion[leaf].all() else matched_iou(heatmap[leaf].astype(np.float32), lesion[leaf])
    return average_precision(heatmap.astype(np.float32), lesion), inside, *bands


if __name__ == "__main__":
    sys.exit(main())
