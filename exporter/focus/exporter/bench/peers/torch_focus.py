"""``torch_focus``: FOCUS in PyTorch, raw counts in, maps out; all of it torch operations in float32."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from focus.exporter.bench._answers import Answer, Check, check_answers
from focus.exporter.bench._networks import bundle_from_net, focus_net
from focus.exporter.bench._numpy_maps import inputs_from_cube, maps_from_attention, scores_from_logits
from focus.exporter.bench._prepared import Prepared
from focus.exporter.bench.peers._bands import BandsPeer
from focus.exporter.bench.peers._contract import Peer
from focus.exporter.export import ReadingGraph
from focus.exporter.model import FocusNet
from focus.runtime import Bundle


class TorchPipeline:
    """From a reflectance cube to the answer, for one network and its bundle."""

    def __init__(self, net: FocusNet, bundle: Bundle) -> None:
        self.bundle, self.reading = bundle, ReadingGraph(net, bundle.reading.heads)
        backbone = bundle.backbone
        self._weights = _tensor(bundle.composite_weights)
        self._mean, self._deviation = _tensor(bundle.mean), _tensor(bundle.deviation)
        self._centre = _tensor(backbone.composite_mean)[:, None, None]
        self._spread = _tensor(backbone.composite_deviation)[:, None, None]
        self._band_weight = _tensor(bundle.band_weight)
        self._reference = _tensor(bundle.reference)
        self._group_share, self._brightness = _tensor(bundle.group_share), _tensor(bundle.brightness)

    def summaries(self, cube: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised band means [1, N, C] and normalised composite [1, 3, H, W] of a cube [C, H, W]."""
        means = F.avg_pool2d(cube[None], self.bundle.backbone.patch).flatten(2).transpose(1, 2)
        composite = torch.tensordot(self._weights, cube, dims=1)
        return (means - self._mean) / self._deviation, ((composite - self._centre) / self._spread)[None]

    def answer(self, logits: Tensor, attention: Tensor, means: Tensor) -> Answer:
        """Scores, M and B, Eqs. (5) and (6), from the network's outputs."""
        shown = int(logits[0].argmax())
        place = self._group_share[shown] @ attention[0, :, shown].mean(0)
        known = means[0] != 0
        apart = (means[0] - self._reference) * known
        contrast = (apart - apart @ self._brightness.T @ self._brightness).abs() * known
        saliency = place * self._band_weight[shown][:, None] * contrast.T
        return Answer(logits[0].softmax(0).numpy(), saliency.sum(0).numpy(), saliency.amax(1).numpy())


class TorchFocus(Peer):
    """The prepared model."""

    def __init__(self, prepared: Prepared, threads: int) -> None:
        super().__init__(prepared, threads)
        torch.set_num_threads(threads)
        self._pipeline = TorchPipeline(focus_net(prepared.spec, prepared.bundle.wavelengths), prepared.bundle)
        rig = prepared.calibration
        self._dark, self._gain = torch.from_numpy(rig.dark), torch.from_numpy(rig.gain)

    @torch.inference_mode()
    def run(self) -> Answer:
        """Calibrate, summarise, infer, draw the maps."""
        with self.stage("ingest"):
            cube = (torch.from_numpy(self.raw).to(torch.float32).sub_(self._dark)).mul_(self._gain)
            means, composite = self._pipeline.summaries(cube.transpose(0, 1).contiguous())
        with self.stage("graph"):
            logits, attention, _ = self._pipeline.reading(means, composite)
        with self.stage("saliency"):
            return self._pipeline.answer(logits, attention, means)

    def facts(self) -> dict[str, object]:
        """Precision."""
        return {"precision": "fp32"}


class TorchFocusBands(BandsPeer):
    """The same over other numbers of bands, for the sweep: a network made here, checked against maps in NumPy."""

    def __init__(self, prepared: Prepared, threads: int, bands: int) -> None:
        super().__init__(prepared, threads, bands)
        spec = replace(prepared.spec, bands=bands)
        net = focus_net(spec, self.wavelengths)
        scale = np.array([prepared.bundle.backbone.composite_mean, prepared.bundle.backbone.composite_deviation])
        mean, deviation = (np.array(v)[self.index] for v in (prepared.bundle.mean, prepared.bundle.deviation))
        self._pipeline = TorchPipeline(net, bundle_from_net(spec, net, self.wavelengths, mean, deviation, scale))

    @torch.inference_mode()
    def run(self) -> Answer:
        """Calibrate, summarise, infer, draw the maps."""
        means, composite = self._pipeline.summaries(self.cube())
        logits, attention, _ = self._pipeline.reading(means, composite)
        return self._pipeline.answer(logits, attention, means)

    @torch.inference_mode()
    def check(self) -> Check:
        """Against summaries and maps in NumPy around the same network."""
        self.load(0)
        bundle = self._pipeline.bundle
        given = inputs_from_cube(self.cube().numpy(), bundle)
        means, composite = (torch.from_numpy(np.ascontiguousarray(value, np.float32))[None] for value in given)
        logits, attention, _ = self._pipeline.reading(means, composite)
        scores = scores_from_logits(logits[0].numpy())
        shown = int(scores.argmax())
        heatmap, curve = maps_from_attention(attention[0, :, shown].numpy(), given.band_means, bundle, shown)
        wanted = Answer(scores, heatmap, curve)
        return check_answers([self.run()], [wanted], self.limit, "summaries and maps in NumPy, float32")


def _tensor(values: object) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32))
