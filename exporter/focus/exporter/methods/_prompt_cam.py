"""Prompt-CAM (Chowdhury et al., CVPR 2025, arXiv 2501.09333) on the adapted ViT."""

from __future__ import annotations

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from focus.exporter.methods._adapted_vit import Logits, SpectralViT
from focus.exporter.methods._attention import seen_attention


class PromptCam(SpectralViT):
    """One prompt a class in the sequence, all classes scored by one vector (Prompt-CAM's head):

        [z_l, Z_l] = Block_l([p_l, Z_{l-1}]),   logit_c = w . LN(z_{L,c}) + b

    In each of the last r blocks K trainable prompts p_l stand before the tokens; what becomes of them is dropped before
    the next block (the paper's Prompt-CAM-Deep), but for the last one's, which are read. As w is shared, a class wins
    only by what its prompt attends to. r = L is the paper's form; r = 1 has no prompts in earlier blocks. Trainable:
    C d + r K d + d + 1 numbers.

    Args:
        classes: K, classes or regression targets.
        read_blocks: r, number of last blocks with prompts.
    Raises:
        ValueError: r outside 1..L.
    """

    def __init__(self, backbone: VisionTransformer, bands: int, classes: int, read_blocks: int = 1) -> None:
        super().__init__(backbone, bands)
        if not 1 <= read_blocks <= len(backbone.blocks):
            raise ValueError(f"read_blocks must be 1..{len(backbone.blocks)}, the backbone's blocks, got {read_blocks}")
        self.read_blocks = read_blocks
        self.prompts = nn.Parameter(torch.empty(read_blocks, classes, backbone.embed_dim))
        nn.init.trunc_normal_(self.prompts, std=0.02)
        self.score = nn.Linear(backbone.embed_dim, 1)

    def forward(self, band_means: Tensor, composite: Tensor) -> Logits:
        """One pass over band means [B, N, C] and composite [B, 3, H, W]."""
        tokens = self.embed(band_means, composite)
        blocks = list(self.backbone.blocks)
        for block in blocks[: -self.read_blocks]:
            tokens = block(tokens)
        classes = self.prompts.shape[1]
        read = tokens[:, :0]
        for block, prompts in zip(blocks[-self.read_blocks :], self.prompts, strict=True):
            joined = block(torch.cat([prompts.expand(len(tokens), -1, -1), tokens], dim=1))
            read, tokens = joined[:, :classes], joined[:, classes:]
        return Logits(self.score(self.normed(read)).squeeze(-1).float())


@torch.no_grad()
def prompt_attention(net: PromptCam, band_means: Tensor, composite: Tensor, shown: int) -> Tensor:
    """M_i = mean_h A^L_{h, p_c, i}: the last block's attention of the class's prompt to the patches, mean over heads.

    The paper shows single heads, ranked by how soon the score falls without them; one map a method needs one of all.

    Args:
        band_means: [1, N, C]; composite: [1, 3, H, W].
    Returns: [N].
    """
    with seen_attention(net.backbone) as seen:
        net(band_means, composite)
    return seen[-1][0, :, shown, net.prompts.shape[1] + net.prefix :].mean(dim=0)
