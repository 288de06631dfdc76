"""Which heads the maps show: those that point at what the answer needs, found by taking it away."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from focus.exporter._blas import one_blas_thread
from focus.exporter.metrics import from_neighbours
from focus.exporter.model import FocusNet
from focus.exporter.training._batches import Batches, spread

#: Training windows of which patches are taken away, spread evenly.
MOST_WINDOWS = 128

#: Share of a window's patches that is taken away, at least one.
REMOVED_SHARE = 0.1


class _Looked(NamedTuple):
    """B windows as they are: what goes in, what comes out, and where each head looks.

    Attributes:
        spectra, composite, targets: see ``Batches``.
        logits: [B, K].
        looks: [B, H, N], attention of the window's class, mean over its groups; regression: over all targets, too.
    """

    spectra: Tensor
    composite: Tensor
    targets: Tensor
    logits: Tensor
    looks: Tensor


@torch.no_grad()
def shown_heads(net: FocusNet, batches: Batches, chosen: NDArray[np.int64], batch: int) -> tuple[int, ...]:
    """The heads of the last block that lose the answer together.

    Heads are put in the order of what is lost (``lost``) without the 10 % of the patches that each looks at most. Of
    the first one, the first two, ... and all, those are shown without whose patches, by their mean attention, most is
    lost. A single head where one alone knows the place, all where none stands out.

    Args:
        net: in eval mode.
        chosen: indices of windows; at most 128 of them are read.
        batch: windows at once.
    """
    windows = [_look(net, batches, part) for part in batches.shared(spread(chosen, MOST_WINDOWS), batch)]
    grid = net.backbone.patch_embed.grid_size

    def lost_without(heads: list[int]) -> float:
        found = [_lost(net, one, heads, grid) for one in windows]
        return float(np.concatenate(batches.processes.gathered(found)).mean())

    with one_blas_thread():
        return best_together(net.backbone.blocks[-1].attn.num_heads, lost_without)


def best_together(heads: int, lost_without: Callable[[list[int]], float]) -> tuple[int, ...]:
    """Of the heads in the order of what is lost without each, the first so many without which most is lost."""
    alone = [lost_without([head]) for head in range(heads)]
    order = np.argsort(-np.array(alone), kind="stable").tolist()
    together = [alone[order[0]]] + [lost_without(order[:count]) for count in range(2, heads + 1)]
    return tuple(sorted(order[: int(np.argmax(together)) + 1]))


def lost(whole: Tensor, without: Tensor, targets: Tensor) -> Tensor:
    """What an answer loses, [B]: of the log-probability of the window's class, or, for targets, of the standardised
    output on the side of the mean on which it was, mean over the targets.

    Args:
        whole, without: logits [B, K] with and without something.
        targets: int64 [B] classes, or float32 [B, K].
    """
    if targets.is_floating_point():
        return ((whole - without) * whole.sign()).mean(dim=1)
    return F.cross_entropy(without, targets, reduction="none") - F.cross_entropy(whole, targets, reduction="none")


def _look(net: FocusNet, batches: Batches, indices: NDArray[np.int64]) -> _Looked:
    spectra, composite = batches.inputs(indices)
    targets = batches.targets(indices)
    reading = net(spectra, composite)
    looks = reading.attention[-1].mean(dim=3)
    own = looks.mean(dim=2) if targets.is_floating_point() else looks[torch.arange(len(indices)), :, targets]
    return _Looked(spectra, composite, targets, reading.logits, own)


def _lost(net: FocusNet, windows: _Looked, heads: list[int], grid: tuple[int, int]) -> NDArray[np.float64]:
    looks = windows.looks[:, heads].mean(dim=1)
    count = min(max(1, round(REMOVED_SHARE * looks.shape[1])), looks.shape[1] - 1)
    removed = torch.zeros_like(looks, dtype=torch.bool).scatter_(1, looks.topk(count).indices, True)
    without = net(*without_patches(windows.spectra, windows.composite, removed, grid)).logits
    found: NDArray[np.float64] = lost(windows.logits, without, windows.targets).double().cpu().numpy()
    return found


def without_patches(
    spectra: Tensor, composite: Tensor, removed: Tensor, grid: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Windows whose removed patches have become what their neighbours are (``from_neighbours``), without detail.

    Args:
        spectra: [B, N, C]; composite: [B, 3, H, W]; removed: bool [B, N], never all of a window.
        grid: rows and columns of patches.
    """
    rows, columns = grid
    cells = composite.unflatten(3, (columns, -1)).unflatten(2, (rows, -1))  # [B, 3, rows, P, columns, P]
    levels = cells.mean(dim=(3, 5)).flatten(2).transpose(1, 2)
    both, masks = torch.cat([spectra, levels], dim=2).cpu().numpy(), removed.cpu().numpy()
    filled = np.stack([from_neighbours(values, mask, grid) for values, mask in zip(both, masks, strict=True)])
    found = torch.from_numpy(filled).to(spectra)
    plain = found[..., -3:].transpose(1, 2).unflatten(2, grid)[:, :, :, None, :, None]
    holes = removed.unflatten(1, grid)[:, None, :, None, :, None]
    return found[..., :-3], torch.where(holes, plain, cells).reshape(composite.shape)
