"""Which heads are left to the sink, Eq. (3), and which ones explain (docs/method.md, "Sink")."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from focus.exporter.model._focus import NetReading

AUXILIARY_SHARE = 0.3


def head_entropy(attention: Tensor) -> Tensor:
    """Entropy in nats of each head's attention over the patch keys, renormalised over them, mean over windows and
    prompts.

    Args:
        attention: [B, H, K, G, N], prompt to patch.
    Returns: float32 [H].
    """
    shares = attention.float() / attention.float().sum(-1, keepdim=True).clamp_min(1e-12)
    return torch.special.entr(shares).sum(-1).mean(dim=(0, 2, 3))


def auxiliary_heads(entropy: Tensor) -> Tensor:
    """H_aux: the lowest-entropy 30 % of the heads, rounded, at least one, and never all of them.

    Args:
        entropy: [H].
    Returns: int64, sorted head indices.
    """
    heads = entropy.numel()
    count = min(max(1, round(AUXILIARY_SHARE * heads)), max(heads - 1, 1))
    return entropy.argsort(stable=True)[:count].sort().values


def discriminative_heads(entropy: Tensor) -> tuple[int, ...]:
    """The heads that are not auxiliary; a network with a single head keeps it for both."""
    auxiliary = set(auxiliary_heads(entropy).tolist())
    rest = tuple(head for head in range(entropy.numel()) if head not in auxiliary)
    return rest or (0,)


def sink_loss(reading: NetReading, over_batch: Callable[[Tensor], Tensor] = lambda entropy: entropy) -> Tensor:
    """Eq. (3): draws the auxiliary heads of every read block to [SINK]; mean over blocks, so that its weight does
    not depend on depth.

    L = mean_l mean_{h in H_aux(l)} mean_{c,g} (1 - A_{h,(c,g),sink}), with H_aux from this batch, without gradient.

    Args:
        over_batch: makes the mean entropy [H] of the whole batch of that of these windows, where they are not all.
    """
    losses = []
    for attention, sink in zip(reading.attention, reading.sink_mass, strict=True):
        chosen = auxiliary_heads(over_batch(head_entropy(attention.detach())))
        losses.append(1.0 - sink[:, chosen].mean())
    return torch.stack(losses).mean()
