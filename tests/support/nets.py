"""Small networks for tests: every kind of plain ViT that FOCUS has to fit, with weights that are not symmetric."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer

from focus.exporter.model import FocusNet
from focus.runtime.spectral import BandGroup, band_groups

BANDS = 24
WAVELENGTHS = np.linspace(400.0, 1000.0, BANDS)

#: Class token or none, registers, layer scale, qk-norm, norms of the attention output, dynamic size, patch and grid
#: of many kinds.
KINDS = {
    "class-token": {},
    "no-token": {"class_token": False, "global_pool": "avg"},
    "registers": {"reg_tokens": 4, "no_embed_class": True},
    "layer-scale": {"init_values": 0.5},
    "qk-norm": {"qk_norm": True, "qkv_bias": False},
    "scale-norm": {"scale_attn_norm": True, "scale_mlp_norm": True},
    "pre-norm": {"pre_norm": True},
    "dynamic": {"dynamic_img_size": True},
    "oblong": {"img_size": (24, 40), "patch_size": 8},
}


def groups(count: int = 5) -> tuple[BandGroup, ...]:
    """Band groups of the small sensor."""
    return band_groups(WAVELENGTHS, count)


def small_backbone(kind: str = "class-token", seed: int = 0) -> VisionTransformer:
    """A ViT of 3 blocks, width 32, 4 heads, with weights far from their initial smallness."""
    torch.manual_seed(seed)
    arguments = {
        "img_size": 24,
        "patch_size": 6,
        "embed_dim": 32,
        "depth": 3,
        "num_heads": 4,
        "num_classes": 0,
        **KINDS[kind],
    }
    backbone = VisionTransformer(**arguments)
    with torch.no_grad():
        for value in backbone.parameters():
            value.add_(0.15 * torch.randn_like(value))
    return backbone


def small_net(
    kind: str = "class-token",
    classes: int = 3,
    read_blocks: int = 1,
    seed: int = 0,
    group_count: int = 5,
    **comparison: Any,
) -> FocusNet:
    """A FOCUS network with every trainable tensor away from its start."""
    net = FocusNet(small_backbone(kind, seed), groups(group_count), classes, read_blocks, **comparison)
    torch.manual_seed(seed + 1)
    with torch.no_grad():
        for name, value in net.trainable.items():
            value.add_((0.05 if name == "adapter" else 0.5) * torch.randn_like(value))
    return net.eval()


def random_inputs(net: FocusNet, windows: int = 2, seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Standardised band means [B, N, C] and a normalised composite [B, 3, H, W]."""
    generator = torch.Generator().manual_seed(seed)
    embed = net.backbone.patch_embed
    means = torch.randn(windows, embed.num_patches, net.adapter.shape[0], generator=generator)
    return means, torch.randn(windows, 3, *embed.img_size, generator=generator)
