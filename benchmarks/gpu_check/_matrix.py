"""What the GPU's matrix units do, measured in the same run."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

WARM_UP, ROUNDS = 3, 10


def matrix_tflop_s(index: int, edge: int) -> float | None:
    """Of a product of two random FP16 matrices of this edge, by torch; None where torch sees no GPU."""
    if find_spec("torch") is None:
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    place = torch.device("cuda", index)
    left, right = (torch.randn(edge, edge, device=place, dtype=torch.float16) for _ in range(2))
    times = []
    with torch.cuda.device(place):
        for _ in range(WARM_UP + ROUNDS):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            torch.matmul(left, right)
            end.record()
            end.synchronize()
            times.append(start.elapsed_time(end))
    return 2.0 * edge**3 / float(np.median(times[WARM_UP:])) / 1e9
