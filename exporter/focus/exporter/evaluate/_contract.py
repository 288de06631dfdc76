"""What is evaluated, and on what."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from focus.kernels import Saliency
from focus.runtime import Bundle
from focus.runtime.pipeline import explain

Array = NDArray[np.float32]


class Explainer(Protocol):
    """A trained network, and one way to make maps of it.

    Attributes:
        bundle: sensor, standardisation, window, and the classes or targets that the network knows.
    """

    bundle: Bundle

    def read(self, spectra: Array, composite: Array) -> Array:
        """One pass.

        Args:
            spectra: float32 [B, N, C], x^; composite: float32 [B, 3, H, W], normalised.
        Returns: logits, float32 [B, K].
        """

    def watch(self, spectra: Array, composite: Array) -> Array:
        """As ``read``, for many changed windows, as deletion and insertion have them: as quickly as the network was
        trained, so in the precision of its training.
        """

    def explain(self, spectra: Array, composite: Array, shown: int) -> Saliency:
        """The maps of one window.

        Args:
            spectra: float32 [N, C], x^; composite: float32 [3, H, W], normalised.
            shown: index of the class or target.
        Returns: cube T [C, N], heatmap M [N] and curve B [C].
        """


class Answer(NamedTuple):
    """What FOCUS says of B windows; float32.

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


class FocusNetwork(ABC):
    """FOCUS, whatever runs it: an ``Explainer`` that also tells where its attention went."""

    bundle: Bundle

    @abstractmethod
    def answer(self, spectra: Array, composite: Array) -> Answer:
        """One pass with all that it gives; arguments as in ``Explainer.read``."""

    def read(self, spectra: Array, composite: Array) -> Array:
        """See ``Explainer.read``."""
        return self.answer(spectra, composite).logits

    def watch(self, spectra: Array, composite: Array) -> Array:
        """See ``Explainer.watch``."""
        return self.read(spectra, composite)

    def explain(self, spectra: Array, composite: Array, shown: int) -> Saliency:
        """T, M and B as the runtime makes them, see ``Explainer.explain``."""
        attention = self.answer(spectra[None], composite[None]).attention[0, :, shown]
        return explain(self.bundle, attention, spectra, shown, with_cube=True)


class Sample(NamedTuple):
    """A window and what is known of it.

    Attributes:
        number: in its split.
        band_means: float32 [N, C], reflectance; composite: float32 [3, H, W], reflectance.
        label: its class; for regression the target whose maps are made.
        informative: float32 [C], 0 for a healthy leaf; of a regression how well each band tells the target.
        lesion, leaf: bool [N], patches that are half lesion, half leaf or lesion; of a trait both are the leaf.
        values: float32 [K], the true targets of a regression in their units; None for classes.
    """

    number: int
    band_means: Array
    composite: Array
    label: int
    informative: Array
    lesion: NDArray[np.bool_]
    leaf: NDArray[np.bool_]
    values: Array | None = None
