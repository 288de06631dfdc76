"""What of a network's reading goes into the maps: fixed on the training split, stored in the bundle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from focus.exporter.model import FocusNet, discriminative_heads, head_entropy
from focus.exporter.training._batches import Batches
from focus.exporter.training._evaluate import read_windows


@dataclass(frozen=True)
class ShownReading:
    """Heads and band groups of the maps.

    Attributes:
        heads: heads of the last block, by their mean entropy over the training split (docs/method.md, "Sink").
        group_share: float64 [K, G], see ``group_shares``.
    """

    heads: tuple[int, ...]
    group_share: NDArray[np.float64]


def fix_reading(net: FocusNet, batches: Batches, batch: int) -> ShownReading:
    """Reads the whole training split once.

    Raises:
        ValueError: there is no training window.
    """
    chosen = batches.windows.of("train")
    if not len(chosen):
        raise ValueError("the maps need at least one training window")
    entropy: Tensor = torch.zeros(())
    parts, targets = [], []
    for indices, reading in read_windows(net, batches, chosen, batch):
        entropy = entropy + head_entropy(reading.attention[-1]) * (len(indices) / len(chosen))
        parts.append(reading.parts.double().cpu().numpy())
        targets.append(batches.targets(indices).cpu().numpy())
    wanted = np.concatenate(targets)
    if batches.windows.task == "classification":
        wanted = np.eye(net.classes)[wanted]
    return ShownReading(discriminative_heads(entropy), group_shares(np.concatenate(parts), wanted))


def group_shares(parts: NDArray[np.float64], targets: NDArray[np.floating]) -> NDArray[np.float64]:
    """How much each band group says for each class: float64 [K, G], at least 0, mean 1 over the groups.

    share_{c,g} ~ max(0, cov(part_{c,g}, y_c)) over windows: for classes, by how much the group adds more to the logit
    of windows of its class than to that of others. A class that no group speaks for gets 1 everywhere.

    Args:
        parts: [M, K, G], the groups' parts of each logit; targets: [M, K], one-hot classes or standardised targets.
    """
    centred = targets - targets.mean(axis=0)
    covariance = np.einsum("mkg,mk->kg", parts - parts.mean(axis=0), centred).clip(min=0.0)
    mean = covariance.mean(axis=1, keepdims=True)
    return np.where(mean > 0, covariance / np.where(mean > 0, mean, 1.0), 1.0)
