"""A checkpoint, and the same network without what it learnt."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn

from focus.exporter.evaluate._contract import Answer, Array, FocusNetwork
from focus.exporter.model import FocusNet, quick_passes
from focus.runtime import Bundle

#: Windows in one pass.
AT_ONCE = {"cpu": 16, "cuda": 128}


class TorchNetwork(FocusNetwork):
    """Reads windows through torch; float32, unless they are watched.

    Args:
        net: in eval mode.
        bundle: its facts.
    """

    def __init__(self, net: FocusNet, bundle: Bundle) -> None:
        self.net, self.bundle = net, bundle
        self._heads = list(bundle.reading.heads)
        self._others = [head for head in range(bundle.backbone.heads) if head not in self._heads]

    def answer(self, spectra: Array, composite: Array) -> Answer:
        """See ``FocusNetwork.answer``."""
        step = AT_ONCE[self.net.adapter.device.type]
        parts = [self._pass(spectra[i : i + step], composite[i : i + step]) for i in range(0, len(spectra), step)]
        return _joined(parts)

    def watch(self, spectra: Array, composite: Array) -> Array:
        """See ``Explainer.watch``."""
        with quick_passes(self.net, self.net.adapter.device, spectra.shape[1]):
            return self.read(spectra, composite)

    @torch.no_grad()
    def _pass(self, spectra: Array, composite: Array) -> Answer:
        device = self.net.adapter.device
        reading = self.net(torch.from_numpy(spectra).to(device), torch.from_numpy(composite).to(device))
        blocks = tuple(_array(block[:, self._heads]) for block in reading.attention)
        sink = _array(reading.sink_mass[-1])
        others = sink[:, self._others] if self._others else None
        return Answer(_array(reading.logits), blocks[-1], sink[:, self._heads], others, blocks)


@torch.no_grad()
def untrained_prompts(net: FocusNet, bundle: Bundle, seed: int) -> TorchNetwork:
    """The same network with prompts as training would start from; adapter, [SINK] and backbone stay.

    What groups and bands add, and what the prompts see, was measured with the trained ones: here
    T = mean_g Abar_g ||Phi|| |(I - U^T U) x^|.
    """
    control = _with_start(net, seed)
    return TorchNetwork(control, _with_reading(bundle, control))


@torch.no_grad()
def randomised(net: FocusNet, bundle: Bundle, seed: int) -> TorchNetwork:
    """The same network with nothing learnt: prompts as at the start, adapter and [SINK] drawn with the mean and the
    deviation of the learnt ones (an adapter starts at zero, which has no map). The backbone stays.
    """
    control = _with_start(net, seed)
    for offset, value in enumerate((control.adapter, control.sink), start=1):
        noise = torch.randn(value.shape, generator=torch.Generator().manual_seed(seed + offset))
        value.copy_(value.mean() + value.std() * noise.to(value.device))
    return TorchNetwork(control, _with_reading(bundle, control))


def _with_start(net: FocusNet, seed: int) -> FocusNet:
    """A copy with prompts, and what reads them, as at the start."""
    control, generator = deepcopy(net), torch.Generator().manual_seed(seed)
    start = nn.init.trunc_normal_(torch.empty(control.prompts.shape), std=0.02, generator=generator)
    control.prompts.copy_(start)
    if control.read_vectors is not None:
        control.read_vectors.copy_(start)
    return control


def _with_reading(bundle: Bundle, net: FocusNet) -> Bundle:
    reading = bundle.reading.model_copy(update={"band_share": None, "group_share": None, "reference": None})
    norms = tuple(net.adapter.float().norm(dim=1).tolist())
    facts = bundle.model_copy(update={"reading": reading, "adapter_norm": norms})
    return Bundle.model_validate(facts.model_dump())


def _joined(parts: Sequence[Answer]) -> Answer:
    """The answers of some passes as one."""
    others = [part.other_sink for part in parts if part.other_sink is not None]
    return Answer(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.attention for part in parts]),
        np.concatenate([part.sink for part in parts]),
        np.concatenate(others) if others else None,
        tuple(np.concatenate(blocks) for blocks in zip(*(part.blocks for part in parts), strict=True)),
    )


def _array(values: Tensor) -> Array:
    found: Array = values.float().cpu().numpy()
    return found
