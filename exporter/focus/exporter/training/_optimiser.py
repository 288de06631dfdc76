"""AdamW over the few trainable tensors, with warm-up and a cosine."""

from __future__ import annotations

import math

import torch

from focus.exporter.model import FocusNet
from focus.exporter.training._settings import TrainSettings


def make_optimiser(net: FocusNet, settings: TrainSettings) -> torch.optim.AdamW:
    """The adapter decays, prompts, [SINK], scale and bias do not."""
    trainable = net.trainable
    rest = [value for name, value in trainable.items() if name != "adapter"]
    return torch.optim.AdamW(
        [
            {"params": [trainable["adapter"]], "weight_decay": settings.weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ],
        lr=settings.lr,
    )


def rate_at(step: int, steps: int, warmup: float) -> float:
    """Share of the highest learning rate at a step: a linear rise, then half a cosine down to 1 %."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    done = (step - rise) / max(1, steps - rise)
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * done))
