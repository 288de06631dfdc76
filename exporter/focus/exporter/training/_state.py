"""The state of an unfinished training: plain tensors and numbers, which cannot run anything when they are read."""

from __future__ import annotations

import io
import json
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from focus.runtime import FocusError
from focus.runtime._files import write_atomically


@dataclass
class TrainingState:
    """Where a training stands after ``epoch`` epochs.

    Attributes:
        fingerprint: JSON of the settings; a resumed training must have the same.
        epoch: epochs done.
        weights: the trainable tensors; optimiser: its state.
        best: the trainable tensors of the best epoch so far, and best_rank: how good it was (larger is better, compared
            in order).
        best_epoch: which one that was.
        history: one row of numbers an epoch.
    """

    fingerprint: str
    epoch: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)
    optimiser: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_rank: tuple[float, ...] = ()
    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Writes the state, whole or not at all."""
        buffer = io.BytesIO()
        torch.save(vars(self), buffer)
        write_atomically(path, buffer.getvalue())


def load_state(path: Path, fingerprint: str) -> TrainingState:
    """Reads a state; a file with code in it is refused before any of it runs.

    Raises:
        FocusError: not a state, damaged, or of a training with other settings.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        state = TrainingState(**found)
    except (pickle.UnpicklingError, RuntimeError, TypeError, EOFError, OSError, ValueError, KeyError):
        raise FocusError(
            f"{path} is not the state of a training (or is damaged, or has code in it, which was not run); "
            "start again with --overwrite"
        ) from None
    if state.fingerprint != fingerprint:
        raise FocusError(
            f"{path} belongs to a training with other settings ({difference(state.fingerprint, fingerprint)}); "
            "resume with the same ones, or start again with --overwrite"
        )
    return state


def difference(before: str, now: str) -> str:
    """What differs between two fingerprints, for people."""
    try:
        old, new = json.loads(before), json.loads(now)
        changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
        return ", ".join(f"{name} was {old.get(name)}, is {new.get(name)}" for name in changed[:3])
    except (ValueError, AttributeError, TypeError):
        return "unreadable"
