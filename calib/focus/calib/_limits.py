"""How much an INT8 model may lose before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from focus.calib._compare import Comparison


@dataclass(frozen=True)
class Limits:
    """Least values of a ``Comparison`` that pass.

    Attributes:
        agreement, spearman, top: of the fields of these names.
        accuracy: of INT8 where labels are known; None asks nothing.
    """

    agreement: float = 0.98
    spearman: float = 0.95
    top: float = 0.9
    accuracy: float | None = None

    def shortfall(self, found: Comparison) -> str | None:
        """The first figure that is too low, with its limit and the option that moves it; None if all pass."""
        figures = [
            ("agreement with FP32", found.agreement, self.agreement, "--least-agreement"),
            ("Spearman correlation of M with FP32", found.spearman, self.spearman, "--least-spearman"),
            ("overlap of the top-5 bands with FP32", found.top, self.top, "--least-top5"),
        ]
        if self.accuracy is not None and found.accuracy is not None:
            figures.insert(0, ("accuracy of INT8", found.accuracy[1], self.accuracy, "--least-accuracy"))
        for name, value, least, option in figures:
            if not value >= least:
                return f"{name} is {value:.4f}, below {option} {least:g}"
        return None
