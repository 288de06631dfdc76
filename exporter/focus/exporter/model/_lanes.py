"""The two lanes through a frozen block (docs/method.md, "Two lanes through the frozen blocks").

Shapes: B windows, H heads, P = K G prompts, N patches, C bands, d width, d_h = d / H.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import Block
from torch import Tensor


class Attended(NamedTuple):
    """What the prompts of one block attended to; float32.

    Attributes:
        attention: [B, H, K, G, N], to the patches.
        sink: [B, H, K, G], to [SINK].
    """

    attention: Tensor
    sink: Tensor


class Memory(NamedTuple):
    """What the prompts of one block can read of the patch lane.

    Attributes:
        keys: [B, H, 1 + N, d_h], [SINK] first.
        value: [B, H, 1, d_h], of [SINK].
        whole: [B, H, N, d_h], the patches' values, for comparison; None: prompts take in bands only.
    """

    keys: Tensor
    value: Tensor
    whole: Tensor | None = None


class Bands(NamedTuple):
    """The spectra, and how they are carried into the network.

    Attributes:
        spectra: [B, N, C], standardised band means.
        adapter: [C, d], Phi.
        mask: [P, C], 1 where a band belongs to the prompt's group.
    """

    spectra: Tensor
    adapter: Tensor
    mask: Tensor


def project(block: Block, tokens: Tensor, part: int) -> Tensor:
    """Query (part 0), key (1) or value (2) of normalised tokens [B, T, d], after q- or k-norm: [B, H, T, d_h]."""
    attention = block.attn
    width = attention.attn_dim
    rows = slice(part * width, (part + 1) * width)
    bias = None if attention.qkv.bias is None else attention.qkv.bias[rows]
    heads = _split(F.linear(tokens, attention.qkv.weight[rows], bias), attention.num_heads)
    norm = (attention.q_norm, attention.k_norm, None)[part]
    return heads if norm is None else norm(heads)


def patch_lane(block: Block, tokens: Tensor, *, whole: bool = False) -> tuple[Tensor, Memory]:
    """[SINK] and patches [B, 1 + N, d] through one block, and what the prompts may read of it; ``whole``: of patches
    their values, too.
    """
    normed = block.norm1(tokens)
    query, key, value = (project(block, normed, part) for part in range(3))
    return _finish(block, tokens, _attend(block, query, key, value)), Memory(
        key, value[:, :, :1], value[:, :, 1:] if whole else None
    )


def patch_memory(block: Block, tokens: Tensor, *, whole: bool = False) -> Memory:
    """As ``patch_lane`` for the last block, whose patch lane nobody reads on: keys, and the value of [SINK] alone."""
    normed = block.norm1(tokens)
    patches = project(block, normed[:, 1:], 2) if whole else None
    return Memory(project(block, normed, 1), project(block, normed[:, :1], 2), patches)


def prompt_lane(
    block: Block,
    prompts: Tensor,
    memory: Memory,
    bands: Bands,
    groups: int,
    *,
    sink: bool = True,
    hidden: Tensor | None = None,
) -> tuple[Tensor, Attended]:
    """Prompts [B or 1, P, d] through one block: each attends to [SINK], all patches and its class's other prompts.

    Logit to patch i: q . k_i + sum_{lambda in group} (q . W_K Phi_lambda) x^_{lambda,i}, with q / sqrt(d_h) for q.
    Value of patch i: sum_{lambda in group} W_V Phi_lambda x^_{lambda,i}. It is never formed: the attention pools the
    spectra first, and the pooled spectrum is projected. A memory of whole patches has their values instead. Without
    ``sink`` the prompts do not see [SINK]. Nor do they see, head by head, patches that are ``hidden``, [B, H, P, N].
    """
    attention = block.attn
    normed = block.norm1(prompts)
    query, key, value = (project(block, normed, part) for part in range(3))
    query = query * attention.scale
    spectra = bands.spectra.unsqueeze(1)
    band_query = (query @ _through(block, bands.adapter, 1)) * bands.mask
    to_patch = query @ memory.keys[:, :, 1:].transpose(-1, -2) + band_query @ spectra.transpose(-1, -2)
    if hidden is not None:
        to_patch = to_patch.masked_fill(hidden, float("-inf"))
    to_sink = query @ memory.keys[:, :, :1].transpose(-1, -2)
    if not sink:
        to_sink = torch.full_like(to_sink, float("-inf"))
    own_query, own_key, own_value = (part.unflatten(2, (-1, groups)) for part in (query, key, value))
    to_own = (own_query @ own_key.transpose(-1, -2)).flatten(2, 3)
    windows = to_patch.shape[0]
    logits = torch.cat([to_sink, to_patch, to_own.expand(windows, -1, -1, -1)], dim=-1)
    weights = logits.float().softmax(dim=-1)
    count = spectra.shape[2]
    # The attention that goes out is the one that is used, so that a gradient can be taken with respect to it.
    mass, patches, own = weights.split([1, count, groups], dim=-1)
    attended = Attended(patches.unflatten(2, (-1, groups)), mass.unflatten(2, (-1, groups)).squeeze(-1))
    mass, patches, own = (part.to(query.dtype) for part in (mass, attended.attention.flatten(2, 3), own))
    if memory.whole is None:
        taken = ((patches @ spectra) * bands.mask) @ _through(block, bands.adapter, 2).transpose(-1, -2)
    else:
        taken = patches @ memory.whole
    mixed = taken + mass * memory.value
    mixed = mixed + (own.unflatten(2, (-1, groups)) @ own_value).flatten(2, 3)
    return _finish(block, prompts, mixed), attended


def _through(block: Block, adapter: Tensor, part: int) -> Tensor:
    """W_K Phi (part 1) or W_V Phi (part 2) of every head, without bias or norm: [H, d_h, C]."""
    attention = block.attn
    width = attention.attn_dim
    weight = attention.qkv.weight[part * width : (part + 1) * width]
    return (weight @ adapter.T).unflatten(0, (attention.num_heads, -1))


def _attend(block: Block, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d_h)) v, [B, H, T, d_h]; in the open where the block's fused kernel is switched off."""
    if block.attn.fused_attn:
        return F.scaled_dot_product_attention(query, key, value)
    weights = (query * block.attn.scale) @ key.transpose(-1, -2)
    return weights.softmax(dim=-1) @ value


def _split(values: Tensor, heads: int) -> Tensor:
    """[B, T, H d_h] -> [B, H, T, d_h]."""
    return values.unflatten(-1, (heads, -1)).transpose(1, 2)


def _finish(block: Block, tokens: Tensor, mixed: Tensor) -> Tensor:
    """Projection, layer scale and MLP of a block over the heads' outputs [B, H, T, d_h]."""
    attention = block.attn
    tokens = tokens + block.ls1(attention.proj(attention.norm(mixed.transpose(1, 2).flatten(2))))
    return tokens + block.ls2(block.mlp(block.norm2(tokens)))
