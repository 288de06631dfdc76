"""One step of a study: a training, or a run. A finished step is never made again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer

from focus.exporter.bench._machine import machine_facts
from focus.exporter.data import WindowSet, open_windows
from focus.exporter.data.corruptions import corrupted
from focus.exporter.evaluate import (
    Borrowed,
    Cache,
    Sample,
    WindowResult,
    cached_results,
    evaluate,
    samples_of,
    summarise,
)
from focus.exporter.metrics import ground_share, window_share
from focus.exporter.model import create_backbone, load_weights
from focus.exporter.study._costing import costs_of
from focus.exporter.study._networks import Tell, Trained, has_network, load_network, permuted_labels, train_network
from focus.exporter.study._plan import Costing, Data, Run, Training
from focus.exporter.study._store import FACTS, METRICS, Store, read_json, write_json
from focus.runtime import Bundle

Step: TypeAlias = "Training | Run | Costing"


def folder_of(step: Step, store: Store) -> Path:
    """Where a step's results lie."""
    return store.training_folder(step) if isinstance(step, Training) else store.run_folder(step)


def is_done(step: Step, store: Store) -> bool:
    """Whether it has been made, and is still there: what a network cost may be kept without its weights."""
    folder = folder_of(step, store)
    return read_json(folder / FACTS) is not None and (not isinstance(step, Training) or has_network(folder))


def make(step: Step, store: Store, tell: Tell) -> None:
    """Makes a step whose trainings are done, or goes on with it where it was; a finished one stays as it is."""
    if is_done(step, store):
        return
    folder, started = folder_of(step, store), time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(step, Training):
        backbone = _backbone(store)
        windows = windows_of(step.data, store, backbone)
        train_network(step, windows, backbone, store.backbone.name, folder, tell)
    elif isinstance(step, Run):
        _measure(step, store, folder, tell)
    else:
        _count(step, store, folder)
    seconds = round(time.monotonic() - started, 2)
    write_json(
        folder / FACTS, {"name": step.name, "seconds": seconds, "machine": machine_facts(torch.get_num_threads())}
    )


def windows_of(data: Data, store: Store, backbone: VisionTransformer, *, intact: bool = False) -> WindowSet:
    """The windows of a training: from the study's folder, or simulated and kept there.

    Args:
        intact: a shortcut holds in the test split, too.
    """
    size, patch = store.backbone.size, backbone.patch_embed.patch_size[0]
    spec = f"{data.spec}{',intact=1' * intact}"
    windows = open_windows(spec, patch, size, data.split, cache=store.windows, workers=0)
    return permuted_labels(windows, data.split) if data.permuted else windows


def _backbone(store: Store) -> VisionTransformer:
    backbone = create_backbone(store.backbone.name, store.backbone.size)
    load_weights(backbone, store.backbone.weights)
    return backbone


def _load(
    training: Training,
    store: Store,
    windows: WindowSet,
    backbone: VisionTransformer,
    heads: str = "",
    *,
    share: bool = True,
) -> Trained:
    folders = store.training_folder(training), store.training_folder(training.of_focus)
    return load_network(training, *folders, windows, backbone, heads, share=share)


def _measure(run: Run, store: Store, folder: Path, tell: Tell) -> None:
    backbone = _backbone(store)
    windows = windows_of(run.training.data, store, backbone)
    trained = _load(run.training, store, windows, backbone, run.heads)
    explainers = {name: trained.explainers[name] for name in run.explainers or trained.explainers}
    sanity = dict(trained.sanity) if not run.corruption and not run.heads else {}
    if run.against is not None:
        other = _load(run.against, store, windows, backbone)
        sanity["permuted labels"] = next(iter(other.explainers.values()))
    if run.corruption:
        windows = corrupted(windows.only("test"), run.corruption, run.severity, run.training.data.split)
    if run.intact:
        windows = windows_of(run.training.data, store, backbone, intact=True)
    samples = samples_of(windows)
    cache = Cache(folder)
    cache.claim({"run": run.to_json()})
    evaluate(
        explainers,
        samples,
        cache,
        run.training.settings.seed,
        sanity,
        lambda done, total: tell(done, total, f"window {done}/{total}"),
        run.removals,
    )
    results = cached_results(cache, len(samples))
    found = summarise(results, {"run": run.to_json()}, trained.bundle.targets)
    found |= {"by_window": _by_window(results), "window": _shape(trained.bundle)}
    if run.training.data.spurious is not None:
        found["shortcut"] = _shortcut(results, samples, trained.bundle, run.training.data.spurious)
    write_json(folder / METRICS, found)


def _count(costing: Costing, store: Store, folder: Path) -> None:
    backbone = _backbone(store)
    windows = windows_of(costing.trainings[0].data, store, backbone)
    trained = [_load(training, store, windows, backbone, share=False) for training in costing.trainings]
    explainers = {
        name: one for part in trained for name, one in part.explainers.items() if not isinstance(one, Borrowed)
    }
    write_json(folder / METRICS, {"costs": costs_of(explainers, trained[0].bundle, windows, backbone)})


def _by_window(results: Sequence[WindowResult]) -> dict[str, dict[str, list[float | None]]]:
    """Every figure of every scored window, in their order: name of the map -> figure -> values."""
    scored = [result.facts for result in results if result.facts["scored"]]
    found: dict[str, dict[str, list[float | None]]] = {}
    for name in scored[0]["names"] if scored else []:
        rows = [facts["methods"][name] for facts in scored]
        keys = dict.fromkeys(key for row in rows for key in row)
        found[name] = {key: [_rounded(row.get(key)) for row in rows] for key in keys}
    return found


def _shortcut(
    results: Sequence[WindowResult], samples: Sequence[Sample], bundle: Bundle, centre_nm: float
) -> dict[str, dict[str, float]]:
    """Of each map the mean share of M on the ground and of B at the shortcut, and those of a flat map."""
    wavelengths, found = bundle.wavelengths, {}
    for row, name in enumerate(results[0].facts["names"]):
        ground = [ground_share(one.heatmaps[row], sample.leaf) for one, sample in zip(results, samples, strict=True)]
        band = [window_share(one.curves[row], wavelengths, centre_nm) for one in results]
        found[name] = {"ground": float(np.nanmean(ground)), "band": float(np.nanmean(band))}
    flat = np.mean([ground_share(np.ones(sample.leaf.size), sample.leaf) for sample in samples])
    found["flat map"] = {"ground": float(flat), "band": window_share(np.ones(bundle.bands), wavelengths, centre_nm)}
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def _shape(bundle: Bundle) -> dict[str, Any]:
    """What is needed to draw a window's maps."""
    return {
        "classes": list(bundle.class_names),
        "grid": [bundle.backbone.rows, bundle.backbone.columns],
        "patch": bundle.backbone.patch,
        "wavelengths_nm": list(bundle.wavelengths_nm),
    }
