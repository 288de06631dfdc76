"""What a row says of a cube, and whether that is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Answer(NamedTuple):
    """What a row says of a cube; None for what it does not compute.

    Attributes:
        scores: float [K], of the classes; for other rows whatever their one result is.
        heatmap: M, float [N] or [lines, samples], of the class with the highest score.
        curve: B, float [C], of the same class.
    """

    scores: NDArray[Any] | None
    heatmap: NDArray[Any] | None = None
    curve: NDArray[Any] | None = None


@dataclass(frozen=True)
class Check:
    """Largest difference of each result to the reference, as a share of that result's largest absolute value.

    Attributes:
        differences: by name of the result, over all cubes; nan where something is not finite.
        limit: what may pass.
        reference: what it was compared with.
    """

    differences: dict[str, float]
    limit: float
    reference: str

    @property
    def passed(self) -> bool:
        """Whether there is a result, and every one is within the limit."""
        return bool(self.differences) and all(value <= self.limit for value in self.differences.values())

    @property
    def worst(self) -> float:
        """The largest difference; nan if any is."""
        return float(np.max(list(self.differences.values()), initial=0.0))

    def __str__(self) -> str:
        worst = max(self.differences, key=lambda name: np.nan_to_num(self.differences[name], nan=np.inf), default="")
        if not worst:
            return f"gave no result to compare with {self.reference}"
        return f"{worst} differs by {self.differences[worst]:.2g} from {self.reference}, {self.limit:g} may pass"


def check_answers(
    found: Sequence[Answer],
    wanted: Sequence[Answer],
    limit: float,
    reference: str,
    names: Sequence[str] = Answer._fields,
) -> Check:
    """Compares a row's answers with a reference's, cube by cube.

    Args:
        found: of the row.
        wanted: of the reference; a result that it has and the row has not counts as wrong by 1.
        limit: share of a result's largest absolute value that may differ.
        reference: what the wanted answers come from, for people.
        names: what the fields hold, where it is something else than scores and maps.
    """
    differences: dict[str, float] = {}
    for place, name in enumerate(names):
        pairs = [(ours[place], theirs[place]) for ours, theirs in zip(found, wanted, strict=True)]
        apart = [difference(ours, theirs) for ours, theirs in pairs if theirs is not None]
        if apart:
            differences[name] = float(np.max(apart))
    return Check(differences, limit, reference)


def difference(found: NDArray[Any] | None, wanted: NDArray[Any]) -> float:
    """Largest absolute difference / largest absolute wanted value; 1 for a missing or misshapen result."""
    if found is None or found.shape != wanted.shape:
        return 1.0
    apart = np.max(np.abs(found.astype(np.float64) - wanted))
    return float(apart / max(float(np.max(np.abs(wanted))), 1e-12))
