"""The network in the shape that engines fuse best: the same numbers as ``FocusNet``, with its constants worked out.

- Query, key and value are three projections, not one that is split: engines then take the heads' transposes into their
  fused attention.
- The scale of attention lies in the query's weights, LayerScale in those of the projection and the MLP.
- What depends on trained weights alone is computed once: W_K Phi and W_V Phi of each read block, and at the first of
  them all that the prompts bring along (queries, keys and values, their band queries, their logits among themselves).

docs/performance.md says what each of these brings.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import cast

import torch
import torch.nn.functional as F
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from focus.exporter.model import FocusNet, NetReading
from focus.runtime import FocusError

#: What prompts bring along that no window changes: themselves, their queries, these through W_K Phi, the logits among a
#: class's own prompts, and their values.
BROUGHT = ("prompts", "query", "band_query", "to_own", "own_value")

#: The first opset with a node for attention.
ATTENTION_OPSET = 23


class FoldedAttention(nn.Module):
    """A block's attention as three projections; the query's carries the scale."""

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        self.heads = attention.num_heads
        weights = attention.qkv.weight.chunk(3)
        biases = (None,) * 3 if attention.qkv.bias is None else attention.qkv.bias.chunk(3)
        self.query, self.key, self.value = (_linear(weight, bias) for weight, bias in zip(weights, biases, strict=True))
        self.query_norm, self.key_norm = attention.q_norm, attention.k_norm
        self.scale_last = not isinstance(attention.q_norm, nn.Identity)
        self.scale = float(attention.scale)
        if not self.scale_last:
            _scale_rows(self.query, torch.tensor(self.scale, dtype=self.query.weight.dtype))
        self.norm = attention.norm

    def queries(self, tokens: Tensor) -> Tensor:
        """[B, T, d] -> [B, H, T, d_h], scaled."""
        queries = self.query_norm(self._split(self.query(tokens)))
        return queries * self.scale if self.scale_last else queries

    def keys(self, tokens: Tensor) -> Tensor:
        """[B, T, d] -> [B, H, T, d_h]."""
        return self.key_norm(self._split(self.key(tokens)))

    def values(self, tokens: Tensor) -> Tensor:
        """[B, T, d] -> [B, H, T, d_h]."""
        return self._split(self.value(tokens))

    def joined(self, heads: Tensor) -> Tensor:
        """[B, H, T, d_h] -> [B, T, d]."""
        return self.norm(heads.transpose(1, 2).flatten(2))

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class FoldedBlock(nn.Module):
    """A frozen block; LayerScale is in its projection and its MLP.

    Args:
        block: taken apart.
        attention_node: leave attention whole, for opsets that have a node for it; taken apart, the exporter's own way
            of it would turn the keys twice.
    """

    def __init__(self, block: Block, attention_node: bool) -> None:
        super().__init__()
        self.attention_node = attention_node
        self.norm1, self.norm2, self.mlp = block.norm1, block.norm2, block.mlp
        self.attention, self.projection = FoldedAttention(block.attn), block.attn.proj
        for scale, last in ((block.ls1, self.projection), (block.ls2, self.mlp.fc2)):
            if not isinstance(scale, nn.Identity):
                _scale_rows(last, scale.gamma.detach())

    def forward(self, tokens: Tensor) -> Tensor:
        """The patch lane, [B, 1 + N, d]."""
        return self.lane(tokens)[0]

    def lane(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The patch lane, and what the prompts read of it: keys [B, H, 1 + N, d_h] and the value of [SINK]."""
        normed = self.norm1(tokens)
        attention = self.attention
        queries, keys, values = attention.queries(normed), attention.keys(normed), attention.values(normed)
        if self.attention_node:
            mixed = F.scaled_dot_product_attention(queries, keys, values, scale=1.0)
        else:
            mixed = (queries @ keys.transpose(-1, -2)).softmax(dim=-1) @ values
        return self.finish(tokens, mixed), keys, values[:, :, :1]

    def memory(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """What the prompts read of the last block, whose patch lane nobody reads on."""
        normed = self.norm1(tokens)
        return self.attention.keys(normed), self.attention.values(normed[:, :1])

    def finish(self, tokens: Tensor, mixed: Tensor) -> Tensor:
        """Projection and MLP over the heads' outputs [B, H, T, d_h]."""
        tokens = tokens + self.projection(self.attention.joined(mixed))
        return tokens + self.mlp(self.norm2(tokens))


class FoldedReading(nn.Module):
    """One read block of the prompt lane, see ``prompt_lane``.

    Args:
        block: folded.
        adapter: Phi, [C, d].
        mask: [P, C], 1 where a band belongs to the prompt's group.
        groups: G.
        prompts: [P, d] where they do not depend on the window, at the first read block.
    """

    adapter_key: Tensor
    adapter_value: Tensor
    mask: Tensor

    def __init__(self, block: FoldedBlock, adapter: Tensor, mask: Tensor, groups: int, prompts: Tensor | None) -> None:
        super().__init__()
        self.block, self.groups = block, groups
        heads = (block.attention.heads, -1)
        self.register_buffer("mask", mask)
        self.register_buffer("adapter_key", (block.attention.key.weight @ adapter.T).unflatten(0, heads))
        through = (block.attention.value.weight @ adapter.T).unflatten(0, heads)
        self.register_buffer("adapter_value", through.transpose(-1, -2).contiguous())
        self.constant = prompts is not None
        if prompts is not None:
            for name, value in zip(BROUGHT, self._brought(prompts[None]), strict=True):
                self.register_buffer(name, value.contiguous())

    def _brought(self, prompts: Tensor) -> tuple[Tensor, ...]:
        """What the prompts bring along, see ``BROUGHT``."""
        attention = self.block.attention
        normed = self.block.norm1(prompts)
        query = attention.queries(normed)
        own_query, own_key, own_value = (
            part.unflatten(2, (-1, self.groups)) for part in (query, attention.keys(normed), attention.values(normed))
        )
        to_own = (own_query @ own_key.transpose(-1, -2)).flatten(2, 3)
        return prompts, query, (query @ self.adapter_key) * self.mask, to_own, own_value

    def forward(
        self, prompts: Tensor, keys: Tensor, sink_value: Tensor, spectra: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Prompts on, attention to the patches [B, H, P, N] and to [SINK] [B, H, P], both float32."""
        brought = [self.get_buffer(name) for name in BROUGHT] if self.constant else self._brought(prompts)
        prompts, query, band_query, to_own, own_value = brought
        windows, count = spectra.shape[0], spectra.shape[1]
        spectra = spectra.unsqueeze(1)
        to_deep = query @ keys.transpose(-1, -2)
        to_patch = to_deep[..., 1:] + band_query @ spectra.transpose(-1, -2)
        logits = torch.cat([to_deep[..., :1], to_patch, to_own.expand(windows, -1, -1, -1)], dim=-1)
        weights = logits.float().softmax(dim=-1)
        sink, patches, own = weights.to(query.dtype).split([1, count, self.groups], dim=-1)
        mixed = ((patches @ spectra) * self.mask) @ self.adapter_value + sink * sink_value
        mixed = mixed + (own.unflatten(2, (-1, self.groups)) @ own_value).flatten(2, 3)
        return self.block.finish(prompts, mixed), weights[..., 1 : 1 + count], weights[..., 0]


class FoldedNet(nn.Module):
    """``FocusNet`` for engines; the same inputs and outputs. Takes the network apart: give it a copy.

    Args:
        net: in eval mode.
        attention_node: see ``FoldedBlock``.
    """

    def __init__(self, net: FocusNet, attention_node: bool) -> None:
        super().__init__()
        self.net = net
        backbone = net.backbone
        blocks = [FoldedBlock(block, attention_node) for block in backbone.blocks]
        late = len(blocks) - net.read_blocks
        self.early, readings = nn.Sequential(*blocks[:late]), []
        for index, block in enumerate(blocks[late:]):
            prompts = net.prompts if index == 0 else None
            readings.append(FoldedReading(block, net.adapter, net.group_mask, net.groups, prompts))
        self.late = nn.ModuleList(readings)
        backbone.blocks = nn.Sequential()

    @property
    def prompts(self) -> Tensor:
        """[P, d]; their type is the graph's precision."""
        return self.net.prompts

    def forward(self, band_means: Tensor, composite: Tensor) -> NetReading:
        """See ``FocusNet.forward``."""
        net = self.net
        tokens = self.early(net.embed(band_means, composite))
        prompts, seen = net.prompts.unsqueeze(0), []
        for reading in cast("Iterable[FoldedReading]", self.late):
            if reading is self.late[-1]:
                keys, sink_value = reading.block.memory(tokens)
            else:
                tokens, keys, sink_value = reading.block.lane(tokens)
            prompts, attention, sink = reading(prompts, keys, sink_value, band_means)
            seen.append((attention, sink))
        parts = net.parts(prompts)
        by_class = (net.classes, net.groups)
        return NetReading(
            parts.sum(-1) + net.bias.float(),
            tuple(attention.unflatten(2, by_class) for attention, _ in seen),
            tuple(sink.unflatten(2, by_class) for _, sink in seen),
            parts,
        )


def folded(net: FocusNet, opset: int = 20) -> FoldedNet:
    """A folded copy of a network, in eval mode and without gradients.

    Args:
        net: float32.
        opset: of ONNX that it is meant for.
    Raises:
        FocusError: a network for comparison.
    """
    for found, what, instead in (
        (not net.has_sink, "without [SINK]", "with it"),
        (net.readout != "tied", "with a free read-out", "with a tied one"),
        (net.values != "own bands", "whose prompts take in whole patches", "whose prompts take in their own bands"),
    ):
        if found:
            raise FocusError(f"a model {what} is for comparison and is not exported; train one {instead}")
    with torch.no_grad():
        return FoldedNet(copy.deepcopy(net), opset >= ATTENTION_OPSET).requires_grad_(False).eval()


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=weight.dtype)
    layer.weight = nn.Parameter(weight.detach().clone())
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().clone())
    return layer


def _scale_rows(layer: nn.Linear, scale: Tensor) -> None:
    """Multiplies a layer's outputs by ``scale``."""
    layer.weight.mul_(scale[:, None] if scale.ndim else scale)
    if layer.bias is not None:
        layer.bias.mul_(scale)
