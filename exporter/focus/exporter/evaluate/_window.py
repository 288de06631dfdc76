"""Everything that is measured on one window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.exporter.evaluate._contract import Array, Explainer, FocusNetwork, Sample
from focus.exporter.evaluate._removed import UNITS, Ends, faithfulness, network_inputs, whole_and_empty
from focus.exporter.metrics import (
    average_precision,
    band_overlap,
    collapse,
    matched_iou,
    near_overlap,
    otsu_iou,
    pointing,
    random_near_overlap,
    random_overlap,
    sink_consistency,
    spearman,
)
from focus.kernels import Saliency
from focus.runtime.pipeline import explain

#: k of BIO@k.
TOPS = (5, 10, 20)

#: T, M and B, in ``Saliency``.
OWN_MAPS = {"T": "cube", "M": "heatmap", "B": "curve"}

#: The model's own maps, and the controls that every model has.
MODEL, EDGES, RANDOM = "FOCUS", "edge map", "random map"


@dataclass(frozen=True, eq=False)
class WindowResult:
    """What was measured on a window.

    Attributes:
        facts: JSON values: label, values, and by the name of the explainer answers, attention and sanity; for a
            lesioned window with a half-lesioned patch also chance and methods; see ``measure_window``.
        heatmaps: float32 [methods, N]; curves: float32 [methods, C]; of the methods in ``facts["names"]``. Where there
            is no truth to hold them against, of the first one alone; the others are nan.
        composite: float32 [3, H, W], reflectance.
        lesion: bool [N]; informative: float32 [C].
    """

    facts: dict[str, Any]
    heatmaps: Array
    curves: Array
    composite: Array
    lesion: NDArray[np.bool_]
    informative: Array


def measure_window(
    explainers: Mapping[str, Explainer],
    sample: Sample,
    seed: int,
    sanity: Mapping[str, Explainer] | None = None,
    *,
    removal: bool = True,
) -> WindowResult:
    """Reads a window with every network, makes the maps of the class that it predicts (of a regression: of the
    sample's target), and holds them against the truth.

    Args:
        explainers: by their name, at least one.
        sample: the window.
        seed: of imputation noise; drawn anew for each window.
        sanity: networks whose maps should be others than the first explainer's, for its class.
        removal: whether deletion and insertion are measured: some forty passes an explainer.
    """
    bundle = next(iter(explainers.values())).bundle
    inputs = {name: network_inputs(one.bundle, sample.band_means, sample.composite) for name, one in explainers.items()}
    scored = bool(sample.informative.any() and sample.lesion.any())
    answers: dict[str, dict[str, Any]] = {}
    maps: dict[str, Saliency] = {}
    for name, explainer in explainers.items():
        spectra, composite = inputs[name]
        logits = explainer.read(spectra[None], composite[None])[0]
        shown = int(logits.argmax()) if sample.values is None else sample.label
        answers[name] = {"shown": shown, "logits": logits.tolist()}
        if scored or not maps:
            maps[name] = explainer.explain(spectra, composite, shown)
    facts: dict[str, Any] = {
        "number": sample.number,
        "label": sample.label,
        "values": None if sample.values is None else sample.values.tolist(),
        "lesioned": bool(sample.informative.any()),
        "scored": scored,
        "names": list(explainers),
        "answers": answers,
        "attention": {
            name: _attention(explainer, *inputs[name], answers[name]["shown"])
            for name, explainer in explainers.items()
            if isinstance(explainer, FocusNetwork)
        },
        "sanity": _sanity(maps, answers, sanity or {}, sample),
    }
    if scored:
        facts["chance"] = _chance(sample, bundle.wavelengths)
        facts["methods"] = {name: _against_truth(found, sample, bundle.wavelengths) for name, found in maps.items()}
    if scored and removal:
        for name, explainer in explainers.items():
            shown = answers[name]["shown"]
            ends = whole_and_empty(explainer, sample, shown)
            facts["methods"][name] |= _removals(explainer, sample, maps[name], shown, ends, seed)
    own = next(iter(maps.values()))
    return WindowResult(
        facts,
        np.stack([maps[name].heatmap if name in maps else np.full_like(own.heatmap, np.nan) for name in explainers]),
        np.stack([maps[name].curve if name in maps else np.full_like(own.curve, np.nan) for name in explainers]),
        sample.composite,
        sample.lesion,
        sample.informative,
    )


def _attention(network: FocusNetwork, spectra: Array, composite: Array, shown: int) -> dict[str, float | int | None]:
    """Where the attention of the shown class's prompts goes."""
    answer = network.answer(spectra[None], composite[None])
    blocks = answer.blocks or (answer.attention,)
    heatmaps = [explain(network.bundle, block[0, :, shown], spectra, shown).heatmap for block in blocks]
    consistency, flat = sink_consistency(heatmaps)
    return {
        "sink_shown": float(answer.sink[0, :, shown].mean()),
        "sink_others": None if answer.other_sink is None else float(answer.other_sink[0, :, shown].mean()),
        "collapse": collapse(answer.attention[0, :, shown]),
        "sink_consistency": consistency,
        "flat_blocks": flat,
    }


def _sanity(
    maps: Mapping[str, Saliency],
    answers: Mapping[str, Mapping[str, Any]],
    networks: Mapping[str, Explainer],
    sample: Sample,
) -> dict[str, dict[str, float | None]]:
    """Rank correlation of the first explainer's maps with those of other networks, for its class."""
    name = next(iter(maps))
    own, shown = maps[name], int(answers[name]["shown"])
    found = {}
    for other, network in networks.items():
        theirs = network.explain(*network_inputs(network.bundle, sample.band_means, sample.composite), shown)
        pairs = ((key, getattr(own, name), getattr(theirs, name)) for key, name in OWN_MAPS.items())
        found[other] = {key: spearman(one.ravel(), two.ravel()) for key, one, two in pairs}
    return found


def _against_truth(maps: Saliency, sample: Sample, wavelengths: NDArray[np.float64]) -> dict[str, float]:
    heatmap, curve, leaf, lesion = maps.heatmap, maps.curve, sample.leaf, sample.lesion
    found = {
        "iou": matched_iou(heatmap, lesion),
        "auprc": average_precision(heatmap, lesion),
        "pointing": pointing(heatmap, lesion),
    }
    if not lesion[leaf].all():
        # Where the whole leaf is the truth, as of a trait, there is nothing to find within it.
        found["iou_leaf"] = matched_iou(heatmap[leaf], lesion[leaf])
        found["iou_otsu"] = otsu_iou(heatmap[leaf], lesion[leaf])
    for k in _tops(curve.size):
        found[f"bio_{k}"] = band_overlap(curve, sample.informative, k)
        found[f"bio_near_{k}"] = near_overlap(curve, sample.informative, wavelengths, k)
    return found


def _removals(
    network: Explainer, sample: Sample, maps: Saliency, shown: int, ends: Ends, seed: int
) -> dict[str, float]:
    found = {}
    for number, unit in enumerate(UNITS):
        # The same noise for every method: they differ in their order alone.
        rng = np.random.default_rng([seed, sample.number, number])
        areas = faithfulness(network, sample, maps, shown, unit, ends, rng)
        found[f"deletion_{unit}"], found[f"insertion_{unit}"] = areas
        found[f"gain_{unit}"] = areas.insertion - areas.deletion
    return found


def _chance(sample: Sample, wavelengths: NDArray[np.float64]) -> dict[str, float]:
    """What a map that says nothing gets, and for BIO also what the truth itself gets."""
    truth = sample.informative
    found = {"prevalence": float(sample.lesion.mean()), "prevalence_leaf": float(sample.lesion[sample.leaf].mean())}
    for k in _tops(truth.size):
        found[f"bio_{k}"] = random_overlap(truth.size, k)
        found[f"bio_near_{k}"] = random_near_overlap(truth, wavelengths, k)
        found[f"ceiling_{k}"] = band_overlap(truth, truth, k)
        found[f"ceiling_near_{k}"] = near_overlap(truth, truth, wavelengths, k)
    return found


def _tops(bands: int) -> tuple[int, ...]:
    return tuple(k for k in TOPS if k < bands)
