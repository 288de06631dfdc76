"""How much a coarser model may lose before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from focus.runtime.agreement._compare import Comparison


@dataclass(frozen=True)
class Limits:
    """Least values of a ``Comparison`` that pass.

    Attributes:
        agreement, spearman, top: of the fields of these names.
        accuracy: of the coarse model where labels are known; None asks nothing.
        logits: most that ``logit_difference`` may be; None asks nothing.
        coarse, exact: what the two models are called in messages.
    """

    agreement: float = 0.98
    spearman: float = 0.95
    top: float = 0.9
    accuracy: float | None = None
    logits: float | None = None
    coarse: str = "INT8"
    exact: str = "FP32"

    def shortfall(self, found: Comparison) -> str | None:
        """The first figure that is too low, with its limit and the option that moves it; None if all pass."""
        figures = [
            (f"agreement with {self.exact}", found.agreement, self.agreement, "--least-agreement"),
            (f"Spearman correlation of M with {self.exact}", found.spearman, self.spearman, "--least-spearman"),
            (f"overlap of the top-5 bands with {self.exact}", found.top, self.top, "--least-top5"),
        ]
        if self.accuracy is not None and found.accuracy is not None:
            figures.insert(0, (f"accuracy of {self.coarse}", found.accuracy[1], self.accuracy, "--least-accuracy"))
        for name, value, least, option in figures:
            if not value >= least:
                return f"{name} is {value:.4f}, below {option} {least:g}"
        # Written so that a difference of nan does not pass.
        if self.logits is not None and not found.logit_difference <= self.logits:
            apart = f"{found.logit_difference:.4f} of the largest logit"
            return (
                f"the largest difference of a logit from {self.exact} is {apart}, above --most-logits {self.logits:g}"
            )
        return None
