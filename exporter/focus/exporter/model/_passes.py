"""How many passes through a frozen ViT are made quickly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from timm.layers.attention import Attention
from torch import nn

#: Windows of so many patches have plain attention on a processor.
PLAIN_PATCHES = 128


def computes_bf16() -> bool:
    """Whether bf16 is computed in hardware; emulated it is slower than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))


@contextmanager
def plain_attention(net: nn.Module, device: torch.device, patches: int) -> Iterator[None]:
    """While it is open, a processor computes the attention of small windows as two products and a softmax. PyTorch's
    fused kernel is slow backwards in bf16, and faster only for larger windows (at 256 patches).
    """
    plain = device.type == "cpu" and patches <= PLAIN_PATCHES
    layers = [module for module in net.modules() if plain and isinstance(module, Attention)]
    fused = [layer.fused_attn for layer in layers]
    for layer in layers:
        layer.fused_attn = False
    try:
        yield
    finally:
        for layer, before in zip(layers, fused, strict=True):
            layer.fused_attn = before


@contextmanager
def quick_passes(net: nn.Module, device: torch.device, patches: int) -> Iterator[None]:
    """While it is open, passes have the precision of a training: mixed with bf16 where that is computed in hardware. A
    third of the time of float32 (DINOv2-S/14, 64 patches, a processor with AMX).
    """
    mixed = torch.autocast(device.type, torch.bfloat16, enabled=computes_bf16())
    with plain_attention(net, device, patches), mixed:
        yield
