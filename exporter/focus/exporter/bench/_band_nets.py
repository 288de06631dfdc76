"""ViTs that make tokens of every band's patches, over the same frozen blocks; for what they cost."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

import focus.exporter.bench._attention_flops  # noqa: F401  # with these networks costs are counted
from focus.exporter.bench._networks import fused_block, joint_block


class BandTokens(nn.Module):
    """Tokens behind a class token through the blocks, and logits off the class token.

    Args:
        backbone: frozen; its blocks, norm, width and number of patches.
        bands: C; classes: K.
        blocks: how many of the backbone's blocks are run; None runs all.
    """

    def __init__(self, backbone: VisionTransformer, bands: int, classes: int, blocks: int | None = None) -> None:
        super().__init__()
        self.backbone = backbone.requires_grad_(False)
        self._blocks = list(backbone.blocks)[:blocks]
        width, patches = backbone.embed_dim, backbone.patch_embed.num_patches
        self.area = backbone.patch_embed.patch_size[0] ** 2
        self.band_embedding = nn.Parameter(0.02 * torch.randn(bands, 1, width))
        self.position = nn.Parameter(0.02 * torch.randn(patches, width))
        self.class_token = nn.Parameter(0.02 * torch.randn(1, width))
        self.head = nn.Linear(width, classes)

    def tokens(self, patches: Tensor, written_out: bool) -> Tensor:
        """Patches [C, N, p p] -> tokens [T, d]."""
        raise NotImplementedError

    def forward(self, patches: Tensor, written_out: bool = False) -> Tensor:
        """Patches [C, N, p p] -> logits [K]; ``written_out`` has every attention in the open."""
        sequence = torch.cat([self.class_token, self.tokens(patches, written_out)])[None]
        for block in self._blocks:
            sequence = joint_block(block, sequence, None)[0] if written_out else fused_block(block, sequence)
        return self.head(self.backbone.norm(sequence[:, 0]))[0]


class FullSpectrum(BandTokens):
    """One linear patch embedding for all bands, band and position embeddings: C N tokens, all attending to all."""

    def __init__(self, backbone: VisionTransformer, bands: int, classes: int, blocks: int | None = None) -> None:
        super().__init__(backbone, bands, classes, blocks)
        self.embed = nn.Linear(self.area, backbone.embed_dim)

    def tokens(self, patches: Tensor, written_out: bool) -> Tensor:
        """Fewer patches than bands are taken for the first bands."""
        tokens = self.embed(patches) + self.band_embedding[: len(patches)] + self.position
        return tokens.flatten(0, 1)


class ChannelAggregation(BandTokens):
    """A patch embedding of each band's own, then a learned query that attends, patch by patch, to its C band tokens, as
    D-CHAG does on one device. Only N tokens enter the blocks.
    """

    def __init__(self, backbone: VisionTransformer, bands: int, classes: int, blocks: int | None = None) -> None:
        super().__init__(backbone, bands, classes, blocks)
        width = backbone.embed_dim
        self._heads = backbone.blocks[0].attn.num_heads
        self.embed = nn.Parameter(torch.randn(bands, self.area, width) / self.area**0.5)
        self.query = nn.Parameter(0.02 * torch.randn(self._heads, 1, width // self._heads))
        self.keys, self.values, self.out = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)

    def tokens(self, patches: Tensor, written_out: bool) -> Tensor:
        """See ``BandTokens.tokens``."""
        tokens = (torch.bmm(patches, self.embed) + self.band_embedding).transpose(0, 1)
        keys, values = (
            part(tokens).unflatten(-1, (self._heads, -1)).transpose(1, 2) for part in (self.keys, self.values)
        )
        query = self.query.expand(len(tokens), -1, -1, -1)
        if written_out:
            logits = query @ keys.transpose(-1, -2) / query.shape[-1] ** 0.5
            mixed = logits.softmax(-1) @ values
        else:
            mixed = F.scaled_dot_product_attention(query, keys, values)
        return self.out(mixed.transpose(1, 2).flatten(1)) + self.position
