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
        reference: float64 [C], r: x^ of what the shown heads' prompts see in an ordinary window: mean over the
            classes, median over the windows, each band by the prompts of its group.
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
        seen: [B, H, C], x^ that the prompts of the band's group see, mean over the classes.
        targets: [B, K].
    """

    groups: NDArray[np.float64]
    bands: NDArray[np.float64]
    seen: NDArray[np.float64]
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
    found = [_evidence(net, batches, part) for part in batches.shared(spread(chosen, MOST_WINDOWS), batch)]
    parts = batches.processes.gathered(found)
    groups, bands, seen, targets = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("groups", "bands", "seen", "targets")
    )
    of_band = net.group_mask[: net.groups].argmax(dim=0).cpu().numpy()
    norm = _host(net.adapter.norm(dim=1))
    share = band_shares(_covariance(bands, targets), _covariance(groups, targets)[:, of_band], norm)
    return ShownReading(shown, share, np.median(seen[:, list(shown)].mean(axis=1), axis=0))


def _evidence(net: FocusNet, batches: Batches, indices: NDArray[np.int64]) -> _Evidence:
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
    return _Evidence(
        _host(reading.parts),
        _host(torch.stack(by_band, dim=1)),
        _host(_seen(reading.attention[-1].detach(), spectra.detach(), net)),
        targets.astype(np.float64),
    )


def _seen(attention: Tensor, spectra: Tensor, net: FocusNet) -> Tensor:
    """[B, H, C]: sum_i A_i x^_i / sum_i A_i with the attention of the band's own group, mean over the classes."""
    shares = attention.mean(dim=2)
    shares = shares / shares.sum(dim=-1, keepdim=True).clamp_min(1e-12)
    of_band = net.group_mask[: net.groups].argmax(dim=0)
    return torch.einsum("bhcn,bnc->bhc", shares[:, :, of_band], spectra)


def band_shares(
    of_bands: NDArray[np.float64], of_groups: NDArray[np.float64], norm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """w_{c,lambda} ~ q_{c,g(lambda)} (e_{c,lambda} / mean_lambda e + 0.3 n_lambda / mean_lambda n), float64 [K, C],
    mean 1 over the bands.

    e = max(0, cov(sum_i x^_{lambda,i} d logit_c / d x^_{lambda,i}, y_c)) counts all ways through the network,
    q = max(0, cov(part_{c,g}, y_c)) what the group's own prompt adds: a band shows where its prompt speaks for the
    class and the band for the prompt. n = ||Phi_lambda||: a band that adds nothing by itself still stands in for its
    neighbours. A class that no group speaks for goes by n alone; without that, too, all bands are alike.

    Args:
        of_bands: [K, C], the first covariance; of_groups: [K, C], the second one for each band; norm: [C].
    """
    share = of_groups.clip(min=0.0)
    share = np.where(share.any(axis=1, keepdims=True), share, 1.0)
    weight = share * (_with_mean_1(of_bands.clip(min=0.0)) + NORM_SHARE * _with_mean_1(norm))
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
