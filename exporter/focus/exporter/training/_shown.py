"""What of a network's reading goes into the maps: measured on training windows, stored in the bundle.

Heads are chosen by what the answer needs, see ``shown_heads``. Groups and bands follow another question: what adds to
the logit of a class in its own windows more than in others? A single figure of a part e (a band group, a band) answers
it: cov(e_c, y_c) over windows, with e_c the part's contribution to the logit of class c and y_c 1 in windows of the
class, else 0 (regression: the standardised target).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from focus.exporter.model import FocusNet, NetReading
from focus.exporter.training._batches import Batches, spread
from focus.exporter.training._heads import shown_heads

#: Windows that are read with gradients, spread evenly over the training split.
MOST_WINDOWS = 256

#: Weight of ||Phi_lambda|| beside what a band adds.
NORM_SHARE = 0.3


@dataclass(frozen=True)
class ShownReading:
    """What the maps are made of.

    Attributes:
        heads: of the last block, see ``shown_heads``.
        band_share: float64 [K, C], w, see ``band_shares``.
        reference: float64 [C], r: x^ of what all prompts see together, by all heads: median over the windows.
    """

    heads: tuple[int, ...]
    band_share: NDArray[np.float64]
    reference: NDArray[np.float64]


@dataclass(frozen=True)
class _Evidence:
    """What was found of B windows; float64 on the host.

    Attributes:
        groups: [B, K, G], contribution of each group's prompt, part of the logit.
        bands: [B, K, C], contribution of each band, all ways through the network.
        seen: [B, K, C], x^ that the shown heads of the prompt of the class and of the band's group see.
        around: [B, C], x^ that all heads of all prompts see together.
        targets: [B, K].
    """

    groups: NDArray[np.float64]
    bands: NDArray[np.float64]
    seen: NDArray[np.float64]
    around: NDArray[np.float64]
    targets: NDArray[np.float64]


def fix_reading(net: FocusNet, batches: Batches, batch: int) -> ShownReading:
    """Reads windows of the training split: some without what heads look at, some with gradients.

    Raises:
        ValueError: there is no training window.
    """
    chosen = batches.windows.of("train")
    if not len(chosen):
        raise ValueError("the maps need at least one training window")
    net.eval()
    shown = shown_heads(net, batches, chosen, batch)
    found = [_evidence(net, batches, part, shown) for part in batches.shared(spread(chosen, MOST_WINDOWS), batch)]
    parts = batches.processes.gathered(found)
    groups, bands, seen, around, targets = (
        np.concatenate([getattr(part, name) for part in parts]) for name in _Evidence.__dataclass_fields__
    )
    of_band = net.group_mask[: net.groups].argmax(dim=0).cpu().numpy()
    norm = _host(net.adapter.norm(dim=1))
    apart = set_apart(seen, around, targets, batches.windows.task)
    share = band_shares(_covariance(bands, targets), _covariance(groups, targets)[:, of_band], norm, apart)
    return ShownReading(shown, share, np.median(around, axis=0))


def _evidence(net: FocusNet, batches: Batches, indices: NDArray[np.int64], shown: tuple[int, ...]) -> _Evidence:
    spectra, composite = batches.inputs(indices)
    spectra.requires_grad_()
    with torch.enable_grad():
        reading: NetReading = net(spectra, composite)
        by_band = []
        for target in range(net.classes):
            [slope] = torch.autograd.grad(reading.logits[:, target].sum(), spectra, retain_graph=True)
            by_band.append((slope * spectra).sum(dim=1))
    targets = batches.targets(indices).cpu().numpy()
    if batches.windows.task == "classification":
        targets = np.eye(net.classes)[targets]
    attention, given = reading.attention[-1].detach(), spectra.detach()
    of_band = net.group_mask[: net.groups].argmax(dim=0)
    seen = torch.einsum("bkcn,bnc->bkc", _shares(attention[:, list(shown)].mean(dim=1))[:, :, of_band], given)
    around = torch.einsum("bn,bnc->bc", _shares(attention.mean(dim=(1, 2, 3))), given)
    return _Evidence(
        _host(reading.parts),
        _host(torch.stack(by_band, dim=1)),
        _host(seen),
        _host(around),
        targets.astype(np.float64),
    )


def _shares(attention: Tensor) -> Tensor:
    """Attention [..., N] as shares of what the patches get."""
    return attention / attention.sum(dim=-1, keepdim=True).clamp_min(1e-12)


def set_apart(
    seen: NDArray[np.float64], around: NDArray[np.float64], targets: NDArray[np.float64], task: str
) -> NDArray[np.float64]:
    """d_{c,lambda}, float64 [K, C]: how far a band sets apart what is explained from everything else.

    A class: what its prompts see from what all prompts see, in its own windows, |mean_{windows of c} (s_c - a)|; a
    class without a window has ones. A regression target is told by whole leaves, between windows: |cov(a, y_c)|.

    Args:
        seen: s, [M, K, C]; around: a, [M, C]; targets: y, [M, K], for classes one or zero.
        task: ``classification`` or ``regression``.
    """
    if task == "regression":
        return np.abs(_covariance(np.repeat(around[:, None], targets.shape[1], axis=1), targets))
    windows = targets.sum(axis=0)[:, None]
    found = np.abs(np.einsum("mkc,mk->kc", seen - around[:, None], targets)) / np.maximum(windows, 1.0)
    return np.where(windows > 0, found, 1.0)


def band_shares(
    of_bands: NDArray[np.float64],
    of_groups: NDArray[np.float64],
    norm: NDArray[np.float64],
    apart: NDArray[np.float64],
) -> NDArray[np.float64]:
    """w_{c,lambda} ~ q_{c,g(lambda)} d_{c,lambda} (e_{c,lambda} / mean_lambda e + 0.3 n_lambda / mean_lambda n),
    float64 [K, C], mean 1 over the bands.

    e = max(0, cov(sum_i x^_{lambda,i} d logit_c / d x^_{lambda,i}, y_c)) counts all ways through the network,
    q = max(0, cov(part_{c,g}, y_c)) what the group's own prompt adds: a band shows where its prompt speaks for the
    class and the band for the prompt. n = ||Phi_lambda||: a band that adds nothing by itself still stands in for its
    neighbours. A class that no group speaks for goes by d, e and n alone; without these, too, all bands are alike.

    Args:
        of_bands: [K, C], the first covariance; of_groups: [K, C], the second one for each band; norm: [C]; apart:
            [K, C], d, see ``set_apart``.
    """
    share = of_groups.clip(min=0.0)
    share = np.where(share.any(axis=1, keepdims=True), share, 1.0)
    weight = share * apart * (_with_mean_1(of_bands.clip(min=0.0)) + NORM_SHARE * _with_mean_1(norm))
    return np.where(weight.any(axis=1, keepdims=True), _with_mean_1(weight), 1.0)


def _with_mean_1(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the last axis; zeros stay zeros."""
    mean = values.mean(axis=-1, keepdims=True)
    return values / np.where(mean > 0, mean, 1.0)


def _covariance(parts: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of parts [M, K, E] with targets [M, K], over windows: [K, E]."""
    found: NDArray[np.float64] = np.einsum(
        "mke,mk->ke", parts - parts.mean(axis=0), targets - targets.mean(axis=0)
    ) / len(parts)
    return found


def _host(values: Tensor) -> NDArray[np.float64]:
    found: NDArray[np.float64] = values.detach().double().cpu().numpy()
    return found
