"""What is evaluated, and on what."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from focus.runtime import Bundle

Array = NDArray[np.float32]


class Answer(NamedTuple):
    """What a network says of B windows; float32.

    Attributes:
        logits: [B, K].
        attention: [B, H*, K, G, N], of the shown heads of the last block.
        sink: [B, H*, K, G], the same heads' attention to [SINK].
        other_sink: [B, H - H*, K, G], that of the other heads, or None where the network does not give it.
        blocks: for each read block [B, H*, K, G, N]; none where the network gives the last one alone.
    """

    logits: Array
    attention: Array
    sink: Array
    other_sink: Array | None = None
    blocks: tuple[Array, ...] = ()


class Network(Protocol):
    """A model, whatever runs it."""

    bundle: Bundle

    def read(self, spectra: Array, composite: Array) -> Answer:
        """One pass.

        Args:
            spectra: float32 [B, N, C], x^; composite: float32 [B, 3, H, W], normalised.
        """


class Sample(NamedTuple):
    """A window and what is known of it.

    Attributes:
        number: in its split.
        band_means: float32 [N, C], reflectance; composite: float32 [3, H, W], reflectance.
        label: its class.
        informative: float32 [C], 0 for a healthy leaf.
        lesion, leaf: bool [N], patches that are half lesion, half leaf or lesion.
    """

    number: int
    band_means: Array
    composite: Array
    label: int
    informative: Array
    lesion: NDArray[np.bool_]
    leaf: NDArray[np.bool_]
