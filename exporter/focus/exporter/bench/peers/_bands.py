"""What the peers of the sweep share: some of the sensor's bands, the same frozen backbone, float32."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from focus.exporter.bench._answers import Answer
from focus.exporter.bench._band_nets import BandTokens
from focus.exporter.bench._cubes import band_index
from focus.exporter.bench._networks import focus_net
from focus.exporter.bench._prepared import Prepared
from focus.exporter.bench.peers._contract import Peer


class BandsPeer(Peer):
    """A torch network over C of the sensor's bands; its raw cube holds these bands alone.

    Args:
        bands: C, evenly spread; the prepared model's number at most.
    """

    limit = 1e-3

    def __init__(self, prepared: Prepared, threads: int, bands: int) -> None:
        super().__init__(prepared, threads)
        torch.set_num_threads(threads)
        self.bands, self._all = bands, self.raw
        self.index = band_index(bands, prepared.spec.bands)
        self.wavelengths = prepared.bundle.wavelengths[self.index]
        rig = prepared.calibration
        self.dark, self.gain = (torch.from_numpy(values[self.index]) for values in (rig.dark, rig.gain))

    def load(self, number: int) -> None:
        """Brings the chosen bands of a cube."""
        self.prepared.read(number, self._all)
        self.raw = np.ascontiguousarray(self._all[:, self.index])

    def cube(self) -> Tensor:
        """Reflectance, float32 [C, H, W]."""
        counts = torch.from_numpy(self.raw).to(torch.float32)
        return counts.sub_(self.dark).mul_(self.gain).transpose(0, 1).contiguous()

    def facts(self) -> dict[str, object]:
        """Precision and bands."""
        return {"precision": "fp32", "bands": self.bands}


class TokenPeer(BandsPeer):
    """A network that makes tokens of every band's patches [C, N, p p] and reads its scores off a class token.

    Args:
        bands: as for ``BandsPeer``.
        blocks: how many of the backbone's blocks are run; None runs all. All of them cost the same, so that one tells
            the time of L where that would take too long, and the peak memory as well.
    """

    #: Which network.
    kind: type[BandTokens]

    def __init__(self, prepared: Prepared, threads: int, bands: int, blocks: int | None = None) -> None:
        super().__init__(prepared, threads, bands)
        backbone = focus_net(prepared.spec, prepared.bundle.wavelengths).backbone
        torch.manual_seed(2)
        self.net = self.kind(backbone, bands, prepared.spec.classes, blocks)

    def patches(self) -> Tensor:
        """The cube cut into patches, float32 [C, N, p p]."""
        patch = self.prepared.bundle.backbone.patch
        return self.cube().unfold(1, patch, patch).unfold(2, patch, patch).flatten(3).flatten(1, 2)

    @torch.inference_mode()
    def run(self) -> Answer:
        """Calibrate, then the network."""
        return Answer(self.net(self.patches()).numpy())
