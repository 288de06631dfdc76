"""Windows with some of their patches, bands or voxels removed, as the network would read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from focus.exporter.evaluate._contract import Array, Explainer, Sample
from focus.exporter.metrics import area, from_neighbours, removed_steps
from focus.kernels import Saliency, standardise
from focus.runtime import Bundle
from focus.runtime.pipeline._read import scores_from_logits

#: What is removed: whole patches by M, bands of all patches by B, single (patch, band) by T.
Unit = Literal["patches", "bands", "voxels"]
UNITS: tuple[Unit, ...] = get_args(Unit)

#: Noise of imputed patches, as a share of each band's deviation over the training set.
NOISE = 0.1


class Faithfulness(NamedTuple):
    """Areas under the score of the explained class or target, see ``whole_and_empty``."""

    deletion: float
    insertion: float


def network_inputs(bundle: Bundle, band_means: Array, composite: Array) -> tuple[Array, Array]:
    """x^ float32 [..., N, C] and the normalised composite float32 [..., 3, H, W]."""
    mean, deviation = (
        np.array(values, np.float32)[:, None, None]
        for values in (bundle.backbone.composite_mean, bundle.backbone.composite_deviation)
    )
    spectra = standardise(band_means, np.array(bundle.mean), np.array(bundle.deviation))
    return spectra, (composite - mean) / deviation


class Ends(NamedTuple):
    """The explained output with nothing removed, and with every patch at the training set's mean spectrum.

    For a class its probability; for a regression target the network's standardised output.
    """

    whole: float
    empty: float


def whole_and_empty(network: Explainer, sample: Sample, shown: int) -> Ends:
    """Where the scores of a window begin and end."""
    nothing = np.zeros(sample.band_means.shape, bool)
    inputs = [
        without(sample, network.bundle, removed, "voxels", np.random.default_rng(0)) for removed in (nothing, ~nothing)
    ]
    whole, empty = _outputs(network, inputs, shown)
    return Ends(float(whole), float(empty))


def faithfulness(
    network: Explainer,
    sample: Sample,
    maps: Saliency,
    shown: int,
    unit: Unit,
    ends: Ends,
    rng: np.random.Generator,
) -> Faithfulness:
    """Removes and gives back what a map holds most important, and watches the score of the shown class or target.

    The score is the probability of the class. For a target it is (f(x) - f(empty)) sign(f(whole) - f(empty)), f the
    standardised output: how far, in deviations of the target, the answer still is from that of a window without any
    spectrum, on its side of it. Not divided by its value for the whole window, which may be about zero.

    Patches are imputed from their neighbours with noise (``from_neighbours``), bands and voxels by the mean spectrum of
    the training set; nothing becomes zero reflectance.

    Args:
        ends: from ``whole_and_empty``.
    Raises:
        ValueError: maps without T.
    """
    if maps.cube is None:
        raise ValueError("the maps need their cube T; make them with_cube=True")
    importance = {"patches": maps.heatmap, "bands": maps.curve, "voxels": maps.cube.T}[unit]
    deletion, insertion = removed_steps(importance)
    inputs = [without(sample, network.bundle, _spread(mask, unit, sample), unit, rng) for mask in deletion + insertion]
    outputs = _outputs(network, inputs, shown)
    whole, *scores, empty = _scores(np.array([ends.whole, *outputs, ends.empty]), network.bundle)
    return Faithfulness(
        area(np.array([whole, *scores[: len(deletion)], empty])),
        area(np.array([empty, *scores[len(deletion) :], whole])),
    )


def without(
    sample: Sample, bundle: Bundle, removed: NDArray[np.bool_], unit: Unit, rng: np.random.Generator
) -> tuple[Array, Array]:
    """What the network reads of a window of which something is removed.

    Args:
        removed: bool [N, C].
    Returns: x^ [N, C] and the normalised composite [3, H, W].
    """
    grid = bundle.backbone.rows, bundle.backbone.columns
    imputed = np.broadcast_to(np.array(bundle.mean), removed.shape)
    patches = np.asarray(removed.all(axis=1))
    if unit == "patches" and not patches.all():
        noise = NOISE * np.array(bundle.deviation) * rng.standard_normal(removed.shape)
        imputed = from_neighbours(sample.band_means, patches, grid) + noise
    means = np.where(removed, imputed, sample.band_means).astype(np.float32)
    return network_inputs(bundle, means, _composite_without(sample, bundle, removed, means))


def _composite_without(sample: Sample, bundle: Bundle, removed: NDArray[np.bool_], means: Array) -> Array:
    """The composite of the changed window. It is linear in the bands: it moves by what its patch's band means move,
    and of the detail within a patch there stays the share of the weights that stays.
    """
    weights, backbone = np.array(bundle.composite_weights), bundle.backbone
    shift = (means - sample.band_means) @ weights.T
    kept = (~removed @ weights.T) / weights.sum(axis=1)
    blocks = sample.composite.reshape(3, backbone.rows, backbone.patch, backbone.columns, backbone.patch)
    level = blocks.mean(axis=(2, 4), keepdims=True)
    of_patch = (3, backbone.rows, 1, backbone.columns, 1)
    changed = level + shift.T.reshape(of_patch) + kept.T.reshape(of_patch) * (blocks - level)
    return changed.reshape(sample.composite.shape).astype(np.float32)


def _spread(mask: NDArray[np.bool_], unit: Unit, sample: Sample) -> NDArray[np.bool_]:
    """[N, C] of a mask over patches, bands or voxels."""
    shape = sample.band_means.shape
    return np.broadcast_to(mask[:, None] if unit == "patches" else mask, shape)


def _outputs(network: Explainer, inputs: Sequence[tuple[Array, Array]], shown: int) -> NDArray[np.float64]:
    """Probability of the shown class, or standardised output of the shown target, for each of some windows."""
    logits = network.watch(*(np.stack(part) for part in zip(*inputs, strict=True)))
    if network.bundle.task == "regression":
        return logits[:, shown].astype(np.float64)
    return np.array([scores_from_logits(row, network.bundle)[shown] for row in logits], np.float64)


def _scores(outputs: NDArray[np.float64], bundle: Bundle) -> NDArray[np.float64]:
    """Scores of outputs that begin with the whole window's and end with the empty one's."""
    if bundle.task == "classification":
        return outputs
    return (outputs - outputs[-1]) * np.sign(outputs[0] - outputs[-1])
