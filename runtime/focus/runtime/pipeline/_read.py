"""One window through the network and back as maps."""

from __future__ import annotations

import numpy as np

from focus.kernels import saliency
from focus.runtime._bundle import Bundle
from focus.runtime.engines import Engine
from focus.runtime.pipeline._data import Array, Reading, Window


def shown_index(bundle: Bundle, name: str | None) -> int | None:
    """Index of the class or target asked for; None for the predicted one.

    Raises:
        ValueError: the model has no such class.
    """
    if name is None:
        return 0 if bundle.task == "regression" else None
    if name not in bundle.class_names:
        kind = "target" if bundle.task == "regression" else "class"
        raise ValueError(f"model {bundle.name} has no {kind} {name!r}; it has {', '.join(bundle.class_names)}")
    return bundle.class_names.index(name)


def scores_from_logits(logits: Array, bundle: Bundle) -> Array:
    """float32 [K]: softmax for classes; logit * deviation + mean for regression targets."""
    wide = logits.astype(np.float64)
    if bundle.task == "regression":
        deviation, mean = (np.array([getattr(t, name) for t in bundle.targets]) for name in ("deviation", "mean"))
        return np.asarray(wide * deviation + mean, np.float32)
    exponent = np.exp(wide - wide.max())
    return np.asarray(exponent / exponent.sum(), np.float32)


def read_window(engine: Engine, window: Window, shown: int | None, with_cube: bool) -> Reading:
    """Runs the network on a window and makes its maps.

    Masked patches are read by the network as they were filled; in the maps their saliency is 0.

    Args:
        engine: entered.
        window: see ``Window``.
        shown: index of the class whose maps are wanted; None takes the predicted class.
        with_cube: whether T is wanted.
    """
    bundle = engine.bundle
    backbone = bundle.backbone
    mean, deviation = (
        np.array(values, np.float32)[:, None, None]
        for values in (backbone.composite_mean, backbone.composite_deviation)
    )
    outputs = engine.infer(window.standardised[None], (((window.composite - mean) / deviation)[None]))
    scores = scores_from_logits(outputs.logits[0], bundle)
    predicted = int(np.argmax(scores)) if bundle.task == "classification" else None
    chosen = shown if shown is not None else predicted or 0
    attention = outputs.attention[0, :, chosen]
    standardised = np.where(window.valid_share[:, None] > 0, window.standardised, np.float32(0))
    maps = saliency(attention, standardised, bundle.band_weight[chosen], bundle.group_of_band, with_cube=with_cube)
    to_patches = attention.mean(axis=(0, 1), dtype=np.float64)
    return Reading(
        window,
        scores,
        predicted,
        chosen,
        maps.heatmap,
        maps.curve,
        maps.cube,
        float(outputs.sink_mass[0, :, chosen].mean(dtype=np.float64)),
        float(1.0 - to_patches.sum() + to_patches.max()),
    )
