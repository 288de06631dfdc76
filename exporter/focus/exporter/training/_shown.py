"""What of a network's reading goes into the maps: measured on training windows, stored in the bundle.

Heads are chosen by what the answer needs, see ``shown_heads``. Groups and bands follow another question: what adds to
the logit of a class in its own windows more than in others? A single figure of a part e (a band group, a band) answers
it: cov(e_c, y_c) over windows, with e_c the part's contribution to the logit of class c and y_c 1 in windows of the
class, else 0 (regression: the standardised target). How bright a patch is does not count: patches of every class differ
by that first.
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

#: Share of the variance between patches, in every class, from which on a direction is brightness.
BRIGHT_SHARE = 0.1

#: Added to the variance, of which there is 1 in all: no direction is without any.
LEAST_VARIANCE = 1e-3

#: Weight of ||Phi_lambda|| beside what a band adds.
NORM_SHARE = 0.3

#: Deviation in nm of the Gaussian by which neighbouring bands share what they add.
SHARED_NM = 40.0


@dataclass(frozen=True)
class ShownReading:
    """What the maps are made of.

    Attributes:
        heads: of the last block, see ``shown_heads``.
        band_share: float64 [K, C], w, see ``band_shares``.
        group_share: float64 [K, G], pi, see ``group_shares``.
        brightness: float64 [D, C], U, see ``bright_directions``.
        reference: float64 [C], r: x^ of what all prompts see together, by all heads: median over the windows.
    """

    heads: tuple[int, ...]
    band_share: NDArray[np.float64]
    group_share: NDArray[np.float64]
    brightness: NDArray[np.float64]
    reference: NDArray[np.float64]


@dataclass(frozen=True)
class _Evidence:
    """What was found of B windows; float64 on the host.

    Attributes:
        groups: [B, K, G], contribution of each group's prompt, part of the logit.
        bands: [B, K, C], contribution of each band, all ways through the network.
        seen: [B, K, G, C], x^ times the attention of the shown heads of each prompt, added up over the patches.
        mass: [B, K, G], that attention, added up.
        around: [B, C], x^ that all heads of all prompts see together.
        targets: [B, K].
        scatter: [1, S, C, C], of windows of each class (regression: S = 1, of all), (x^ - m)(x^ - m)^T with m the
            window's mean, added up over patches and windows.
    """

    groups: NDArray[np.float64]
    bands: NDArray[np.float64]
    seen: NDArray[np.float64]
    mass: NDArray[np.float64]
    around: NDArray[np.float64]
    targets: NDArray[np.float64]
    scatter: NDArray[np.float64]


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
    groups, bands, seen, mass, around, targets, scatter = (
        np.concatenate([getattr(part, name) for part in parts]) for name in _Evidence.__dataclass_fields__
    )
    of_groups = group_shares(_covariance(groups, targets), mass.mean(axis=0))
    at_place = np.einsum("mkg,kg->mk", mass, of_groups).clip(min=1e-12)
    places = np.einsum("mkgc,kg->mkc", seen, of_groups) / at_place[..., None]
    brightness = bright_directions(scatter.sum(axis=0))
    apart = set_apart(places, around, targets, batches.windows.task, brightness)
    norm, wavelengths = _host(net.adapter.norm(dim=1)), batches.windows.wavelengths_nm
    share = band_shares(_covariance(bands, targets), norm, apart, wavelengths)
    return ShownReading(shown, share, of_groups, brightness, np.median(around, axis=0))


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
    alike = np.ones((len(targets), 1))
    if batches.windows.task == "classification":
        targets = alike = np.eye(net.classes)[targets]
    attention, given = reading.attention[-1].detach(), spectra.detach()
    own = attention[:, list(shown)].mean(dim=1)
    everyone = attention.mean(dim=(1, 2, 3))
    around = torch.einsum("bn,bnc->bc", everyone / everyone.sum(dim=-1, keepdim=True).clamp_min(1e-12), given)
    return _Evidence(
        _host(reading.parts),
        _host(torch.stack(by_band, dim=1)),
        _host(torch.einsum("bkgn,bnc->bkgc", own, given)),
        _host(own.sum(dim=-1)),
        _host(around),
        targets.astype(np.float64),
        _scatter(given, alike)[None],
    )


def _scatter(spectra: Tensor, chosen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of windows [B, N, C] about their means, added up over patches and, for each column of 0 and 1 [B, S], over the
    windows that it chooses: [S, C, C].
    """
    apart = _host(spectra - spectra.mean(dim=1, keepdim=True))
    return np.stack([(part := apart[own > 0].reshape(-1, apart.shape[2])).T @ part for own in chosen.T])


def group_shares(of_groups: NDArray[np.float64], mass: NDArray[np.float64]) -> NDArray[np.float64]:
    """pi_{c,g} ~ max(0, cov(part_{c,g}, y_c)) / m_{c,g}, float64 [K, G], sum 1 over the groups: how much a group's
    attention counts. A prompt counts by how much it speaks for the class, however much of its attention is on [SINK].
    A class that none speaks for is seen by all alike.

    Args:
        of_groups: [K, G], the covariance; mass: [K, G], m, the prompt's mean attention to the patches.
    """
    share = of_groups.clip(min=0.0)
    share = np.where(share.any(axis=1, keepdims=True), share, 1.0) / mass.clip(min=1e-12)
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def bright_directions(scatter: NDArray[np.float64]) -> NDArray[np.float64]:
    """U, float64 [D, C], orthonormal: the directions along which the patches of a window differ whatever its class. Of
    leaves these are two, and say how bright a patch is.

    The harmonic mean H = (mean_c (S_c / tr S_c + 0.001 I)^(-1))^(-1) - 0.001 I of the classes' scatter is large along a
    direction only where all of them are. U are H's eigenvectors with lambda >= 0.1. What a single class differs by, be
    it ever so much, is not among them.

    Args:
        scatter: [S, C, C], S_c; classes without any are left out.
    """
    parts = [part / np.trace(part) for part in scatter if np.trace(part) > 0]
    bands = scatter.shape[-1]
    if not parts:
        return np.empty((0, bands))
    floor = LEAST_VARIANCE * np.eye(bands)
    common = np.linalg.inv(np.mean([np.linalg.inv(part + floor) for part in parts], axis=0)) - floor
    values, directions = np.linalg.eigh(common)
    return np.ascontiguousarray(directions.T[values >= BRIGHT_SHARE])


def set_apart(
    seen: NDArray[np.float64],
    around: NDArray[np.float64],
    targets: NDArray[np.float64],
    task: str,
    brightness: NDArray[np.float64],
) -> NDArray[np.float64]:
    """d_{c,lambda}, float64 [K, C]: how far a band sets apart what is explained from everything else, beyond how bright
    it is.

    A class: what is seen at its place from what all prompts see, in its own windows,
    |(I - U^T U) mean_{windows of c} (s_c - a)|; a class without a window has ones. A regression target is told by whole
    leaves, between windows: |(I - U^T U) cov(a, y_c)|.

    Args:
        seen: s, [M, K, C]; around: a, [M, C]; targets: y, [M, K], for classes one or zero.
        task: ``classification`` or ``regression``.
        brightness: U, [D, C].
    """
    if task == "regression":
        found = _covariance(np.repeat(around[:, None], targets.shape[1], axis=1), targets)
        windows = np.ones((len(found), 1))
    else:
        windows = targets.sum(axis=0)[:, None]
        found = np.einsum("mkc,mk->kc", seen - around[:, None], targets) / np.maximum(windows, 1.0)
    return np.where(windows > 0, np.abs(found - found @ brightness.T @ brightness), 1.0)


def band_shares(
    of_bands: NDArray[np.float64],
    norm: NDArray[np.float64],
    apart: NDArray[np.float64],
    wavelengths_nm: NDArray[np.float64],
) -> NDArray[np.float64]:
    """w_{c,lambda} ~ d_{c,lambda} (e_{c,lambda} / mean_lambda e + 0.3 n_lambda / mean_lambda n)^(1/2), float64 [K, C],
    mean 1 over the bands.

    e = S max(0, cov(sum_i x^_{lambda,i} d logit_c / d x^_{lambda,i}, y_c)): what the band adds, all ways through the
    network. n = S ||Phi_lambda||: a band that adds nothing by itself still stands in for its neighbours. S spreads what
    a band has over its neighbours by a Gaussian of 40 nm: which of some bands that tell the same the adapter happened
    to take is not what the answer hangs on, and which of them is told apart best says d. Where nothing of this says
    anything, all bands are alike.

    Args:
        of_bands: [K, C], the covariance; norm: [C]; apart: [K, C], d, see ``set_apart``; wavelengths_nm: [C].
    """
    spread_out = np.exp(-0.5 * (np.subtract.outer(wavelengths_nm, wavelengths_nm) / SHARED_NM) ** 2)
    spread_out /= spread_out.sum(axis=1, keepdims=True)
    added = _with_mean_1(of_bands.clip(min=0.0) @ spread_out)
    weight = apart * np.sqrt(added + NORM_SHARE * _with_mean_1(norm @ spread_out))
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
