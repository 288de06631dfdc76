"""Everything that is measured on one window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.exporter.evaluate._contract import Array, Network, Sample
from focus.exporter.evaluate._maps import edge_maps, heatmaps_of_blocks, maps_of_answer, random_maps
from focus.exporter.evaluate._removed import UNITS, faithfulness, network_inputs, whole_and_empty
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

#: k of BIO@k.
TOPS = (5, 10, 20)

#: The model's own maps, and the controls that every model has.
MODEL, EDGES, RANDOM = "FOCUS", "edge map", "random map"


@dataclass(frozen=True)
class Networks:
    """The model, and the same network without what it learnt.

    Attributes:
        model: what is evaluated.
        controls: name -> network whose maps are compared with the model's, as a method of its own.
        sanity: name -> network whose maps should be others than the model's.
    """

    model: Network
    controls: Mapping[str, Network] = field(default_factory=dict)
    sanity: Mapping[str, Network] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class WindowResult:
    """What was measured on a window.

    Attributes:
        facts: JSON values: label, predicted, model (attention, sanity), and for a lesioned window with a half-lesioned
            patch also chance and methods; see ``measure_window``.
        heatmaps: float32 [methods, N]; curves: float32 [methods, C]; of the methods in ``facts["names"]``.
        composite: float32 [3, H, W], reflectance.
        lesion: bool [N]; informative: float32 [C].
    """

    facts: dict[str, Any]
    heatmaps: Array
    curves: Array
    composite: Array
    lesion: NDArray[np.bool_]
    informative: Array


def measure_window(networks: Networks, sample: Sample, seed: int) -> WindowResult:
    """Reads a window, makes the maps of its predicted class by every method, and holds them against the truth.

    Args:
        seed: of random map, imputation noise and broken ties; drawn anew for each window.
    """
    bundle = networks.model.bundle
    spectra, composite = network_inputs(bundle, sample.band_means, sample.composite)
    inputs = spectra[None], composite[None]
    answer = networks.model.read(*inputs)
    shown = int(answer.logits[0].argmax())
    own = maps_of_answer(answer, bundle, 0, shown, spectra)
    others = {
        name: maps_of_answer(network.read(*inputs), network.bundle, 0, shown, spectra)
        for name, network in {**networks.controls, **networks.sanity}.items()
    }
    methods = {
        MODEL: own,
        **{name: others[name] for name in networks.controls},
        EDGES: edge_maps(spectra, (bundle.backbone.rows, bundle.backbone.columns)),
        RANDOM: random_maps(np.random.default_rng([seed, sample.number]), bundle.bands, bundle.patches),
    }
    consistency, flat = sink_consistency(heatmaps_of_blocks(answer, bundle, 0, shown, spectra) or [own.heatmap])
    facts: dict[str, Any] = {
        "number": sample.number,
        "label": sample.label,
        "predicted": shown,
        "logits": answer.logits[0].tolist(),
        "lesioned": bool(sample.informative.any()),
        "scored": bool(sample.informative.any() and sample.lesion.any()),
        "names": list(methods),
        "attention": {
            "sink_shown": float(answer.sink[0, :, shown].mean()),
            "sink_others": None if answer.other_sink is None else float(answer.other_sink[0, :, shown].mean()),
            "collapse": collapse(answer.attention[0, :, shown]),
            "sink_consistency": consistency,
            "flat_blocks": flat,
        },
        "sanity": {
            name: {"M": spearman(own.heatmap, found.heatmap), "B": spearman(own.curve, found.curve)}
            for name, found in others.items()
        },
    }
    if facts["scored"]:
        facts["chance"] = _chance(sample, bundle.wavelengths)
        ends = whole_and_empty(networks.model, sample, shown)
        facts["methods"] = {
            name: _against_truth(maps, sample, bundle.wavelengths)
            | _removals(networks.model, sample, maps, shown, ends, seed)
            for name, maps in methods.items()
        }
    return WindowResult(
        facts,
        np.stack([maps.heatmap for maps in methods.values()]),
        np.stack([maps.curve for maps in methods.values()]),
        sample.composite,
        sample.lesion,
        sample.informative,
    )


def _against_truth(maps: Saliency, sample: Sample, wavelengths: NDArray[np.float64]) -> dict[str, float]:
    heatmap, curve, leaf, lesion = maps.heatmap, maps.curve, sample.leaf, sample.lesion
    found = {
        "iou": matched_iou(heatmap, lesion),
        "iou_leaf": matched_iou(heatmap[leaf], lesion[leaf]),
        "iou_otsu": otsu_iou(heatmap[leaf], lesion[leaf]),
        "auprc": average_precision(heatmap, lesion),
        "pointing": pointing(heatmap, lesion),
    }
    for k in _tops(curve.size):
        found[f"bio_{k}"] = band_overlap(curve, sample.informative, k)
        found[f"bio_near_{k}"] = near_overlap(curve, sample.informative, wavelengths, k)
    return found


def _removals(
    network: Network, sample: Sample, maps: Saliency, shown: int, ends: tuple[float, float], seed: int
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
