"""FP16 means an FP16-typed graph: TensorRT 11 takes its types from the ONNX file."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from focus.exporter.export._folded import FoldedNet

#: Where plain ViTs have their norms: in a block, in its attention and MLP, and around the blocks.
NORMS = frozenset({"norm", "norm1", "norm2", "query_norm", "key_norm", "norm_pre", "fc_norm"})


class Float32Norm(nn.Module):
    """A norm that computes in float32 between casts: half precision overflows in its squares."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, values: Tensor) -> Tensor:
        """As the norm, in the precision of ``values``."""
        return self.norm(values.float()).to(values.dtype)


def to_half(net: FoldedNet) -> FoldedNet:
    """A copy in half precision, with its norms in float32; the exposed softmax and the read-out are float32 in any
    copy.
    """
    half = copy.deepcopy(net).half()
    for module in list(half.modules()):
        for name, child in list(module.named_children()):
            if name in NORMS and not isinstance(child, (nn.Identity, Float32Norm)):
                setattr(module, name, Float32Norm(child.to(torch.float32)))
    return half.eval()
