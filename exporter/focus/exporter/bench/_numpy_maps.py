"""docs/method.md in plain NumPy: the reference that every row is held to, and what ``naive_ort`` is made of."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.runtime import Bundle

Array = NDArray[Any]


class Inputs(NamedTuple):
    """What the network reads: standardised band means [N, C] and normalised composite [3, H, W]."""

    band_means: Array
    composite: Array


def reflectance(raw: Array, dark: Array, gain: Array) -> Array:
    """Raw counts [H, C, W] to a cube [C, H, W] in the dtype of ``gain``; dark and gain are [C, W]."""
    return np.ascontiguousarray(((raw - dark) * gain).transpose(1, 0, 2))


def inputs_from_cube(cube: Array, bundle: Bundle) -> Inputs:
    """Band means and composite of a reflectance cube [C, H, W], in its dtype."""
    kind, backbone = cube.dtype, bundle.backbone
    bands, patch = len(cube), backbone.patch
    means = cube.reshape(bands, backbone.rows, patch, backbone.columns, patch).mean(axis=(2, 4))
    mean, deviation = (np.array(values, kind) for values in (bundle.mean, bundle.deviation))
    composite = np.tensordot(np.array(bundle.composite_weights, kind), cube, axes=1)
    centre, spread = (np.array(v, kind)[:, None, None] for v in (backbone.composite_mean, backbone.composite_deviation))
    return Inputs((means.reshape(bands, -1).T - mean) / deviation, (composite - centre) / spread)


def scores_from_logits(logits: Array) -> Array:
    """Softmax of [K]."""
    exponent = np.exp(logits - logits.max())
    return np.asarray(exponent / exponent.sum())


def maps_from_attention(attention: Array, band_means: Array, bundle: Bundle, shown: int) -> tuple[Array, Array]:
    """M [N] and B [C], Eqs. (5) and (6).

    Args:
        attention: [H*, G, N], the shown class's prompts to the patches, shown heads only.
        band_means: [N, C], standardised.
        shown: the class.
    """
    kind = attention.dtype
    place = np.tensordot(bundle.group_share[shown].astype(kind), attention.mean(axis=0), axes=1)
    known, directions = band_means != 0, bundle.brightness.astype(kind)
    apart = (band_means - bundle.reference.astype(kind)) * known
    contrast = np.abs(apart - apart @ directions.T @ directions) * known
    saliency = place * bundle.band_weight[shown].astype(kind)[:, None] * contrast.T
    return saliency.sum(axis=0), saliency.max(axis=1)


def joint_answer(logits: Array, attention: Array, band_means: Array, bundle: Bundle) -> tuple[Array, Array, Array]:
    """Scores [K], M [N] and B [C] of the class with the highest score, from what ``NaiveNet`` gives.

    Args:
        logits: [K].
        attention: [H, T, T] of the last block.
        band_means: [N, C], standardised.
    """
    scores = scores_from_logits(logits)
    shown, groups, first = int(scores.argmax()), len(bundle.groups), 1 + bundle.patches
    rows = slice(first + shown * groups, first + (shown + 1) * groups)
    own = attention[list(bundle.reading.heads), rows, 1:first]
    return scores, *maps_from_attention(own, band_means, bundle, shown)
