"""Other ways to explain, on the same frozen backbone and the same data, to hold FOCUS against
(docs/methods-compared.md).
"""

from focus.exporter.methods._explainers import explainers_of, require_evaluate
from focus.exporter.methods._train import METHODS, train_method

__all__ = ["METHODS", "explainers_of", "require_evaluate", "train_method"]
