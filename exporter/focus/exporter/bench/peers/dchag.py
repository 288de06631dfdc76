"""``dchag_style``: tokens of each band, drawn together to one token a patch by cross-attention, as D-CHAG does on one
device.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from focus.exporter.bench._answers import Answer, Check, check_answers
from focus.exporter.bench._prepared import Prepared
from focus.exporter.bench.peers._bands import TokenPeer


class DchagStyle(TokenPeer):
    """A patch embedding of each band's own, then a learned query that attends, patch by patch, to its C band tokens.
    Only N tokens enter the blocks.
    """

    def __init__(self, prepared: Prepared, threads: int, bands: int, blocks: int | None = None) -> None:
        super().__init__(prepared, threads, bands, blocks)
        width, area = self.backbone.embed_dim, prepared.bundle.backbone.patch**2
        self._heads = self.backbone.blocks[0].attn.num_heads
        self._embed = torch.randn(bands, area, width) / area**0.5
        self._query = 0.02 * torch.randn(self._heads, 1, width // self._heads)
        self._keys, self._values, self._out = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, written_out: bool) -> Tensor:
        """See ``TokenPeer.forward``."""
        tokens = torch.bmm(self.patches(), self._embed).add_(self.band_embedding).transpose(0, 1)
        keys, values = (
            part(tokens).unflatten(-1, (self._heads, -1)).transpose(1, 2) for part in (self._keys, self._values)
        )
        query = self._query.expand(len(tokens), -1, -1, -1)
        if written_out:
            logits = query @ keys.transpose(-1, -2) / query.shape[-1] ** 0.5
            mixed = logits.softmax(-1) @ values
        else:
            mixed = F.scaled_dot_product_attention(query, keys, values)
        joined = self._out(mixed.transpose(1, 2).flatten(1)) + self.position
        return self.through_blocks(joined, written_out)

    @torch.inference_mode()
    def check(self) -> Check:
        """The same, with every attention written out."""
        self.load(0)
        found, wanted = (self.forward(written_out).numpy() for written_out in (False, True))
        reference = "its attention written out in torch, float32"
        return check_answers([Answer(found)], [Answer(wanted)], self.limit, reference)
