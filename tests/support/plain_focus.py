"""docs/method.md read aloud: one window, one class, one head at a time, in float64, from the equations and not from
our code.

The patch lane is timm's own blocks; everything that the prompts do is written out.
"""

from __future__ import annotations

import copy
import math

import numpy as np
import torch
from numpy.typing import NDArray

from focus.exporter.model import FocusNet
from support.nets import groups


def plain_reading(
    net: FocusNet, spectra: NDArray[np.float32], composite: torch.Tensor
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Logits [B, K], the last block's attention [B, H, K, G, N] and sink mass [B, H, K, G]."""
    double = copy.deepcopy(net).double().eval()
    spans = groups(net.groups)
    results = [
        _window(double, spans, torch.from_numpy(spectra[b]).double(), composite[b : b + 1].double())
        for b in range(len(spectra))
    ]
    return tuple(np.stack(part) for part in zip(*results, strict=True))  # type: ignore[return-value]


@torch.no_grad()
def _window(net, spans, spectrum, image):  # type: ignore[no-untyped-def]
    backbone = net.backbone
    patches = backbone.patch_embed(image)
    patches = patches.reshape(1, -1, patches.shape[-1])
    position = backbone.pos_embed[:, -patches.shape[1] :] if backbone.pos_embed is not None else 0.0
    tokens = torch.cat([net.sink, patches + (spectrum @ net.adapter)[None] + position], dim=1)
    tokens = backbone.norm_pre(tokens)
    early = len(backbone.blocks) - net.read_blocks
    for block in backbone.blocks[:early]:
        tokens = block(tokens)
    lanes = [tokens]
    for block in backbone.blocks[early:]:
        lanes.append(block(lanes[-1]))
    logits, attention, sink = [], [], []
    prompts = net.prompts.reshape(net.classes, net.groups, -1)
    vectors = prompts if net.readout == "tied" else net.read_vectors.reshape(prompts.shape)
    for own, read in zip(prompts, vectors, strict=True):
        state = own.clone()
        for block, lane in zip(backbone.blocks[early:], lanes[:-1], strict=True):
            state, seen, drained = _prompt_block(net, block, lane[0], state, spans, spectrum)
        normed = backbone.fc_norm(backbone.norm(state))
        logits.append(float(net.scale * torch.stack([read[g] @ normed[g] for g in range(net.groups)]).mean()))
        attention.append(seen)
        sink.append(drained)
    heads_first = np.stack(attention, axis=1), np.stack(sink, axis=1)
    return np.array(logits) + net.bias.numpy(), *heads_first


def _prompt_block(net, block, lane, state, spans, spectrum):  # type: ignore[no-untyped-def]
    module = block.attn
    heads, size = module.num_heads, module.head_dim
    weight = module.qkv.weight.reshape(3, heads, size, -1)
    bias = (
        module.qkv.bias.reshape(3, heads, size) if module.qkv.bias is not None else torch.zeros(3, heads, size).double()
    )
    deep, own = block.norm1(lane), block.norm1(state)
    count = lane.shape[0] - 1
    attention = np.zeros((heads, len(spans), count))
    sink = np.zeros((heads, len(spans)))
    mixed = torch.zeros(len(spans), heads, size).double()
    for head in range(heads):
        q = module.q_norm(own @ weight[0, head].T + bias[0, head])
        k_own = module.k_norm(own @ weight[1, head].T + bias[1, head])
        v_own = own @ weight[2, head].T + bias[2, head]
        k_deep = module.k_norm(deep @ weight[1, head].T + bias[1, head])
        v_deep = deep @ weight[2, head].T + bias[2, head]
        for g, span in enumerate(spans):
            bands = range(span.first, span.stop)
            carried_key = {b: weight[1, head] @ net.adapter[b] for b in bands}
            carried_value = {b: weight[2, head] @ net.adapter[b] for b in bands}
            scores = [q[g] @ k_deep[0] / math.sqrt(size)]
            for i in range(count):
                where = q[g] @ k_deep[1 + i] / math.sqrt(size)
                what = sum((q[g] @ carried_key[b]) / math.sqrt(size) * spectrum[i, b] for b in bands)
                scores.append(where + what)
            scores += [q[g] @ k_own[j] / math.sqrt(size) for j in range(len(spans))]
            shares = torch.stack(scores).softmax(0)
            total = shares[0] * v_deep[0]
            for i in range(count):
                of_bands = sum(carried_value[b] * spectrum[i, b] for b in bands)
                total = total + shares[1 + i] * (v_deep[1 + i] if net.values == "whole patch" else of_bands)
            for j in range(len(spans)):
                total = total + shares[1 + count + j] * v_own[j]
            mixed[g, head] = total
            attention[head, g] = shares[1 : 1 + count].numpy()
            sink[head, g] = float(shares[0])
    state = state + block.ls1(module.proj(module.norm(mixed.reshape(len(spans), -1))))
    return state + block.ls2(block.mlp(block.norm2(state))), attention, sink
