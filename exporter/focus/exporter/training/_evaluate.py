"""Reading windows without gradient: loss and error of a split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from focus.exporter.data import Task
from focus.exporter.model import TrainableNet
from focus.exporter.training._batches import Batches


@dataclass(frozen=True)
class Score:
    """How a split is read.

    Attributes:
        loss: cross-entropy, or mean squared error of standardised targets.
        accuracy: share of right classes; nan for regression.
    """

    loss: float
    accuracy: float

    @property
    def rank(self) -> tuple[float, ...]:
        """Larger is better: accuracy first, then the loss; for regression the loss alone."""
        return (-self.loss,) if np.isnan(self.accuracy) else (self.accuracy, -self.loss)


def task_loss(logits: Tensor, targets: Tensor, task: Task) -> Tensor:
    """Cross-entropy, or the mean squared error of standardised targets."""
    logits = logits.float()
    return F.cross_entropy(logits, targets) if task == "classification" else F.mse_loss(logits, targets)


def each_class_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """sum_c BCE(logit_c, y_c), mean over windows: each class told from all others by its own logit.

    Args:
        logits: [B, K]; targets: int64 [B].
    """
    own = F.one_hot(targets, logits.shape[1]).float()
    return F.binary_cross_entropy_with_logits(logits.float(), own, reduction="none").sum(dim=1).mean()


@torch.no_grad()
def read_windows(
    net: TrainableNet, batches: Batches, chosen: NDArray[np.int64], batch: int
) -> Iterator[tuple[NDArray[np.int64], Any]]:
    """Every chosen window's ``Reading`` in float32, batch by batch, with the indices of its windows.

    Several processes share the batches; ``batches.processes.gathered`` makes a list of one item a batch whole again.
    """
    net.eval()
    for indices in batches.shared(chosen, batch):
        yield indices, net(*batches.inputs(indices))


def score(net: TrainableNet, batches: Batches, chosen: NDArray[np.int64], batch: int) -> Score:
    """Loss and accuracy over the chosen windows, at least one."""
    task = batches.windows.task
    found = []
    for indices, reading in read_windows(net, batches, chosen, batch):
        targets = batches.targets(indices)
        right = float((reading.logits.argmax(dim=1) == targets).sum()) if task == "classification" else float("nan")
        found.append((float(task_loss(reading.logits, targets, task)) * len(indices), right))
    losses, rights = zip(*batches.processes.gathered(found), strict=True)
    return Score(sum(losses) / len(chosen), sum(rights) / len(chosen))
