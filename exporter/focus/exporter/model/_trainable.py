"""What every network that is trained here has in common, FOCUS and those that it is compared with."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn
from typing_extensions import Self


class Reading(Protocol):
    """What a network says of B windows."""

    @property
    def logits(self) -> Tensor:
        """[B, K]."""


class TrainableNet(nn.Module):
    """A network from band means [B, N, C] and composite [B, 3, H, W] to a ``Reading``.

    What it has under the name ``backbone`` is frozen: training leaves it alone, and in eval mode.
    """

    def train(self, mode: bool = True) -> Self:
        """As ``nn.Module.train``, but the backbone stays in eval mode."""
        super().train(mode)
        for name, part in self.named_children():
            if name == "backbone":
                part.eval()
        return self

    @property
    def trainable(self) -> dict[str, nn.Parameter]:
        """The parameters that training moves."""
        return {
            name: value
            for name, value in self.named_parameters()
            if value.requires_grad and not name.startswith("backbone.")
        }
