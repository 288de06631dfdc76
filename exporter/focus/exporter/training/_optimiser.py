"""The optimiser of the few trainable tensors, and the learning rate over time."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from focus.exporter.model import TrainableNet
from focus.exporter.training._settings import TrainSettings

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class BandAdam(torch.optim.Optimizer):
    """AdamW whose step in the adapter keeps the proportions between bands.

    Adam divides every number's gradient by that number's own size, so a band with hardly any gradient moves as far as a
    telling one, and ||Phi_lambda|| says little about lambda. Here the adapter's second moment is a mean over the bands,

        v_j <- b2 v_j + (1 - b2) mean_lambda g_{lambda,j}^2
        Phi_{lambda,j} <- (1 - lr w) Phi_{lambda,j} - lr m_{lambda,j} / sqrt(v_j),

    so that a band moves in proportion to what it contributes. g is the gradient, or P times it, see ``whitening``.
    All other tensors follow AdamW without decay.

    Args:
        adapter: [C, d], or None in a network without one; weight_decay, w, is its own.
        others: every other trainable tensor.
        lr: learning rate, changed through ``param_groups``.
        directions: P, [C, C]; None takes gradients as they are.
    """

    def __init__(
        self,
        adapter: Tensor | None,
        others: list[Tensor],
        lr: float,
        weight_decay: float,
        directions: Tensor | None = None,
    ) -> None:
        self._directions = directions
        super().__init__(
            [
                {"params": [] if adapter is None else [adapter], "weight_decay": weight_decay, "over_bands": True},
                {"params": others, "weight_decay": 0.0, "over_bands": False},
            ],
            {"lr": lr},
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step with the gradients that are there."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for value in group["params"]:
                if value.grad is not None:
                    over_bands = group["over_bands"]
                    gradient = value.grad
                    if over_bands and self._directions is not None:
                        gradient = self._directions @ gradient
                    self._move(value, gradient, group["lr"], group["weight_decay"], over_bands)
        return loss

    def _move(self, value: Tensor, gradient: Tensor, lr: float, weight_decay: float, over_bands: bool) -> None:
        square = gradient.square()
        if over_bands:
            square = square.mean(dim=0, keepdim=True)
        state = self.state[value]
        if not state:
            state["step"], state["first"], state["second"] = (
                torch.zeros(()),
                torch.zeros_like(value),
                torch.zeros_like(square),
            )
        state["step"] += 1
        state["first"].lerp_(gradient, 1.0 - BETAS[0])
        state["second"].lerp_(square, 1.0 - BETAS[1])
        steps = float(state["step"])
        first = state["first"] / (1.0 - BETAS[0] ** steps)
        second = state["second"] / (1.0 - BETAS[1] ** steps)
        value.mul_(1.0 - lr * weight_decay).addcdiv_(first, second.sqrt() + EPSILON, value=-lr)


def make_optimiser(net: TrainableNet, settings: TrainSettings, directions: Tensor | None = None) -> BandAdam:
    """Moves everything trainable; only the adapter decays, and follows ``directions``."""
    trainable: dict[str, Tensor] = {**net.trainable}
    adapter = trainable.pop("adapter", None)
    return BandAdam(adapter, list(trainable.values()), settings.lr, settings.weight_decay, directions)


def whitening(spectra: Tensor, floor: float) -> Tensor:
    """P = U (Lambda / lambda_1 + floor)^(-1/2) U^T, with x^T x / M = U Lambda U^T.

    How bright patches are is nearly all that varies between spectra, and so nearly all of the adapter's gradient. With
    P g in its place faint directions of the spectra are learnt nearly as fast as bright ones, down to those with a
    share of ``floor`` of the brightest one's variance.

    Args:
        spectra: x^, [M, C], standardised, 0 where nothing was measured.
        floor: positive; a large one leaves the gradient as it is, but for a factor.
    Returns: float32 [C, C] on the spectra's device.
    """
    x = spectra.double()
    values, directions = torch.linalg.eigh(x.T @ x / len(x))
    share = values.clamp_min(0.0) / values[-1].clamp_min(torch.finfo(torch.float64).tiny)
    return (directions * (share + floor).rsqrt() @ directions.T).float()


def rate_at(step: int, steps: int, warmup: float) -> float:
    """Share of the highest learning rate at a step: a linear rise, then half a cosine down to 1 %."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    done = (step - rise) / max(1, steps - rise)
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * done))
