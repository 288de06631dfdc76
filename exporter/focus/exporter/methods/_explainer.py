"""A trained network and one way to make maps of it, as ``focus.exporter.evaluate`` asks for them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from focus.exporter.evaluate._contract import Array
from focus.exporter.evaluate._torch import AT_ONCE
from focus.exporter.model import TrainableNet, quick_passes
from focus.kernels import Saliency
from focus.runtime import Bundle

#: From x^ [1, N, C], the composite [1, 3, H, W] and the shown class or target to maps.
Maps = Callable[[Tensor, Tensor, int], Saliency]


class TorchExplainer:
    """An ``Explainer`` of a network in torch; float32, unless it is watched.

    Args:
        net: in eval mode, on the device where it is to run.
        bundle: sensor, standardisation, classes and window that it was trained with.
        maps: how its maps are made.
    """

    def __init__(self, net: TrainableNet, bundle: Bundle, maps: Maps) -> None:
        self.net, self.bundle, self._maps = net, bundle, maps
        self._device = next(net.parameters()).device

    @torch.no_grad()
    def read(self, spectra: Array, composite: Array) -> Array:
        """See ``Explainer.read``."""
        step = AT_ONCE[self._device.type]
        parts = [self._given(spectra[i : i + step], composite[i : i + step]) for i in range(0, len(spectra), step)]
        found: Array = torch.cat([self.net(*part).logits for part in parts]).float().cpu().numpy()
        return found

    def watch(self, spectra: Array, composite: Array) -> Array:
        """See ``Explainer.watch``."""
        with quick_passes(self.net, self._device, spectra.shape[1]):
            return self.read(spectra, composite)

    def explain(self, spectra: Array, composite: Array, shown: int) -> Saliency:
        """See ``Explainer.explain``."""
        return self._maps(*self._given(spectra[None], composite[None]), shown)

    def _given(self, spectra: Array, composite: Array) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(spectra).to(self._device), torch.from_numpy(composite).to(self._device)


def maps_of_heatmap(heatmap: Tensor, band_means: Tensor, band_weight: Tensor | None = None) -> Saliency:
    """Maps of a method that says where, and not at which wavelengths: what a user of it really gets is the hot spot,
    and there the bands that stand out from the training set's mean.

        T_{lambda,i} = M_i |x^_{lambda,i}|,   B_lambda = max_i T

    Args:
        heatmap: M, [N], at least 0; band_means: x^, [1, N, C].
        band_weight: [C], what takes the place of |x^| in a network that weighs its bands.
    """
    weight = band_means[0].abs() if band_weight is None else band_weight.expand_as(band_means[0])
    heatmap = heatmap.to(weight.device)
    cube = (heatmap[:, None] * weight).T
    return Saliency(*(part.detach().float().cpu().numpy() for part in (cube, heatmap, cube.amax(dim=1))))


def by_patch(heatmap: Callable[[Tensor, Tensor, int], Tensor]) -> Maps:
    """Maps of a heatmap [N], see ``maps_of_heatmap``."""
    return lambda band_means, composite, shown: maps_of_heatmap(heatmap(band_means, composite, shown), band_means)
