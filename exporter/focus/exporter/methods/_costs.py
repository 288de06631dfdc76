"""What methods cost: parameters, floating-point operations, and time beside the plain ViT."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from focus.exporter.bench._band_nets import BandTokens, ChannelAggregation, FullSpectrum
from focus.exporter.evaluate import Explainer
from focus.exporter.evaluate._contract import Array

#: Networks that are compared for their cost alone.
COST_ONLY: dict[str, type[BandTokens]] = {"full-spectrum-vit": FullSpectrum, "d-chag-style": ChannelAggregation}


class Size(NamedTuple):
    """Parameters that training moves, and those that it leaves alone."""

    trainable: int
    frozen: int


class Latency(NamedTuple):
    """Median time of prediction and explanation of one window in ms, and its ratio to a pass of the plain ViT."""

    milliseconds: float
    ratio: float


def size_of(net: nn.Module) -> Size:
    """Counts a network's parameters."""
    counts = [(value.numel(), value.requires_grad) for value in net.parameters()]
    return Size(sum(n for n, moved in counts if moved), sum(n for n, moved in counts if not moved))


class _Counter(TorchDispatchMode):
    """Adds up what ``flop_registry`` has a formula for. ``FlopCounterMode`` also tells which module it was, by hooks
    that fail on views of parameters without gradient, such as FOCUS' prompts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        found = function(*args, **given)
        formula = flop_registry.get(function._overloadpacket)
        if formula is not None:
            self.total += int(formula(*args, **given, out_val=found))
        return found


def count_flops(work: Callable[[], object]) -> int:
    """Floating-point operations of whatever torch does in ``work``, backward passes included; a multiply-add counts
    two. Products of matrices, convolutions and attention count (``torch.utils.flop_counter``), sums, norms and
    activations do not.
    """
    with _Counter() as counter:
        work()
    return counter.total


def prediction_flops(explainer: Explainer, spectra: Array, composite: Array) -> int:
    """Operations of one pass over a window.

    Args:
        spectra: float32 [N, C], x^; composite: float32 [3, H, W], normalised.
    """
    return count_flops(lambda: explainer.read(spectra[None], composite[None]))


def explanation_flops(explainer: Explainer, spectra: Array, composite: Array) -> int:
    """Operations of the maps of a window. A pass is among them, which gives the prediction as well."""
    return count_flops(lambda: explainer.explain(spectra, composite, 0))


def plain_flops(backbone: VisionTransformer, classes: int, composite: Array) -> int:
    """Operations of the plain ViT: three channels in, a linear head out."""
    return count_flops(_plain(backbone, classes, composite))


def cost_only(name: str, backbone: VisionTransformer, bands: int, classes: int) -> tuple[Size, int]:
    """Parameters, and operations of one pass, of a network of ``COST_ONLY`` over full patches of all bands. Nothing is
    computed; what such networks take in time and memory is measured by ``focus-bench`` (docs/benchmark.md).

    Args:
        bands: C; classes: K.
    """
    net = COST_ONLY[name](deepcopy(backbone), bands, classes).to("meta")
    patches = torch.empty(bands, backbone.patch_embed.num_patches, net.area, device="meta")
    with torch.no_grad():
        return size_of(net), count_flops(lambda: net(patches))


def latencies(
    explainers: Mapping[str, Explainer],
    backbone: VisionTransformer,
    classes: int,
    windows: Sequence[tuple[Array, Array]],
    rounds: int = 5,
) -> dict[str, Latency]:
    """Times each method beside the plain ViT on the same processor, in turns, so that what disturbs one disturbs all.

    An explanation holds a pass of its network, whose logits are the prediction.

    Args:
        backbone: on the CPU; read, not changed.
        windows: x^ [N, C] and composite [3, H, W] of some windows, which take turns.
        rounds: how often everything is timed; a first round, which is not counted, warms up.
    Returns: of each method, and of ``plain ViT``.
    """
    taken: dict[str, list[float]] = {name: [] for name in ("plain ViT", *explainers)}
    plain = _plain(backbone, classes, windows[0][1])
    for turn in range(rounds + 1):
        spectra, composite = windows[turn % len(windows)]
        taken["plain ViT"].append(_seconds(plain))
        for name, explainer in explainers.items():
            taken[name].append(_seconds(partial(explainer.explain, spectra, composite, 0)))
    medians = {name: float(np.median(found[1:])) for name, found in taken.items()}
    return {name: Latency(1e3 * found, found / medians["plain ViT"]) for name, found in medians.items()}


def _plain(backbone: VisionTransformer, classes: int, composite: Array) -> Callable[[], object]:
    net = deepcopy(backbone)
    net.reset_classifier(classes)
    picture = torch.from_numpy(composite)[None]
    return torch.no_grad()(lambda: net.eval()(picture))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
