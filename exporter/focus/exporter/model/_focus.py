"""FOCUS (arXiv 2507.14787) as docs/method.md makes it exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from focus.exporter.model._backbone import patch_positions, sink_start
from focus.exporter.model._lanes import Bands, patch_lane, patch_memory, prompt_lane
from focus.exporter.model._trainable import TrainableNet
from focus.runtime._bundle import Readout, Values
from focus.runtime.spectral import BandGroup, group_of_band


class NetReading(NamedTuple):
    """What the network says of B windows; float32.

    Attributes:
        logits: [B, K].
        attention: for each read block [B, H, K, G, N], prompt to patch.
        sink_mass: for each read block [B, H, K, G], prompt to [SINK].
        parts: [B, K, G], each group's share of its class's logit; logits = parts.sum(-1) + bias.
    """

    logits: Tensor
    attention: tuple[Tensor, ...]
    sink_mass: tuple[Tensor, ...]
    parts: Tensor


class FocusNet(TrainableNet):
    """A frozen ViT with a spectral adapter, a [SINK] token, and one prompt a class and band group that enters late.

    Training moves C d + K G d + d + 1 + K numbers.

    Args:
        backbone: a supported timm ``VisionTransformer`` (see ``require_supported``); frozen here and kept in eval mode.
        groups: the sensor's band groups, G of them over C bands.
        classes: K, classes or regression targets.
        read_blocks: r, number of last blocks that the prompts pass.
        sink: False is for comparison: the backbone's own token stays as it is, and the prompts do not see it.
        readout: ``free`` is for comparison: vectors u_{c,g} that start as the prompts take their place in the
            read-out, K G d more numbers.
        values: ``whole patch`` is for comparison: prompts take in the patches' ordinary values.
    Raises:
        ValueError: r outside 1..L.
    """

    group_mask: Tensor

    def __init__(
        self,
        backbone: VisionTransformer,
        groups: Sequence[BandGroup],
        classes: int,
        read_blocks: int = 1,
        *,
        sink: bool = True,
        readout: Readout = "tied",
        values: Values = "own bands",
    ) -> None:
        super().__init__()
        if not 1 <= read_blocks <= len(backbone.blocks):
            raise ValueError(f"read_blocks must be 1..{len(backbone.blocks)}, the backbone's blocks, got {read_blocks}")
        if classes < 1:
            raise ValueError(f"classes must be at least 1, got {classes}")
        self.classes, self.groups, self.read_blocks = classes, len(groups), read_blocks
        self.readout, self.values = readout, values
        self.backbone = backbone.requires_grad_(False).eval()
        width, bands = backbone.embed_dim, groups[-1].stop
        self.adapter = nn.Parameter(torch.zeros(bands, width))
        self.prompts = nn.Parameter(torch.empty(classes * len(groups), width))
        self.has_sink = sink
        self.sink = nn.Parameter(sink_start(backbone).clone(), requires_grad=sink)
        self.scale = nn.Parameter(torch.ones(()))
        self.bias = nn.Parameter(torch.zeros(classes))
        nn.init.trunc_normal_(self.prompts, std=0.02)
        self.read_vectors = nn.Parameter(self.prompts.detach().clone()) if readout == "free" else None
        of_band = torch.from_numpy(group_of_band(tuple(groups)).astype("int64"))
        mask = (of_band == torch.arange(len(groups))[:, None]).float()
        self.register_buffer("group_mask", mask.repeat(classes, 1), persistent=False)

    def forward(self, band_means: Tensor, composite: Tensor, hidden: Tensor | None = None) -> NetReading:
        """One pass for all classes.

        Args:
            band_means: [B, N, C], standardised.
            composite: [B, 3, H, W], normalised as the backbone expects.
            hidden: bool [B, heads, K G, N], true where a prompt's head does not see a patch, in every read block.
        """
        tokens = self.embed(band_means, composite)
        blocks = list(self.backbone.blocks)
        for block in blocks[: -self.read_blocks]:
            tokens = block(tokens)
        return self.read(tokens, band_means, hidden)

    def embed(self, band_means: Tensor, composite: Tensor) -> Tensor:
        """[SINK] and patch tokens, [B, 1 + N, d]: z_i = PatchEmbed(composite)_i + sum_lambda Phi_lambda
        x^_{lambda,i} + pos_i.
        """
        embedded = self.backbone.patch_embed(composite)
        if embedded.ndim == 4:  # timm's dynamic_img_size models keep the grid: [B, rows, columns, d]
            embedded = embedded.flatten(1, 2)
        patches = embedded + band_means @ self.adapter + patch_positions(self.backbone)
        tokens = torch.cat([self.sink.expand(patches.shape[0], -1, -1), patches], dim=1)
        return self.backbone.norm_pre(tokens)

    def read(self, tokens: Tensor, band_means: Tensor, hidden: Tensor | None = None) -> NetReading:
        """The reading part: the last r blocks with the prompts, and the read-out.

        Args:
            tokens: [B, 1 + N, d], the patch lane before the last r blocks.
            band_means: [B, N, C], standardised.
            hidden: see ``forward``.
        """
        blocks = list(self.backbone.blocks)[-self.read_blocks :]
        bands = Bands(band_means, self.adapter, self.group_mask)
        prompts, whole = self.prompts.unsqueeze(0), self.values == "whole patch"
        seen = []
        for block in blocks:
            if block is blocks[-1]:
                memory = patch_memory(block, tokens, whole=whole)
            else:
                tokens, memory = patch_lane(block, tokens, whole=whole)
            prompts, attended = prompt_lane(
                block, prompts, memory, bands, self.groups, sink=self.has_sink, hidden=hidden
            )
            seen.append(attended)
        parts = self.parts(prompts)
        return NetReading(
            parts.sum(-1) + self.bias.float(),
            tuple(attended.attention for attended in seen),
            tuple(attended.sink for attended in seen),
            parts,
        )

    def parts(self, prompts: Tensor) -> Tensor:
        """scale / G * <p_{c,g}, LN(z_{c,g})>, [B, K, G]: the read-out is tied to the prompts, unless it is free."""
        vectors = self.prompts if self.read_vectors is None else self.read_vectors
        normed = self.backbone.fc_norm(self.backbone.norm(prompts))
        agreement = (vectors.float() * normed.float()).sum(-1)
        return (self.scale.float() / self.groups * agreement).unflatten(-1, (self.classes, self.groups))
