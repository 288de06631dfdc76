"""FOCUS' Eq. (5) to the letter, for comparison."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from focus.exporter.model import FocusNet
from focus.kernels import Saliency
from focus.runtime import Bundle


@torch.no_grad()
def literal_maps(net: FocusNet, bundle: Bundle, band_means: Tensor, composite: Tensor, shown: int) -> Saliency:
    """Eqs. (5) and (6) of FOCUS (arXiv 2507.14787) as they are written, without norms:

        T_{lambda,i} = Abar_{c,g(lambda),i},   M_i = sum_lambda T,   B_lambda = max_i T

    T is constant within a band group, so that B cannot name a band: k bands out of tied ones, which BIO counts by
    expectation. The paper's network has its prompts in all blocks: train with ``read_blocks`` = L. Abar is the mean
    over the heads that the bundle shows, so that these maps differ from FOCUS' own in T alone.

    Args:
        band_means: [1, N, C]; composite: [1, 3, H, W].
    """
    attention = net(band_means, composite).attention[-1][0, list(bundle.reading.heads), shown]
    cube = attention.double().mean(dim=0).cpu().numpy()[bundle.group_of_band]
    return Saliency(*(part.astype(np.float32) for part in (cube, cube.sum(axis=0), cube.max(axis=1))))
