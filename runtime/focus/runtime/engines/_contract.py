"""What every engine does (docs/architecture.md, "Contracts")."""

from __future__ import annotations

from types import TracebackType
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from focus.runtime._bundle import Bundle
from focus.runtime.engines._onnx_file import ModelFile


class Outputs(NamedTuple):
    """What the network says of a batch of windows.

    Attributes:
        logits: float32 [B, K].
        attention: float32 [B, H*, K, G, N], prompt-to-patch attention of the shown heads of the last block.
        sink_mass: float32 [B, H*, K, G], the same prompts' attention to [SINK].
    """

    logits: NDArray[np.float32]
    attention: NDArray[np.float32]
    sink_mass: NDArray[np.float32]


class Engine(Protocol):
    """Runs the network. A context manager; ``infer`` only inside of it.

    Attributes:
        name: of the backend, see ``BACKENDS``.
        bundle: the model's facts.
        file: the model's file.
        precision: what it computes in: fp32, bf16, fp16 or int8.
    """

    name: str
    bundle: Bundle
    file: ModelFile
    precision: str

    def __enter__(self) -> Self:
        """Loads the network; slow work belongs here."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Frees it."""

    def infer(self, band_means: NDArray[np.float32], composite: NDArray[np.float32]) -> Outputs:
        """One pass.

        Args:
            band_means: float32 [B, N, C], standardised (``focus.kernels.standardise``).
            composite: float32 [B, 3, H, W], normalised as the backbone expects.
        Raises:
            ValueError: shapes that are not the bundle's.
            RuntimeError: outside the context manager.
        """
