"""``vanilla_full_spectrum``: a token for each band and patch, C N of them, all attending to all."""

from __future__ import annotations

import torch

from focus.exporter.bench._answers import Answer, Check, check_answers
from focus.exporter.bench._band_nets import FullSpectrum
from focus.exporter.bench.peers._bands import TokenPeer

#: Bands that the written-out attention of the check is formed over: its memory grows with their square.
CHECKED_BANDS = 2


class Vanilla(TokenPeer):
    """See ``FullSpectrum``; fused attention (torch's SDPA), so that memory grows with the tokens and not with their
    square.
    """

    kind = FullSpectrum

    @torch.inference_mode()
    def check(self) -> Check:
        """A few bands, with the attention written out."""
        self.load(0)
        some = self.patches()[: min(CHECKED_BANDS, self.bands)]
        found, wanted = (self.net(some, written_out).numpy() for written_out in (False, True))
        reference = f"its attention over {CHECKED_BANDS} bands written out in torch, float32"
        return check_answers([Answer(found)], [Answer(wanted)], self.limit, reference)
