"""The plain way to use a frozen ViT on spectra: FOCUS' adapter and a linear head, and nothing that explains itself."""

from __future__ import annotations

from typing import NamedTuple

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from focus.exporter.model import TrainableNet


class Logits(NamedTuple):
    """[B, K], float32."""

    logits: Tensor


class SpectralViT(TrainableNet):
    """A frozen ViT whose patch tokens take up the spectra through FOCUS' adapter, docs/method.md "Tokens":

        z_i = PatchEmbed(composite)_i + sum_lambda Phi_lambda x^_{lambda,i} + pos_i

    beside the backbone's own [CLS] and register tokens, which stay frozen.

    Args:
        backbone: a supported timm ``VisionTransformer`` (see ``require_supported``); frozen here.
        bands: C.
    """

    def __init__(self, backbone: VisionTransformer, bands: int) -> None:
        super().__init__()
        self.backbone = backbone.requires_grad_(False).eval()
        self.adapter = nn.Parameter(torch.zeros(bands, backbone.embed_dim))

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        rows, columns = self.backbone.patch_embed.grid_size
        return rows, columns

    @property
    def prefix(self) -> int:
        """Tokens before the patches."""
        return int(self.backbone.num_prefix_tokens)

    def embed(self, band_means: Tensor, composite: Tensor) -> Tensor:
        """Prefix and patch tokens [B, P + N, d] of band means [B, N, C] and composite [B, 3, H, W]."""
        patches = self.backbone.patch_embed(composite)
        # timm's dynamic_img_size models keep the grid: [B, rows, columns, d].
        patches = patches + (band_means @ self.adapter).view_as(patches)
        return self.backbone.norm_pre(self.backbone._pos_embed(patches))

    def normed(self, tokens: Tensor) -> Tensor:
        """The norms behind the last block, of single tokens [..., d]."""
        return self.backbone.fc_norm(self.backbone.norm(tokens))


class AdaptedViT(SpectralViT):
    """All tokens through all blocks, and a linear head on the mean of the patch tokens:

        logit_c = w_c . mean_i LN(z_i) + b_c.

    The mean and not [CLS]: what a frozen [CLS] attends to was learnt on photographs, and it would have to find small
    lesions for the head. Each patch has its share in the mean, as the adapter gives each patch its spectrum. Trainable:
    C d + K d + K numbers.

    Args:
        classes: K, classes or regression targets.
    """

    reference: Tensor

    def __init__(self, backbone: VisionTransformer, bands: int, classes: int) -> None:
        super().__init__(backbone, bands)
        self.head = nn.Linear(backbone.embed_dim, classes)
        #: Mean tokens of the training windows that a class is held against, [K, d], see ``mean_tokens_of_others``.
        self.register_buffer("reference", torch.zeros(classes, backbone.embed_dim))

    def tokens(self, band_means: Tensor, composite: Tensor) -> Tensor:
        """Patch tokens behind the last norm, [B, N, d]."""
        tokens = self.embed(band_means, composite)
        for block in self.backbone.blocks:
            tokens = block(tokens)
        return self.normed(tokens[:, self.prefix :])

    @property
    def cam_layer(self) -> nn.Module:
        """Where CAMs look: the norm before the last block's attention, as pytorch-grad-cam has it for ViTs."""
        return self.backbone.blocks[-1].norm1

    def on_grid(self, seen: Tensor) -> Tensor:
        """What ``cam_layer`` gives, [B, P + N, d], as maps [B, d, rows, columns]."""
        return seen[:, self.prefix :].transpose(1, 2).unflatten(2, self.grid)

    def forward(self, band_means: Tensor, composite: Tensor) -> Logits:
        """One pass over band means [B, N, C] and composite [B, 3, H, W]."""
        return Logits(self.head(self.tokens(band_means, composite).mean(dim=1)).float())
