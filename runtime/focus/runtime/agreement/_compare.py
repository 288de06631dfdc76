"""How far a coarser model (INT8, or a plan built for a GPU) says and shows what the exact one does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.runtime import Bundle
from focus.runtime._ranks import spearman
from focus.runtime.agreement._windows import UNKNOWN, NetInput
from focus.runtime.engines import Engine
from focus.runtime.pipeline import explain

#: How many bands count as the top ones.
TOP = 5


class _Reading(NamedTuple):
    """float32 [K] logits, M [N] and B [C] of one window."""

    logits: NDArray[np.float32]
    heatmap: NDArray[np.float32]
    curve: NDArray[np.float32]


@dataclass(frozen=True)
class Comparison:
    """The coarse model against the exact one on the same windows. The maps of both are of the class that the exact one
    predicts.

    Attributes:
        windows: how many.
        agreement: share of the windows with the same predicted class; for regression 1 - mean |difference| / the
            target's deviation.
        labelled: windows whose class is known.
        accuracy: the exact model's and the coarse one's on those; None where there are none.
        spearman, spearman_worst: rank correlation of M over the valid patches, mean and least.
        flat: windows whose M is constant, left out of the two.
        top, top_worst: share of the five top bands of B that are the same, mean and least.
        logit_difference: largest difference of a logit, as a share of the exact model's largest absolute logit.
    """

    windows: int
    agreement: float
    labelled: int
    accuracy: tuple[float, float] | None
    spearman: float
    spearman_worst: float
    flat: int
    top: float
    top_worst: float
    logit_difference: float


def compare(
    exact: Engine, coarse: Engine, windows: Sequence[NetInput], progress: Callable[[int], None] | None = None
) -> Comparison:
    """Runs both on every window.

    Args:
        exact: the one to agree with, entered.
        coarse: the other, entered.
        windows: none that an INT8 model was calibrated on.
        progress: called with the number of windows done.
    """
    bundle = exact.bundle
    pairs = []
    for done, window in enumerate(windows, start=1):
        shown = _shown(exact, window)
        pairs.append((_read(exact, window, shown), _read(coarse, window, shown)))
        if progress is not None:
            progress(done)
    labels = np.array([window.label for window in windows])
    said = np.array([[int(np.argmax(reading.logits)) for reading in pair] for pair in pairs])
    known = labels != UNKNOWN
    hits = (said[known] == labels[known, None]).mean(axis=0) if known.any() else None
    ranks = [
        spearman(one.heatmap[window.valid], other.heatmap[window.valid])
        for window, (one, other) in zip(windows, pairs, strict=True)
    ]
    curved = [rank for rank in ranks if rank is not None] or [0.0]
    tops = [len(_top(one.curve) & _top(other.curve)) / min(TOP, bundle.bands) for one, other in pairs]
    return Comparison(
        windows=len(pairs),
        agreement=_agreement(bundle, pairs, said),
        labelled=int(known.sum()),
        accuracy=None if hits is None else (float(hits[0]), float(hits[1])),
        spearman=float(np.mean(curved)),
        spearman_worst=float(np.min(curved)),
        flat=ranks.count(None),
        top=float(np.mean(tops)),
        top_worst=float(np.min(tops)),
        logit_difference=_logit_difference(pairs),
    )


def _shown(engine: Engine, window: NetInput) -> int:
    """The predicted class; for regression the first target."""
    if engine.bundle.task == "regression":
        return 0
    return int(np.argmax(engine.infer(window.band_means[None], window.composite[None]).logits[0]))


def _read(engine: Engine, window: NetInput, shown: int) -> _Reading:
    bundle = engine.bundle
    outputs = engine.infer(window.band_means[None], window.composite[None])
    means = np.where(window.valid[:, None], window.band_means, np.float32(0))
    maps = explain(bundle, outputs.attention[0, :, shown], means, shown)
    return _Reading(outputs.logits[0], maps.heatmap, maps.curve)


def _agreement(bundle: Bundle, pairs: list[tuple[_Reading, _Reading]], said: NDArray[np.int64]) -> float:
    if bundle.task == "classification":
        return float((said[:, 0] == said[:, 1]).mean())
    # Regression logits are in units of the target's deviation.
    apart = np.mean([np.abs(one.logits - other.logits).mean() for one, other in pairs])
    return float(1.0 - apart)


def _logit_difference(pairs: list[tuple[_Reading, _Reading]]) -> float:
    apart = np.max([np.abs(one.logits - other.logits).max() for one, other in pairs])
    return float(apart / max(np.max([np.abs(one.logits).max() for one, _ in pairs]), 1e-12))


def _top(curve: NDArray[np.float32]) -> set[int]:
    return set(np.argsort(-curve, kind="stable")[:TOP].tolist())
