"""What of a network's reading goes into the maps: measured on training windows, stored in the bundle.

All of it follows one question: what adds to the logit of a class in its own windows more than in others? A single
figure of a part e (a head, a band group, a band) answers it: cov(e_c, y_c) over windows, with e_c the part's
contribution to the logit of class c and y_c 1 in windows of the class, else 0 (regression: the standardised target).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from focus.exporter.model import FocusNet, NetReading
from focus.exporter.training._batches import Batches

#: Windows that are read with gradients, spread evenly over the training split.
MOST_WINDOWS = 256

#: Share of the heads that is shown.
SHOWN_SHARE = 0.3

#: Weight of ||Phi_lambda|| beside what a band adds.
NORM_SHARE = 0.3


@dataclass(frozen=True)
class ShownReading:
    """What the maps are made of.

    Attributes:
        heads: of the last block, see ``shown_heads``.
        band_share: float64 [K, C], w, see ``band_shares``.
        reference: float64 [C], r: x^ of what the shown heads' prompts see, mean over windows and classes, each band
            by the prompts of its group.
    """

    heads: tuple[int, ...]
    band_share: NDArray[np.float64]
    reference: NDArray[np.float64]


@dataclass(frozen=True)
class _Evidence:
    """What was found of B windows; float64 on the host.

    Attributes:
        heads: [B, K, H], contribution of each head's attention to the patches.
        groups: [B, K, G], contribution of each group's prompt, part of the logit.
        bands: [B, K, C], contribution of each band, all ways through the network.
        seen: [B, H, C], x^ that the prompts of the band's group see, mean over the classes.
        targets: [B, K].
    """

    heads: NDArray[np.float64]
    groups: NDArray[np.float64]
    bands: NDArray[np.float64]
    seen: NDArray[np.float64]
    targets: NDArray[np.float64]


def fix_reading(net: FocusNet, batches: Batches, batch: int) -> ShownReading:
    """Reads windows of the training split, with gradients.

    Raises:
        ValueError: there is no training window.
    """
    chosen = batches.windows.of("train")
    if not len(chosen):
        raise ValueError("the maps need at least one training window")
    chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, MOST_WINDOWS).round().astype(int))]
    net.eval()
    found = [_evidence(net, batches, indices) for indices in batches.shared(chosen, batch)]
    parts = batches.processes.gathered(found)
    heads, groups, bands, seen, targets = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("heads", "groups", "bands", "seen", "targets")
    )
    shown = shown_heads(_covariance(heads, targets))
    of_band = net.group_mask[: net.groups].argmax(dim=0).cpu().numpy()
    norm = _host(net.adapter.norm(dim=1))
    share = band_shares(_covariance(bands, targets), _covariance(groups, targets)[:, of_band], norm)
    return ShownReading(shown, share, seen[:, list(shown)].mean(axis=(0, 1)))


def _evidence(net: FocusNet, batches: Batches, indices: NDArray[np.int64]) -> _Evidence:
    spectra, composite = batches.inputs(indices)
    spectra.requires_grad_()
    with torch.enable_grad():
        reading: NetReading = net(spectra, composite)
        attention = reading.attention[-1]
        by_head, by_band = [], []
        for target in range(net.classes):
            logit = reading.logits[:, target].sum()
            to_attention, to_spectra = torch.autograd.grad(logit, (attention, spectra), retain_graph=True)
            by_head.append((to_attention * attention).sum(dim=(2, 3, 4)))
            by_band.append((to_spectra * spectra).sum(dim=1))
    targets = batches.targets(indices).cpu().numpy()
    if batches.windows.task == "classification":
        targets = np.eye(net.classes)[targets]
    return _Evidence(
        _host(torch.stack(by_head, dim=1)),
        _host(reading.parts),
        _host(torch.stack(by_band, dim=1)),
        _host(_seen(attention.detach(), spectra.detach(), net)),
        targets.astype(np.float64),
    )


def _seen(attention: Tensor, spectra: Tensor, net: FocusNet) -> Tensor:
    """[B, H, C]: sum_i A_i x^_i / sum_i A_i with the attention of the band's own group, mean over the classes."""
    shares = attention.mean(dim=2)
    shares = shares / shares.sum(dim=-1, keepdim=True).clamp_min(1e-12)
    of_band = net.group_mask[: net.groups].argmax(dim=0)
    return torch.einsum("bhcn,bnc->bhc", shares[:, :, of_band], spectra)


def shown_heads(contribution: NDArray[np.float64]) -> tuple[int, ...]:
    """The 30 % of the heads (rounded, at least one) that add most, over all classes.

    Args:
        contribution: [K, H], cov of each head's contribution with the class.
    """
    heads = contribution.shape[1]
    count = max(1, round(SHOWN_SHARE * heads))
    return tuple(sorted(np.argsort(-contribution.mean(axis=0), kind="stable")[:count].tolist()))


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
