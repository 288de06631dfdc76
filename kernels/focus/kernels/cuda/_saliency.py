"""``saliency`` on a device: what the network said of a batch of windows -> maps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.kernels.cuda._memory import Device, DeviceArray, Queue, uploaded

#: As in saliency.cu.
THREADS, CHUNK, WARP = 512, 128, 32

#: Groups of bands whose attention a block can hold.
MOST_GROUPS = 80


class Said(NamedTuple):
    """What the network said of a batch of windows: float16 or float32, all of one type.

    Attributes:
        attention: [B, H*, K, G, N].
        sink_mass: [B, H*, K, G].
        logits: [B, K].
    """

    attention: DeviceArray
    sink_mass: DeviceArray
    logits: DeviceArray


class Maps(NamedTuple):
    """The maps of a batch of windows, on a device or fetched from it.

    Attributes:
        heatmap: float32 [B, N], M.
        curve: float32 [B, C], B.
        figures: float32 [B, 3]: index of the shown class, mean attention to [SINK], collapse.
        cube: float32 [B, C, N], T, or None where it was not asked for.
    """

    heatmap: DeviceArray
    curve: DeviceArray
    figures: DeviceArray
    cube: DeviceArray | None


class DeviceSaliency:
    """Eqs. (5) and (6) of FOCUS (arXiv 2507.14787), see ``focus.kernels.saliency``.

    Args:
        device: where.
        weights: float [K, C], w >= 0: what each band tells of each class.
        shares: float [K, G], pi >= 0: how much each group's prompt speaks for each class.
    Raises:
        ValueError: more groups than a block can hold.
    """

    def __init__(
        self,
        device: Device,
        queue: Queue,
        weights: NDArray[np.floating],
        shares: NDArray[np.floating],
    ) -> None:
        if shares.shape[1] > MOST_GROUPS:
            raise ValueError(f"the GPU kernel takes up to {MOST_GROUPS} groups of bands, got {shares.shape[1]}")
        self._weights = uploaded(device, queue, np.asarray(weights, np.float32))
        self._shares = uploaded(device, queue, np.asarray(shares, np.float32))

    def enqueue(
        self, queue: Queue, said: Said, contrast: DeviceArray, maps: Maps, batch: int, shown: int | None
    ) -> None:
        """Makes the maps of ``batch`` windows.

        Args:
            queue: does it.
            said: what the network said.
            contrast: float32 [B, N, C], see ``Inputs``.
            maps: filled.
            batch: how many.
            shown: class whose maps are made; None takes each window's predicted one.
        """
        _, heads, classes, groups, patches = said.attention.shape
        bands = self._weights.shape[1]
        blocks = -(-patches // (THREADS // WARP)) + -(-bands // WARP) + 1
        queue.launch(
            f"saliency_{said.attention.dtype.name}",
            (blocks, batch),
            (THREADS, 1),
            4 * groups * CHUNK,
            said.attention,
            said.sink_mass,
            said.logits,
            heads,
            classes,
            groups,
            patches,
            contrast,
            self._weights,
            self._shares,
            bands,
            -1 if shown is None else shown,
            maps.heatmap,
            maps.curve,
            maps.figures,
            maps.cube,
        )
