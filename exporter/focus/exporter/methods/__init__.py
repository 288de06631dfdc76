"""Other ways to explain, on the same frozen backbone and the same data, to hold FOCUS against
(docs/methods-compared.md).
"""

from focus.exporter.methods._costs import (
    COST_ONLY,
    Latency,
    Size,
    cost_only,
    explanation_flops,
    latencies,
    plain_flops,
    prediction_flops,
    size_of,
)
from focus.exporter.methods._explainers import explainers_of, require_evaluate
from focus.exporter.methods._train import METHODS, train_method

__all__ = [
    "COST_ONLY",
    "METHODS",
    "Latency",
    "Size",
    "cost_only",
    "explainers_of",
    "explanation_flops",
    "latencies",
    "plain_flops",
    "prediction_flops",
    "require_evaluate",
    "size_of",
    "train_method",
]
