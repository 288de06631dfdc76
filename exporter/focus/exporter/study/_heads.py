"""Which heads are shown, chosen anew for a trained network."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import torch

from focus.exporter.data import WindowSet
from focus.exporter.evaluate._removed import network_inputs
from focus.exporter.model import Auxiliary, FocusNet, auxiliary_heads, head_entropy
from focus.runtime import Bundle

Heads: TypeAlias = Literal[Auxiliary, "all"]

#: Training windows whose mean entropy decides.
WINDOWS = 64


@torch.no_grad()
def with_heads(net: FocusNet, bundle: Bundle, windows: WindowSet, heads: Heads, seed: int) -> Bundle:
    """The bundle with other heads shown: as many as H_aux has, by the entropy of their attention over the patches. All
    else that the maps are made of stays as training found it.

    Args:
        net: trained, in eval mode; windows: of its training.
        seed: of the random choice.
    """
    chosen = windows.of("train")[:WINDOWS]
    spectra, composite = network_inputs(
        bundle, windows.band_means[chosen], windows.composite[chosen].astype(np.float32)
    )
    parts = [
        head_entropy(net(torch.from_numpy(spectra[i : i + 1]), torch.from_numpy(composite[i : i + 1])).attention[-1])
        for i in range(len(chosen))
    ]
    entropy = torch.stack(parts).mean(dim=0)
    found = torch.arange(len(entropy)) if heads == "all" else auxiliary_heads(entropy, heads, seed)
    reading = bundle.reading.model_copy(update={"heads": tuple(found.tolist())})
    return bundle.model_copy(update={"reading": reading})
