"""``dchag_style``: tokens of each band, drawn together to one token a patch by cross-attention, as D-CHAG does on one
device.
"""

from __future__ import annotations

import torch

from focus.exporter.bench._answers import Answer, Check, check_answers
from focus.exporter.bench._band_nets import ChannelAggregation
from focus.exporter.bench.peers._bands import TokenPeer


class DchagStyle(TokenPeer):
    """See ``ChannelAggregation``."""

    kind = ChannelAggregation

    @torch.inference_mode()
    def check(self) -> Check:
        """The same, with every attention written out."""
        self.load(0)
        found, wanted = (self.net(self.patches(), written_out).numpy() for written_out in (False, True))
        reference = "its attention written out in torch, float32"
        return check_answers([Answer(found)], [Answer(wanted)], self.limit, reference)
