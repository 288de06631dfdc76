"""Integrated gradients of the bands, by captum."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from focus.exporter.evaluate._contract import Array
from focus.exporter.model import TrainableNet, quick_passes
from focus.kernels import Saliency
from focus.runtime import Bundle

#: Points of the path (Gauss-Legendre): captum's own number, and that of meteors.
STEPS = 50

#: So many of them in one pass.
AT_ONCE = 25


def attributions(
    net: TrainableNet, bundle: Bundle, band_means: Tensor, composite: Tensor, shown: int, *, quick: bool = False
) -> Array:
    """Integrated gradients (Sundararajan et al., ICML 2017, arXiv 1703.01365) from the training set's mean spectrum:

        IG_j = (x_j - x'_j) int_0^1 dy_c / dx_j (x' + a (x - x')) da

    over both inputs: x^, whose baseline is 0, and the composite, whose baseline is the composite of the mean spectrum.
    A pixel of the composite is a weighted sum of bands, u_k = sum_lambda W_{k,lambda} R_lambda, so what a patch's
    pixels of channel k got goes to the bands by their weight, and nothing is lost:

        S_{lambda,i} = IG_{x^ lambda,i} + sum_k W_{k,lambda} / (sum_mu W_{k,mu}) sum_{p in i} IG_{u k,p}
        sum_{lambda,i} S = y_c(x) - y_c(x')          (completeness, to the error of the integral)

    Args:
        band_means: [1, N, C]; composite: [1, 3, H, W].
        quick: in the precision of a training, see ``quick_passes``.
    Returns: S, float64 [C, N], with its sign.
    """
    backbone = bundle.backbone
    weights = np.array(bundle.composite_weights)
    mean = weights @ np.array(bundle.mean)
    baseline = (mean - np.array(backbone.composite_mean)) / np.array(backbone.composite_deviation)
    start = torch.from_numpy(baseline).to(composite)[None, :, None, None].expand_as(composite)
    inputs = tuple(value.detach().clone().requires_grad_(True) for value in (band_means, composite))
    passes = quick_passes(net, composite.device, band_means.shape[1]) if quick else nullcontext()
    with torch.enable_grad(), passes:
        of_bands, of_pixels = IntegratedGradients(lambda *given: net(*given).logits).attribute(
            inputs,
            (torch.zeros_like(band_means), start),
            target=shown,
            n_steps=STEPS,
            internal_batch_size=AT_ONCE,
        )
    blocks = of_pixels[0].detach().double().cpu().numpy()
    blocks = blocks.reshape(3, backbone.rows, backbone.patch, backbone.columns, backbone.patch).sum(axis=(2, 4))
    shares = weights / weights.sum(axis=1, keepdims=True)
    found: Array = of_bands[0].detach().double().cpu().numpy().T + shares.T @ blocks.reshape(3, -1)
    return found


def maps_of_attributions(cube: Array) -> Saliency:
    """T = |S|, and Eq. (6) of FOCUS: M_i = sum_lambda T, B_lambda = max_i T.

    Args:
        cube: S [C, N].
    """
    size = np.abs(cube)
    return Saliency(*(part.astype(np.float32) for part in (size, size.sum(axis=0), size.max(axis=1))))


def spectral_maps_of_attributions(cube: Array) -> Saliency:
    """What the library meteors draws of the same attributions: T = |S|, the heatmap M_i = |sum_lambda S_{lambda,i}|,
    and the spectral attribution B_lambda = sum_i |S_{lambda,i}|.

    Args:
        cube: S [C, N].
    """
    size = np.abs(cube)
    return Saliency(*(part.astype(np.float32) for part in (size, np.abs(cube.sum(axis=0)), size.sum(axis=1))))
