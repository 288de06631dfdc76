"""The processes that share a training: each takes its share of every batch, and what each found becomes one again.

Nothing of a training depends on how many there are, except the rounding of sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Item = TypeVar("Item")

_NOTHING: Any = object()


class Processes:
    """Those of ``torch.distributed``, or this one alone.

    Attributes:
        rank: number of this process; count: how many there are.
    """

    def __init__(self) -> None:
        together = torch.distributed.is_available() and torch.distributed.is_initialized()
        self.rank = torch.distributed.get_rank() if together else 0
        self.count = torch.distributed.get_world_size() if together else 1

    def share(self, batch: NDArray[np.int64]) -> NDArray[np.int64]:
        """This process's windows of a batch."""
        return batch[self.rank :: self.count]

    def weight(self, batch: NDArray[np.int64]) -> float:
        """This process's share of a batch of windows, 0..1."""
        return len(self.share(batch)) / len(batch)

    def gathered(self, own: Sequence[Item]) -> list[Item]:
        """What all processes found, in the order of the items; process p found those of items p, p + count, ..."""
        if self.count == 1:
            return list(own)
        parts: list[Any] = [None] * self.count
        torch.distributed.all_gather_object(parts, list(own))
        return [found for found in chain(*zip_longest(*parts, fillvalue=_NOTHING)) if found is not _NOTHING]

    def total(self, value: Tensor) -> Tensor:
        """Sum over the processes, of a tensor without gradient."""
        if self.count == 1:
            return value
        found = value.detach().clone()
        torch.distributed.all_reduce(found)
        return found

    def from_first(self, value: Item) -> Item:
        """What the first process has."""
        if self.count == 1:
            return value
        parts: list[Any] = [value]
        torch.distributed.broadcast_object_list(parts, src=0)
        found: Item = parts[0]
        return found
