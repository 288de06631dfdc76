"""Batches of standardised windows, in an order that depends on seed and epoch alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from focus.exporter.data import WindowSet
from focus.exporter.training._processes import Processes
from focus.exporter.training._statistics import Statistics


class Batches:
    """Tensors of a data set's windows as the network wants them.

    Args:
        windows: the data set.
        statistics: of its training split.
        device: where tensors go.
        processes: who reads them.
    """

    def __init__(
        self, windows: WindowSet, statistics: Statistics, device: torch.device, processes: Processes | None = None
    ) -> None:
        self.windows, self.device, self.processes = windows, device, processes or Processes()
        self._mean = torch.from_numpy(statistics.mean).float()
        self._deviation = torch.from_numpy(statistics.deviation).float()
        self._composite_mean = torch.from_numpy(statistics.composite_mean).float()[:, None, None]
        self._composite_deviation = torch.from_numpy(statistics.composite_deviation).float()[:, None, None]
        targets = torch.from_numpy(windows.targets)
        if windows.task == "regression":
            centre, spread = statistics.target_mean, statistics.target_deviation
            targets = ((targets - torch.from_numpy(centre)) / torch.from_numpy(spread)).float()
        self._targets = targets

    def inputs(self, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Standardised band means [B, N, C] and normalised composite [B, 3, H, W], float32."""
        means = torch.from_numpy(self.windows.band_means[chosen])
        means = torch.nan_to_num((means - self._mean) / self._deviation, nan=0.0, posinf=0.0, neginf=0.0)
        composite = torch.from_numpy(self.windows.composite[chosen]).float()
        composite = (composite - self._composite_mean) / self._composite_deviation
        return means.to(self.device), composite.to(self.device)

    def targets(self, chosen: NDArray[np.int64]) -> Tensor:
        """Class indices int64 [B], or standardised targets float32 [B, K]."""
        return self._targets[torch.from_numpy(chosen)].to(self.device)

    def in_order(self, chosen: NDArray[np.int64], batch: int) -> Iterator[NDArray[np.int64]]:
        """Indices of consecutive batches."""
        for start in range(0, len(chosen), batch):
            yield chosen[start : start + batch]

    def shared(self, chosen: NDArray[np.int64], batch: int) -> Iterator[NDArray[np.int64]]:
        """This process's share of them: ``processes.gathered`` makes a list of one item a batch whole again."""
        return islice(self.in_order(chosen, batch), self.processes.rank, None, self.processes.count)


def spread(chosen: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of some windows, evenly spread over them."""
    return chosen[np.unique(np.linspace(0, len(chosen) - 1, most).round().astype(int))]


def epoch_order(
    chosen: NDArray[np.int64], batch: int, seed: int, epoch: int, processes: int = 1
) -> list[NDArray[np.int64]]:
    """A permutation in batches of nearly equal size, the same for the same seed and epoch whatever came before.

    Near-equal batches: a last batch of one window would pull as hard as a full one.

    Args:
        processes: how many share each batch; the batches are the same for any number.
    Raises:
        ValueError: a batch has fewer windows than processes.
    """
    order = np.random.default_rng([seed, epoch, 0]).permutation(chosen)
    batches = np.array_split(order, -(-len(order) // batch))
    if len(batches[-1]) < processes:
        raise ValueError(
            f"batches of {len(batches[-1])} windows cannot be shared by {processes} processes; start fewer, or give a "
            "larger --batch"
        )
    return batches


def random_moves(windows: int, grid: tuple[int, int], rng: np.random.Generator) -> NDArray[np.int64]:
    """A turn and a flip for each window of a batch, for ``flip``; an oblong window keeps its lie."""
    turns = 1 if grid[0] == grid[1] else 2
    return rng.integers(0, 4 // turns, windows) * turns + 4 * rng.integers(0, 2, windows)


def flip(means: Tensor, composite: Tensor, grid: tuple[int, int], moves: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Turns and flips each window, band means on the patch grid and composite alike.

    Args:
        means: [B, N, C]; composite: [B, 3, H, W].
        grid: rows and columns of patches.
        moves: int64 [B], from ``random_moves``.
    """
    cells = means.unflatten(1, grid)
    turned_means, turned_composite = torch.empty_like(cells), torch.empty_like(composite)
    for move in np.unique(moves):
        chosen = torch.from_numpy(np.flatnonzero(moves == move)).to(means.device)
        turned_means[chosen] = _move(cells[chosen], int(move), (1, 2))
        turned_composite[chosen] = _move(composite[chosen], int(move), (2, 3))
    return turned_means.flatten(1, 2), turned_composite


def _move(values: Tensor, move: int, axes: tuple[int, int]) -> Tensor:
    turned = torch.rot90(values, move % 4, axes)
    return turned.flip(axes[1]) if move >= 4 else turned
