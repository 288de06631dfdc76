"""Counting and timing trained networks, for Table II."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from timm.models.vision_transformer import VisionTransformer
from torch import nn

from focus.exporter.data import WindowSet
from focus.exporter.evaluate import Explainer, samples_of
from focus.exporter.evaluate._removed import network_inputs
from focus.exporter.methods import (
    COST_ONLY,
    cost_only,
    explanation_flops,
    latencies,
    plain_flops,
    prediction_flops,
    size_of,
)
from focus.runtime import Bundle

#: Windows that take turns.
WINDOWS = 4


def costs_of(
    explainers: Mapping[str, Explainer], bundle: Bundle, windows: WindowSet, backbone: VisionTransformer
) -> dict[str, dict[str, Any]]:
    """Of each way to make maps, of the plain ViT, and of networks that are compared for their cost alone.

    Args:
        explainers: those with a network of their own.
        bundle: of FOCUS, for sensor and standardisation.
    Returns: name -> trainable, frozen (parameters), prediction and maps (operations), milliseconds, ratio (to the plain
        ViT); without what does not apply.
    """
    classes = len(bundle.targets)
    inputs = [
        network_inputs(bundle, one.band_means, one.composite) for one in samples_of(windows.only("test"))[:WINDOWS]
    ]
    times = latencies(explainers, backbone, classes, inputs)
    found: dict[str, dict[str, Any]] = {
        "plain ViT": {"prediction": plain_flops(backbone, classes, inputs[0][1]), **times["plain ViT"]._asdict()}
    }
    for name, explainer in explainers.items():
        net: nn.Module = explainer.net  # type: ignore[attr-defined]
        prediction, maps = (count(explainer, *inputs[0]) for count in (prediction_flops, explanation_flops))
        found[name] = {**size_of(net)._asdict(), "prediction": prediction, "maps": maps, **times[name]._asdict()}
    for name in COST_ONLY:
        size, flops = cost_only(name, backbone, windows.bands, classes)
        found[name] = {**size._asdict(), "prediction": flops}
    return found
