"""Which heads are left to the sink, Eq. (3), and which ones explain (docs/method.md, "Sink")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from focus.exporter.model._focus import NetReading

AUXILIARY_SHARE = 0.3

#: Which heads are auxiliary; all but the first are for comparison.
Auxiliary: TypeAlias = Literal["lowest entropy", "highest entropy", "random"]


def head_entropy(attention: Tensor) -> Tensor:
    """Entropy in nats of each head's attention over the patch keys, renormalised over them, mean over windows and
    prompts.

    Args:
        attention: [B, H, K, G, N], prompt to patch.
    Returns: float32 [H].
    """
    shares = attention.float() / attention.float().sum(-1, keepdim=True).clamp_min(1e-12)
    return torch.special.entr(shares).sum(-1).mean(dim=(0, 2, 3))


def auxiliary_heads(entropy: Tensor, auxiliary: Auxiliary = "lowest entropy", seed: int = 0) -> Tensor:
    """H_aux: the lowest-entropy 30 % of the heads, rounded, at least one, and never all of them.

    Args:
        entropy: [H].
        auxiliary: which ones; seed: of the random choice, which hangs on nothing else.
    Returns: int64, sorted head indices.
    """
    heads = entropy.numel()
    count = min(max(1, round(AUXILIARY_SHARE * heads)), max(heads - 1, 1))
    if auxiliary == "random":
        order = torch.from_numpy(np.random.default_rng([seed, 11]).permutation(heads)).to(entropy.device)
    else:
        order = (entropy if auxiliary == "lowest entropy" else -entropy).argsort(stable=True)
    return order[:count].sort().values


def discriminative_heads(entropy: Tensor, auxiliary: Auxiliary = "lowest entropy", seed: int = 0) -> tuple[int, ...]:
    """The heads that are not auxiliary, see ``auxiliary_heads``; a network with a single head keeps it for both."""
    others = set(range(entropy.numel())) - set(auxiliary_heads(entropy, auxiliary, seed).tolist())
    return tuple(sorted(others)) or (0,)


def sink_loss(
    reading: NetReading,
    over_batch: Callable[[Tensor], Tensor] = lambda entropy: entropy,
    auxiliary: Auxiliary = "lowest entropy",
    seed: int = 0,
) -> Tensor:
    """Eq. (3), and what it needs beside it: the auxiliary heads of every read block go to [SINK], the others do not
    collapse. Mean over blocks, so that its weight does not depend on depth.

    L = mean_l [ mean_{h in H_aux(l)} mean_{c,g} (1 - A_{h,(c,g),sink})
                 + mean_{h in H*(l)} mean_{c,g} (1 - sum_i A_{h,(c,g),i} + max_i A_{h,(c,g),i}) ]

    with H_aux from this batch, without gradient, and H* the rest. The first term is Eq. (3) of arXiv 2507.14787. Alone
    it raises the collapse of H*, too: they share their keys with H_aux, and with them the way to [SINK].

    Args:
        over_batch: makes the mean entropy [H] of the whole batch of that of these windows, where they are not all.
        auxiliary, seed: see ``auxiliary_heads``.
    """
    losses = []
    for attention, sink in zip(reading.attention, reading.sink_mass, strict=True):
        entropy = over_batch(head_entropy(attention.detach()))
        others = attention[:, list(discriminative_heads(entropy, auxiliary, seed))]
        to_sink = 1.0 - sink[:, auxiliary_heads(entropy, auxiliary, seed)].mean()
        losses.append(to_sink + (1.0 - others.sum(dim=-1) + others.amax(dim=-1)).mean())
    return torch.stack(losses).mean()
