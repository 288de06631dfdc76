"""The two graphs that can be exported: what an engine runs, and everything in one file."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from focus.exporter.export._folded import FoldedNet
from focus.exporter.model import FocusNet
from focus.kernels._image import LEAST_SHARE
from focus.kernels._optics import trimmed_weights
from focus.runtime import Bundle


class ReadingGraph(nn.Module):
    """The engine's graph: ``band_means`` [B, N, C] and ``composite`` [B, 3, H, W] in; ``logits``, ``attention``,
    ``sink_mass`` out.

    Args:
        net: the network, in the precision that the graph shall have; folded for a file, plain to check one.
        heads: H*, the shown heads of the last block, whose attention goes out.
    """

    names = ("logits", "attention", "sink_mass")

    def __init__(self, net: FocusNet | FoldedNet, heads: tuple[int, ...]) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("heads", torch.tensor(heads), persistent=False)
        self.eval()

    heads: Tensor

    def forward(self, band_means: Tensor, composite: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits [B, K], attention [B, H*, K, G, N] and sink mass [B, H*, K, G], in the inputs' precision."""
        reading = self.net(band_means, composite)
        found = (
            reading.logits,
            reading.attention[-1].index_select(1, self.heads),
            reading.sink_mass[-1].index_select(1, self.heads),
        )
        return tuple(value.to(band_means.dtype) for value in found)


class StandaloneGraph(nn.Module):
    """One file for servers: a reflectance cube in, the engine's outputs and the maps of the predicted class out.

    ``cube`` float32 [B, C, H, W] -> ``logits``, ``attention``, ``sink_mass``, ``saliency`` T [B, C, h, w],
    ``heatmap`` M [B, h, w],
    ``curve`` B [B, C]. NaN samples are left out, as ``focus.kernels.ingest`` does. The summaries and maps are
    float32 in any precision.
    """

    names = (*ReadingGraph.names, "saliency", "heatmap", "curve")

    mean: Tensor
    deviation: Tensor
    band_weight: Tensor
    group_share: Tensor
    reference: Tensor
    brightness: Tensor
    weights: Tensor
    composite_mean: Tensor
    composite_deviation: Tensor

    def __init__(self, reading: ReadingGraph, bundle: Bundle) -> None:
        super().__init__()
        self.reading = reading
        self.patch, self.rows, self.columns = bundle.backbone.patch, bundle.backbone.rows, bundle.backbone.columns
        self.regression = bundle.task == "regression"
        floats = {
            "mean": bundle.mean,
            "deviation": bundle.deviation,
            "band_weight": bundle.band_weight,
            "group_share": bundle.group_share,
            "reference": bundle.reference,
            "brightness": bundle.brightness,
            "weights": trimmed_weights(np.array(bundle.composite_weights)),
            "composite_mean": bundle.backbone.composite_mean,
            "composite_deviation": bundle.backbone.composite_deviation,
        }
        for name, values in floats.items():
            self.register_buffer(name, torch.from_numpy(np.array(values, np.float32)), persistent=False)
        self.eval()

    def forward(self, cube: Tensor) -> tuple[Tensor, ...]:
        """See the class."""
        spectra, composite = self._summaries(cube)
        kind = self.reading.net.prompts.dtype
        logits, attention, sink_mass = self.reading(spectra.to(kind), composite.to(kind))
        saliency = self.saliency(logits, attention.float(), spectra)
        return logits, attention, sink_mass, saliency, saliency.sum(1), saliency.amax(dim=(2, 3))

    def _summaries(self, cube: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised band means [B, N, C] and the normalised composite [B, 3, H, W]."""
        good = cube == cube  # false for NaN alone, in one ONNX node
        blocks = (self.rows, self.patch, self.columns, self.patch)
        filled = torch.where(good, cube, torch.zeros_like(cube))
        counts = good.to(cube.dtype).unflatten(3, blocks[2:]).unflatten(2, blocks[:2]).sum(dim=(3, 5))
        means = filled.unflatten(3, blocks[2:]).unflatten(2, blocks[:2]).sum(dim=(3, 5)) / counts.clamp_min(1.0)
        image = self._image(filled, good.to(cube.dtype), means, counts)
        composite = (image - self.composite_mean[:, None, None]) / self.composite_deviation[:, None, None]
        spectra = (means.flatten(2).transpose(1, 2) - self.mean) / self.deviation
        missing = counts.flatten(2).transpose(1, 2) == 0
        return torch.where(missing, torch.zeros_like(spectra), spectra), composite

    def _image(self, filled: Tensor, good: Tensor, means: Tensor, counts: Tensor) -> Tensor:
        """The composite [B, 3, H, W]: a pixel averages over its valid bands, or takes its patch's band means."""
        total = self.weights.sum(dim=1)[:, None, None]
        share = torch.einsum("kc,bchw->bkhw", self.weights, good) / total
        average = torch.einsum("kc,bchw->bkhw", self.weights, filled) / share.clamp_min(LEAST_SHARE)
        known = torch.einsum("kc,bchw->bkhw", self.weights, (counts > 0).to(filled.dtype)).clamp_min(1e-6)
        of_patch = total * torch.einsum("kc,bchw->bkhw", self.weights, means) / known
        fill = of_patch.repeat_interleave(self.patch, 2).repeat_interleave(self.patch, 3)
        return torch.where(share >= LEAST_SHARE, average, fill)

    def saliency(self, logits: Tensor, attention: Tensor, spectra: Tensor) -> Tensor:
        """T, Eq. (5), of the predicted class (regression: of the first target), [B, C, h, w].

        Args:
            logits: [B, K].
            attention: float32 [B, H*, K, G, N].
            spectra: float32 [B, N, C], standardised band means.
        """
        chosen = torch.zeros_like(logits[:, 0], dtype=torch.int64) if self.regression else logits.argmax(dim=1)
        mean = attention.mean(dim=1)
        index = chosen[:, None, None, None].expand(-1, -1, mean.shape[2], mean.shape[3])
        place = (mean.gather(1, index)[:, 0] * self.group_share.index_select(0, chosen)[:, :, None]).sum(dim=1)
        weighed = self._contrast(spectra) * self.band_weight.index_select(0, chosen)[:, None]
        return (place[:, None] * weighed.transpose(1, 2)).unflatten(2, (self.rows, self.columns))

    def _contrast(self, spectra: Tensor) -> Tensor:
        """D [B, N, C], see ``focus.kernels.contrast``."""
        missing, none = spectra == 0, torch.zeros_like(spectra)
        apart = torch.where(missing, none, spectra - self.reference)
        if len(self.brightness):
            apart = apart - apart @ self.brightness.T @ self.brightness
        return torch.where(missing, none, apart.abs())
