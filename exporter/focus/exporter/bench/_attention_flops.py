"""Operations of attention on processors, which torch before 2.15 does not count; of Python 3.10 the newest is 2.14."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import flop_registry, register_flop_formula, sdpa_backward_flop, sdpa_flop

_aten = torch.ops.aten
for _operation, _formula in (
    (_aten._scaled_dot_product_flash_attention_for_cpu, sdpa_flop),
    (_aten._scaled_dot_product_flash_attention_for_cpu_backward, sdpa_backward_flop),
):
    if _operation not in flop_registry:
        register_flop_formula(_operation, get_raw=True)(_formula)  # they take tensors
