"""Maps out of a ViT's own attention: rollout, and Chefer's relevance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from focus.exporter.methods._adapted_vit import AdaptedViT


@contextmanager
def seen_attention(backbone: VisionTransformer) -> Iterator[list[Tensor]]:
    """While it is open, every pass leaves the attention of each block here, [B, H, T, T], first block first.

    timm computes it in the open where the fused kernel is switched off.
    """
    seen: list[Tensor] = []
    layers = [block.attn for block in backbone.blocks]
    fused = [layer.fused_attn for layer in layers]
    hooks = [
        layer.attn_drop.register_forward_hook(lambda _module, _given, found: seen.append(found)) for layer in layers
    ]
    for layer in layers:
        layer.fused_attn = False
    try:
        yield seen
    finally:
        for layer, before, hook in zip(layers, fused, hooks, strict=True):
            layer.fused_attn = before
            hook.remove()


def rolled_out(attention: list[Tensor]) -> Tensor:
    """Attention rollout (Abnar and Zuidema, ACL 2020, arXiv 2005.00928):

        R = A~_L ... A~_2 A~_1,   A~_l = 1/2 mean_h A_{l,h} + 1/2 I.

    Args:
        attention: of each block [H, T, T].
    Returns: [T, T]; its rows sum to 1.
    """
    eye = torch.eye(attention[0].shape[-1], dtype=attention[0].dtype, device=attention[0].device)
    flow = eye
    for heads in attention:
        flow = (0.5 * heads.mean(dim=0) + 0.5 * eye) @ flow
    return flow


@torch.no_grad()
def rollout(net: AdaptedViT, band_means: Tensor, composite: Tensor, shown: int) -> Tensor:
    """M_i = mean_j R_{ji} over the patch rows j, whose mean the head reads ([CLS]'s row, where a head reads [CLS]).

    The same for every class.

    Args:
        band_means: [1, N, C]; composite: [1, 3, H, W].
    Returns: [N].
    """
    with seen_attention(net.backbone) as seen:
        net(band_means, composite)
    return rolled_out([attention[0] for attention in seen])[net.prefix :, net.prefix :].mean(dim=0)


def relevance(attention: list[Tensor], gradients: list[Tensor]) -> Tensor:
    """Relevance of self-attention (Chefer, Gur and Wolf, ICCV 2021, arXiv 2103.15679), Eqs. (5) and (6):

        A'_l = mean_h (dy/dA_{l,h} * A_{l,h})^+,   R <- R + A'_l R,   from R = I.

    Args:
        attention, gradients: of each block [H, T, T].
    Returns: [T, T], R - I: without what each token is to itself from the start.
    """
    eye = torch.eye(attention[0].shape[-1], dtype=attention[0].dtype, device=attention[0].device)
    found = eye
    for heads, gradient in zip(attention, gradients, strict=True):
        found = found + (gradient * heads).clamp_min(0.0).mean(dim=0) @ found
    return found - eye


def chefer(net: AdaptedViT, band_means: Tensor, composite: Tensor, shown: int) -> Tensor:
    """M_i = mean_j (R - I)_{ji} over the patch rows j, for y = logit of the shown class.

    Args:
        band_means: [1, N, C]; composite: [1, 3, H, W].
    Returns: [N].
    """
    with torch.enable_grad(), seen_attention(net.backbone) as seen:
        logit = net(band_means, composite).logits[0, shown]
        gradients = torch.autograd.grad(logit, seen)
    found = relevance([part[0].detach() for part in seen], [part[0] for part in gradients])
    return found[net.prefix :, net.prefix :].mean(dim=0)
