"""Where a training runs: one process on the CPU or a GPU, or many under ``torchrun``."""

from __future__ import annotations

import logging
import os
from contextlib import AbstractContextManager, nullcontext

import torch
from lightning_fabric import Fabric
from torch.nn.attention import SDPBackend, sdpa_kernel

from focus.exporter.training._settings import Precision

#: Windows of so many patches are trained with plain attention on a processor.
PLAIN_PATCHES = 128


def make_fabric(precision: Precision) -> Fabric:
    """Fabric on the GPU where there is one; data-parallel over the processes that ``torchrun`` started."""
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    mixed = precision == "bf16" or (precision == "auto" and computes_bf16())
    arguments = {"accelerator": accelerator, "precision": "bf16-mixed" if mixed else "32-true"}
    if "TORCHELASTIC_RUN_ID" in os.environ:
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # else every process tells its number
        local = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // local
        fabric = Fabric(**arguments, devices=local, num_nodes=nodes, strategy="ddp")  # type: ignore[arg-type]
    else:
        fabric = Fabric(**arguments, devices=1)  # type: ignore[arg-type]
    fabric.launch()
    return fabric


def fast_attention(device: torch.device, patches: int) -> AbstractContextManager[None]:
    """On a processor the attention of small windows is trained as two products and a softmax. PyTorch's fused one is so
    slow backwards in bf16 that a step takes 1.5 times as long (DINOv2-S/14, 64 patches; at 256 it is the faster one).
    """
    plain = device.type == "cpu" and patches <= PLAIN_PATCHES
    return sdpa_kernel(SDPBackend.MATH) if plain else nullcontext()


def computes_bf16() -> bool:
    """Whether bf16 is computed in hardware; emulated it is slower than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))
