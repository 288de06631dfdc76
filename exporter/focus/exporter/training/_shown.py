"""What of a network's reading goes into the maps: fixed on the training split, stored in the bundle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from focus.exporter.model import FocusNet, auxiliary_heads, discriminative_heads, head_entropy
from focus.exporter.training._batches import Batches
from focus.exporter.training._evaluate import read_windows

#: Heads with more of their attention than this on [SINK] show what is left over, not what they saw.
MOST_ON_SINK = 0.5


@dataclass(frozen=True)
class ShownReading:
    """Heads and band groups of the maps.

    Attributes:
        heads: heads of the last block, see ``shown_heads``.
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
    found = []
    for indices, reading in read_windows(net, batches, chosen, batch):
        share = len(indices) / len(chosen)
        entropy = head_entropy(reading.attention[-1]).cpu() * share
        sink = reading.sink_mass[-1].float().mean(dim=(0, 2, 3)).cpu() * share
        found.append((entropy, sink, reading.parts.double().cpu().numpy(), batches.targets(indices).cpu().numpy()))
    entropies, sinks, parts, targets = zip(*batches.processes.gathered(found), strict=True)
    wanted = np.concatenate(targets)
    if batches.windows.task == "classification":
        wanted = np.eye(net.classes)[wanted]
    heads = shown_heads(torch.stack(entropies).sum(dim=0), torch.stack(sinks).sum(dim=0))
    return ShownReading(heads, group_shares(np.concatenate(parts), wanted))


def shown_heads(entropy: Tensor, sink: Tensor) -> tuple[int, ...]:
    """The sharpest heads, H_aux, unless the sink has taken them; then H*, the rest.

    Args:
        entropy: [H], over the patches; sink: [H], share of the attention that goes to [SINK].
    """
    auxiliary = auxiliary_heads(entropy)
    taken = float(sink[auxiliary].mean()) > MOST_ON_SINK
    return discriminative_heads(entropy) if taken else tuple(auxiliary.tolist())


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
