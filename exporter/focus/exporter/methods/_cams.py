"""Class activation maps: Grad-CAM and LayerCAM by pytorch-grad-cam, and the difference of means."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from pytorch_grad_cam import GradCAM, LayerCAM
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from focus.exporter.methods._adapted_vit import AdaptedViT
from focus.exporter.methods._se_cnn import SpectralSeCnn


class _OfGrid(nn.Module):
    """A network as pytorch-grad-cam takes it: one picture [1, C, rows, columns] in, logits out.

    The picture is x^ on the grid of patches, so that the package's maps come on this grid and are not blown up.
    """

    def __init__(self, net: nn.Module, composite: Tensor) -> None:
        super().__init__()
        self.net, self._composite = net, composite

    def forward(self, cells: Tensor) -> Tensor:
        return self.net(cells.flatten(2).transpose(1, 2), self._composite).logits


def grad_cam(net: AdaptedViT | SpectralSeCnn, band_means: Tensor, composite: Tensor, shown: int) -> Tensor:
    """Grad-CAM (Selvaraju et al., ICCV 2017, arXiv 1610.02391), Eqs. (1) and (2):

        M_i = relu(sum_k alpha_k A_{k,i}),   alpha_k = mean_i dy_c / dA_{k,i}

    A are the patch tokens before the last block's attention, behind its norm (the package's own choice for ViTs, see
    ``AdaptedViT.cam_layer``), or the CNN's last maps. Behind the last block tokens have mixed too far to say where.

    Args:
        band_means: [1, N, C]; composite: [1, 3, H, W].
    Returns: [N], not scaled to 0..1 as the package does for pictures: windows stay comparable.
    """
    return _cam(GradCAM, net, band_means, composite, shown)


def layer_cam(net: AdaptedViT, band_means: Tensor, composite: Tensor, shown: int) -> Tensor:
    """LayerCAM (Jiang et al., IEEE Trans. Image Process. 30, 2021, doi 10.1109/TIP.2021.3089943):

        M_i = relu(sum_k relu(dy_c / dA_{k,i}) A_{k,i})

    Arguments and A as for ``grad_cam``.
    """
    return _cam(LayerCAM, net, band_means, composite, shown)


def _cam(
    kind: Callable[..., BaseCAM], net: AdaptedViT | SpectralSeCnn, band_means: Tensor, composite: Tensor, shown: int
) -> Tensor:
    cells = band_means.transpose(1, 2).unflatten(2, net.grid).detach().requires_grad_(True)
    targets, layer = [ClassifierOutputTarget(shown)], net.cam_layer
    cam = kind(_OfGrid(net, composite), [layer], reshape_transform=net.on_grid)
    try:
        with torch.enable_grad():
            cam(cells, targets)
        watched = cam.activations_and_grads
        activations, gradients = watched.activations[0].numpy(), watched.gradients[0].numpy()
        image = cam.get_cam_image(cells, layer, targets, activations, gradients, False)
    finally:
        cam.activations_and_grads.release()
        net.zero_grad()
    return torch.from_numpy(np.maximum(image, 0.0)[0].ravel())


@torch.no_grad()
def difference_of_means(net: AdaptedViT, band_means: Tensor, composite: Tensor, shown: int) -> Tensor:
    """A class activation map along what sets a window apart from others, in the sense of DiffCAM (Li et al., CVPR
    2025), whose own equation could not be established; this is the difference of means, and named so:

        M_i = relu(w . a_i),   w = mean_i a_i - r_c,   r_c = mean over training windows of other classes of mean_i a_i

    a_i are the last patch tokens behind their norm. No gradient, and no weight of the head: the class only says whom
    the window is held against. For a regression target that is every training window.

    Args:
        band_means: [1, N, C]; composite: [1, 3, H, W].
    Returns: [N].
    """
    tokens = net.tokens(band_means, composite)[0]
    return (tokens @ (tokens.mean(dim=0) - net.reference[shown])).clamp_min(0.0)
