"""What a training is told."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from math import inf
from typing import Any, Literal, get_args

from focus.exporter.model import Auxiliary
from focus.runtime._bundle import Readout, Values

Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True)
class TrainSettings:
    """Everything that moves the result of a training, except the data and the backbone.

    Attributes:
        groups: number of band groups on a sensor that covers every range (see ``focus.runtime.spectral.band_groups``).
        read_blocks: r, number of last blocks that the prompts pass.
        epochs: passes over the training windows.
        batch: windows a step, over all processes.
        lr: highest learning rate; it rises over the first ``warmup`` of the steps and falls along a cosine to 1 % of
            itself.
        weight_decay: decoupled decay of the adapter; nothing else decays. What keeps ||Phi|| of uninformative bands
            small is the optimiser (see ``BandAdam``); a decay strong enough to do so (5) costs a third of the accuracy.
        whitening: share of the brightest direction's variance down to which all directions of spectra are learnt nearly
            as fast, see ``whitening``; 1000, which leaves steps as they come, for a single scene.
        hidden: share of the patches that each head of each prompt of FOCUS does not see in a step, drawn anew: so that
            all that tells of a class is looked at (DropKey, arXiv 2208.02646).
        one_vs_rest: weight of ``each_class_loss`` beside the cross-entropy, of FOCUS: so that no class is the one that
            is left where the others are not.
        sink: whether there is a [SINK]; without one there is no sink loss either.
        sink_weight: weight of ``sink_loss``.
        auxiliary: the 30 % of the heads that the sink loss sends to [SINK]; ``random``: the same ones in every step.
        readout, values: of the network, see ``FocusNet``.
        clip: largest norm of the whole gradient.
        warmup: share of all steps.
        augment: flips and quarter turns of the patch grid.
        precision: ``bf16`` is mixed precision; ``auto`` takes it where the processor computes it in hardware.
        seed: prompts' start, order of the windows, flips, random heads.
    """

    groups: int = 10
    read_blocks: int = 1
    epochs: int = 12
    batch: int = 16
    lr: float = 6e-3
    weight_decay: float = 0.05
    whitening: float = 0.003
    hidden: float = 0.2
    one_vs_rest: float = 0.25
    sink: bool = True
    sink_weight: float = 0.01
    auxiliary: Auxiliary = "lowest entropy"
    readout: Readout = "tied"
    values: Values = "own bands"
    clip: float = 1.0
    warmup: float = 0.1
    augment: bool = True
    precision: Precision = "auto"
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("groups", "read_blocks", "epochs", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("lr", "clip", "whitening"):
            if not 0 < getattr(self, name) < inf:
                raise ValueError(f"{name} must be positive and finite, got {getattr(self, name)}")
        for name in ("weight_decay", "one_vs_rest", "sink_weight"):
            if not 0 <= getattr(self, name) < inf:
                raise ValueError(f"{name} must be finite and not negative, got {getattr(self, name)}")
        for name, choices in (("auxiliary", Auxiliary), ("readout", Readout), ("values", Values)):
            if getattr(self, name) not in get_args(choices):
                raise ValueError(f"{name} must be {' or '.join(get_args(choices))}, got {getattr(self, name)}")
        if not 0 <= self.hidden < 1:
            raise ValueError(f"hidden must be a share of the patches, 0 to below 1, got {self.hidden}")
        if not 0 <= self.warmup < 1:
            raise ValueError(f"warmup must be a share of the steps, 0 to 1, got {self.warmup}")

    def fingerprint(self, **facts: Any) -> str:
        """JSON of everything that a resumed training must share with the one that it continues."""
        return json.dumps({**asdict(self), **facts}, sort_keys=True)
