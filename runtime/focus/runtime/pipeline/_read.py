"""Windows through the network and back as maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from focus.kernels import Saliency, contrast, saliency
from focus.runtime._bundle import Backbone, Bundle
from focus.runtime.engines import Engine, Outputs
from focus.runtime.pipeline._data import Array, Cut, Reading, Window


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


def read_windows(engine: Engine, cuts: Sequence[Cut], shown: int | None, with_cube: bool) -> list[Reading]:
    """Runs the network on some windows at once and makes their maps.

    Patches without a valid sample are read by the network as they were filled; in the maps their saliency is 0.

    Args:
        engine: entered.
        cuts: see ``Cut``; as many as the engine's batch, or fewer.
        shown: index of the class whose maps are wanted; None takes each window's predicted class.
        with_cube: whether T is wanted.
    """
    backbone = engine.bundle.backbone
    mean, deviation = (
        np.array(values, np.float32)[:, None, None]
        for values in (backbone.composite_mean, backbone.composite_deviation)
    )
    composites = np.stack([_composite(cut, backbone) for cut in cuts])
    composites -= mean
    composites /= deviation
    standardised = np.stack([_standardised(cut, backbone) for cut in cuts])
    outputs = engine.infer(standardised, composites)
    return [
        _reading(engine.bundle, cut.window, spectra, Outputs(*(part[index] for part in outputs)), shown, with_cube)
        for index, (cut, spectra) in enumerate(zip(cuts, standardised, strict=True))
    ]


def _standardised(cut: Cut, backbone: Backbone) -> Array:
    """float32 [N, C], x^."""
    across = slice(cut.window.first_column, cut.window.first_column + backbone.columns)
    return np.concatenate([row.held[across] for row in cut.rows])


def _composite(cut: Cut, backbone: Backbone) -> Array:
    """float32 [3, H, W], reflectance."""
    across = slice(cut.window.first_sample, cut.window.first_sample + backbone.columns * backbone.patch)
    return np.concatenate([row.composite[:, :, across] for row in cut.rows], axis=1)


def _reading(
    bundle: Bundle, window: Window, standardised: Array, outputs: Outputs, shown: int | None, with_cube: bool
) -> Reading:
    """One window's scores and maps; ``outputs`` without the batch's axis."""
    scores = scores_from_logits(outputs.logits, bundle)
    predicted = int(np.argmax(scores)) if bundle.task == "classification" else None
    chosen = shown if shown is not None else predicted or 0
    attention = outputs.attention[:, chosen]
    if not window.valid_share.all():
        standardised = np.where(window.valid_share[:, None] > 0, standardised, np.float32(0))
    maps = explain(bundle, attention, standardised, chosen, with_cube=with_cube)
    return Reading(
        window,
        scores,
        predicted,
        chosen,
        maps.heatmap,
        maps.curve,
        maps.cube,
        float(outputs.sink_mass[:, chosen].mean(dtype=np.float64)),
        collapse_of(attention),
        standardised,
    )


def explain(bundle: Bundle, attention: Array, standardised: Array, shown: int, *, with_cube: bool = False) -> Saliency:
    """The maps of one class of a window.

    Args:
        attention: float32 [H*, G, N], of the shown class.
        standardised: float32 [N, C], x^.
        shown: the class.
        with_cube: whether T is wanted.
    """
    return saliency(
        attention,
        contrast(standardised, bundle.reference, bundle.brightness),
        bundle.band_weight[shown],
        bundle.group_share[shown],
        with_cube=with_cube,
    )


def collapse_of(attention: Array) -> float:
    """1 - sum_i A_i + max_i A_i: 1 where all attention is off the patches or on a single one of them.

    Args:
        attention: float32 [H*, G, N], one class's attention to the patches; A is its mean over heads and groups.
    """
    to_patches = attention.mean(axis=(0, 1), dtype=np.float64)
    return float(1.0 - to_patches.sum() + to_patches.max())
