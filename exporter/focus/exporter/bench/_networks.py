"""The three networks of a model, all over the same frozen backbone: FOCUS, the naive joint one, and the plain ViT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn

from focus.exporter.bench._specs import ModelSpec
from focus.exporter.model import FocusNet, create_backbone, discriminative_heads, load_weights
from focus.exporter.model._backbone import patch_positions
from focus.runtime import Bundle
from focus.runtime.spectral import band_groups, composite_weights

Vector = NDArray[np.float64]


def focus_net(spec: ModelSpec, wavelengths_nm: Vector) -> FocusNet:
    """FOCUS with trainable parts far from their start, so that every output depends on every input.

    Every process that makes it gets the same one (seed 0). A file would be read beside the network that it fills, and
    that would count as the row's peak memory. The biases set the classes apart, so that rounding does not change which
    class is shown.
    """
    torch.manual_seed(0)
    backbone = create_backbone(spec.backbone, (spec.size, spec.size))
    if spec.weights:
        load_weights(backbone, Path(spec.weights))
    net = FocusNet(backbone, band_groups(wavelengths_nm, min(spec.groups, spec.bands)), spec.classes).eval()
    with torch.no_grad():
        net.adapter.normal_(std=0.02)
        net.prompts.normal_(std=0.5)
        net.scale.fill_(4.0 / backbone.embed_dim**0.5)
        net.bias.copy_(torch.linspace(0.0, 2.0, spec.classes))
    return net


def bundle_from_net(
    spec: ModelSpec, net: FocusNet, wavelengths_nm: Vector, mean: Vector, deviation: Vector, composite: Vector
) -> Bundle:
    """The facts of a network.

    Args:
        mean, deviation: float64 [C], of the cubes' band means.
        composite: float64 [2, 3], mean and deviation of the cubes' composites.
    """
    backbone = net.backbone
    rows, columns = backbone.patch_embed.grid_size
    heads = backbone.blocks[0].attn.num_heads
    facts = {
        "name": spec.name,
        "task": "classification",
        "targets": [{"name": f"class {index}"} for index in range(spec.classes)],
        "wavelengths_nm": wavelengths_nm.tolist(),
        "groups": [
            {"name": group.name, "first": group.first, "stop": group.stop}
            for group in band_groups(wavelengths_nm, net.groups)
        ],
        "backbone": {
            "name": spec.backbone,
            "patch": backbone.patch_embed.patch_size[0],
            "rows": rows,
            "columns": columns,
            "width": backbone.embed_dim,
            "blocks": len(backbone.blocks),
            "heads": heads,
            "composite_mean": composite[0].tolist(),
            "composite_deviation": composite[1].tolist(),
        },
        "reading": {"read_blocks": net.read_blocks, "heads": discriminative_heads(torch.arange(float(heads)))},
        "mean": mean.tolist(),
        "deviation": deviation.tolist(),
        "adapter_norm": net.adapter.detach().norm(dim=1).tolist(),
        "composite_weights": composite_weights(wavelengths_nm).tolist(),
    }
    return Bundle.model_validate(facts)


def plain_vit(net: FocusNet) -> VisionTransformer:
    """The backbone as it comes, with a linear head for K classes (seed 1): three channels in, logits out."""
    torch.manual_seed(1)
    net.backbone.reset_classifier(net.classes)
    return net.backbone.eval()


class NaiveNet(nn.Module):
    """FOCUS as it is written down at first: one sequence of [SINK], patches and all prompts through all blocks, and
    every block's attention as an output.

    Patches and [SINK] do not see the prompts; a prompt sees [SINK], the patches and its own class's prompts. Values
    are those of the tokens: the paper's literal form (r = L).

    Args:
        net: gives backbone, adapter, prompts, [SINK], scale and bias.
    """

    mask: Tensor

    def __init__(self, net: FocusNet) -> None:
        super().__init__()
        self.net = net
        patches = net.backbone.patch_embed.num_patches
        prompts = net.classes * net.groups
        known = torch.zeros(1 + patches + prompts, 1 + patches + prompts, dtype=torch.bool)
        known[:, : 1 + patches] = True
        for first in range(1 + patches, len(known), net.groups):
            known[first : first + net.groups, first : first + net.groups] = True
        mask = torch.zeros(known.shape).masked_fill(~known, -1e9)
        self.register_buffer("mask", mask, persistent=False)
        self.eval()

    def forward(self, band_means: Tensor, composite: Tensor) -> tuple[Tensor, ...]:
        """Logits [B, K] and the attention of every block, [B, H, T, T] with T = 1 + N + K G.

        Args:
            band_means: [B, N, C], standardised.
            composite: [B, 3, H, W], normalised.
        """
        net = self.net
        embedded = net.backbone.patch_embed(composite)
        patches = embedded + band_means @ net.adapter + patch_positions(net.backbone)
        windows = patches.shape[0]
        prompts = net.prompts.unsqueeze(0).expand(windows, -1, -1)
        tokens = torch.cat([net.sink.expand(windows, -1, -1), patches, prompts], dim=1)
        seen = []
        for block in net.backbone.blocks:
            tokens, attention = joint_block(block, tokens, self.mask)
            seen.append(attention)
        last = net.backbone.norm(tokens[:, 1 + patches.shape[1] :])
        agreement = (net.prompts * last).sum(-1).unflatten(-1, (net.classes, net.groups))
        return (net.scale * agreement.mean(-1) + net.bias, *seen)


def joint_block(block: Block, tokens: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """One block with its softmax in the open: tokens [B, T, d] and attention [B, H, T, T]."""
    attention = block.attn
    parts = attention.qkv(block.norm1(tokens)).unflatten(-1, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
    logits = (parts[0] * attention.scale) @ parts[1].transpose(-1, -2)
    weights = (logits if mask is None else logits + mask).softmax(dim=-1)
    mixed = (weights @ parts[2]).transpose(1, 2).flatten(2)
    tokens = tokens + block.ls1(attention.proj(mixed))
    return tokens + block.ls2(block.mlp(block.norm2(tokens))), weights


def fused_block(block: Block, tokens: Tensor) -> Tensor:
    """One block with the fused attention, tokens [B, T, d]; memory does not grow with T^2."""
    attention = block.attn
    parts = attention.qkv(block.norm1(tokens)).unflatten(-1, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
    mixed = F.scaled_dot_product_attention(parts[0], parts[1], parts[2]).transpose(1, 2).flatten(2)
    tokens = tokens + block.ls1(attention.proj(mixed))
    return tokens + block.ls2(block.mlp(block.norm2(tokens)))
