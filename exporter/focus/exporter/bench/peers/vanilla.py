"""``vanilla_full_spectrum``: a token for each band and patch, C N of them, all attending to all."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from focus.exporter.bench._answers import Answer, Check, check_answers
from focus.exporter.bench._prepared import Prepared
from focus.exporter.bench.peers._bands import TokenPeer

#: Bands that the written-out attention of the check is formed over: its memory grows with their square.
CHECKED_BANDS = 2


class Vanilla(TokenPeer):
    """One linear patch embedding for all bands, band and position embeddings, fused attention (torch's SDPA), so that
    memory grows with the tokens and not with their square.
    """

    def __init__(self, prepared: Prepared, threads: int, bands: int, blocks: int | None = None) -> None:
        super().__init__(prepared, threads, bands, blocks)
        self._embed = nn.Linear(prepared.bundle.backbone.patch**2, self.backbone.embed_dim)
        self._read = bands

    def forward(self, written_out: bool) -> Tensor:
        """See ``TokenPeer.forward``."""
        patches = self.patches()[: self._read]
        tokens = self._embed(patches) + self.band_embedding[: self._read] + self.position
        return self.through_blocks(tokens.flatten(0, 1), written_out)

    @torch.inference_mode()
    def check(self) -> Check:
        """A few bands, with the attention written out."""
        self.load(0)
        self._read = min(CHECKED_BANDS, self.bands)
        found, wanted = (self.forward(written_out).numpy() for written_out in (False, True))
        self._read = self.bands
        reference = f"its attention over {CHECKED_BANDS} bands written out in torch, float32"
        return check_answers([Answer(found)], [Answer(wanted)], self.limit, reference)
