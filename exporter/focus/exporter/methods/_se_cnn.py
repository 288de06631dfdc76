"""A small CNN over the patch grid whose bands pass a squeeze-and-excitation gate. In place of the paper's "SANet",
which is a visual tracker.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from focus.exporter.model import TrainableNet

#: Bands share C / 8 hidden numbers in the gate; the paper's ratio is 16, over many more channels.
REDUCTION = 8

WIDTH = 64

#: Edges of the residual convolutions' kernels, in patches.
KERNELS = (1, 1, 3)


class GatedReading(NamedTuple):
    """What the CNN says of B windows; float32.

    Attributes:
        logits: [B, K].
        gates: [B, C], e.
    """

    logits: Tensor
    gates: Tensor


class SpectralSeCnn(TrainableNet):
    """Squeeze and excitation (Hu et al., CVPR 2018, arXiv 1709.01507) over bands:

        s = mean_i x^_i,   e = sigmoid(W_2 relu(W_1 s)),   x'_{lambda,i} = e_lambda x^_{lambda,i}

    then h = W x' + PatchConv(composite) on the grid of patches, two 1 x 1 and one 3 x 3 residual convolutions, the mean
    over patches, and a linear head. It reads what FOCUS reads. Nothing of it is frozen: there is no backbone. There is
    no norm in it either: norms over the map or over a patch's channels took a third of the accuracy, as they take out
    how bright a patch is.

    Args:
        bands: C; classes: K, classes or regression targets.
        grid: rows and columns of patches; patch: edge of a patch in samples.
    """

    def __init__(self, bands: int, classes: int, grid: tuple[int, int], patch: int) -> None:
        super().__init__()
        self.grid = grid
        hidden = max(4, bands // REDUCTION)
        self.gate = nn.Sequential(nn.Linear(bands, hidden), nn.ReLU(), nn.Linear(hidden, bands), nn.Sigmoid())
        self.spectrum = nn.Conv2d(bands, WIDTH, 1)
        self.texture = nn.Conv2d(3, WIDTH, patch, patch)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.GELU(), nn.Conv2d(WIDTH, WIDTH, kernel, padding=kernel // 2)) for kernel in KERNELS
        )
        #: Where CAMs look: the last maps, [B, 64, rows, columns].
        self.cam_layer = nn.GELU()
        self.head = nn.Linear(WIDTH, classes)

    def on_grid(self, seen: Tensor) -> Tensor:
        """What ``cam_layer`` gives, as it is."""
        return seen

    def forward(self, band_means: Tensor, composite: Tensor) -> GatedReading:
        """One pass over band means [B, N, C] and composite [B, 3, H, W]."""
        gates = self.gate(band_means.mean(dim=1))
        return GatedReading(self.after_gates(band_means, composite, gates), gates.float())

    def after_gates(self, band_means: Tensor, composite: Tensor, gates: Tensor) -> Tensor:
        """Logits float32 [B, K] with the gates [B, C] given."""
        cells = (band_means * gates[:, None]).transpose(1, 2).unflatten(2, self.grid)
        maps = self.spectrum(cells) + self.texture(composite)
        for layer in self.layers:
            maps = maps + layer(maps)
        return self.head(self.cam_layer(maps).mean(dim=(2, 3))).float()


def gate_sensitivity(net: SpectralSeCnn, band_means: Tensor, composite: Tensor, shown: int) -> Tensor:
    """w_lambda = |e_lambda dy_c / de_lambda|, the gates held apart from the spectra that set them: by how much the
    logit falls, to first order, where the network's own gate closes on a band.

    Args:
        band_means: [1, N, C]; composite: [1, 3, H, W].
    Returns: [C].
    """
    with torch.enable_grad():
        gates = net.gate(band_means.mean(dim=1)).detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(net.after_gates(band_means, composite, gates)[0, shown], gates)
    return (gates * gradient)[0].abs().detach()
