"""``ingest`` on a device: blocks of lines into numbered rows of patches; and windows out of those rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from focus.kernels._lines import NATIVE
from focus.kernels._optics import Weights, stored_optics
from focus.kernels._results import COUNTS
from focus.kernels.cuda._memory import Device, DeviceArray, Queue, uploaded

WARP = 32

#: As in ingest.cu.
MOST_THREADS = 256
VECTORS = (8, 4, 2, 1)

#: Threads of a block of ``window``.
WINDOW_THREADS = 256

#: Directions of brightness that the kernel takes, as in ingest.cu: no more can have a tenth of the variance each.
MOST_DIRECTIONS = 10

#: Shared memory that every GPU gives a block without being asked, less what the kernel has of fixed size.
SHARED_BYTES = 48 * 1024 - 256

#: What the composite shows of a line, besides another line's place; as in ingest.cu.
ARRIVED, NOTHING = -2, -1

#: Samples to which a line's memory is filled up, so that every line starts where 16 bytes can be loaded at once.
ALIGNED = 16


class Rows(NamedTuple):
    """Rows of patches in device memory, R of them with P columns; any may be written at any time.

    Attributes:
        means: float32 [R P, C], NaN where a patch has no valid sample of a band.
        image: float32 [3, R patch, S], reflectance.
        counts: int32 [R P, 5], see ``Quality``.
    """

    means: DeviceArray
    image: DeviceArray
    counts: DeviceArray


class Shape(NamedTuple):
    """How a block of threads shares a patch.

    Attributes:
        vector: neighbouring samples of a thread.
        lanes: threads that hold one band of the patch.
        slices: bands at a time.
    """

    vector: int
    lanes: int
    slices: int

    @classmethod
    def of_patch(cls, patch: int) -> Shape:
        """The widest loads that leave a warp full.

        Raises:
            ValueError: a patch that has too many samples for a block.
        """
        for vector in VECTORS:
            threads = patch * (patch // vector)
            if patch % vector == 0 and (threads >= WARP or vector == 1) and threads <= MOST_THREADS:
                lanes = -(-threads // WARP) * WARP
                return cls(vector, lanes, MOST_THREADS // lanes)
        raise ValueError(
            f"patches of {patch} x {patch} samples are too large for the GPU kernel; it takes up to 15 x 15, "
            "and larger even ones of up to 45 x 45 with 256 times 8, 4 or 2 samples"
        )


class DeviceIngest:
    """Ingests blocks of lines of one source into rows of patches on a device; see ``focus.kernels.ingest``.

    Args:
        device: where.
        samples: samples a line, S.
        patch: edge of a patch in samples.
        composite_weights: float [3, C].
        dtype: of the raw samples: uint8, uint16, int16 or float32.
        dark, gain, used, bits, shift: see ``focus.kernels.ingest``.
        rows: R, rows of patches that are held.
    Raises:
        ValueError: see ``focus.kernels.ingest``; a type that no kernel reads, a patch too large, too many bands.
        DeviceError: not enough memory.
    """

    def __init__(
        self,
        device: Device,
        queue: Queue,
        samples: int,
        patch: int,
        composite_weights: Weights,
        *,
        dtype: DTypeLike = np.uint16,
        dark: NDArray[np.floating] | float = 0.0,
        gain: NDArray[np.floating] | float = 1.0,
        used: NDArray[np.bool_] | None = None,
        bits: int | None = None,
        shift: int = 0,
        rows: int = 1,
    ) -> None:
        kind = np.dtype(dtype)
        if kind not in NATIVE:
            names = ", ".join(np.dtype(native).name for native in NATIVE)
            raise ValueError(f"the GPU kernel reads {names}, got {kind.name}; convert to float32")
        self._shape = Shape.of_patch(patch)
        optics = stored_optics(samples, composite_weights, dark, gain, used, bits, shift)
        bands = len(optics.used)
        warps = self._shape.lanes // WARP
        self._shared = 4 * (bands * (2 * warps + 1) + 6 * self._shape.vector * self._shape.lanes)
        if self._shared > SHARED_BYTES:
            raise ValueError(f"{bands} bands in patches of {patch} are more than the GPU kernel's shared memory holds")
        self.samples, self.patch, self.bands, self.columns = samples, patch, bands, -(-samples // patch)
        self.pitch = -(-samples // ALIGNED) * ALIGNED
        self.dtype, self.total, self.full = kind, rows, int(optics.used.sum()) * patch**2
        beyond = ((0, 0), (0, self.pitch - samples))
        self._dark, self._gain, self._weights, self._used = (
            uploaded(device, queue, values)
            for values in (
                np.pad(optics.dark, beyond),
                np.pad(optics.gain, beyond),
                optics.weights.astype(np.float32),
                optics.used.astype(np.uint8),
            )
        )
        self._ceiling = float(np.float32(optics.ceiling))
        self.rows = Rows(
            device.empty((rows * self.columns, bands), np.float32),
            device.empty((3, rows * patch, samples), np.float32),
            device.empty((rows * self.columns, len(COUNTS)), np.int32),
        )

    def fetch(self, queue: Queue, row: int, counts: NDArray[np.int32], image: NDArray[np.float32]) -> None:
        """Copies one row of patches to the host.

        Args:
            queue: does it.
            row: which.
            counts: int32 [P, 5]. image: float32 [3, patch, S]. Both are filled when the queue was waited for.
        """
        queue.download(counts, self.rows.counts.part(row * counts.size, counts.shape))
        for channel, target in enumerate(image):
            start = (channel * self.total + row) * target.size
            queue.download(target, self.rows.image.part(start, target.shape))

    def enqueue(self, queue: Queue, raw: DeviceArray, shown: DeviceArray, lines: int, first: DeviceArray) -> None:
        """Ingests lines into the rows of patches from ``first`` on.

        Args:
            queue: does it.
            raw: [lines, C, pitch], the type that was said.
            shown: int32 [lines], what the composite shows of a line. ``ARRIVED``: itself. A line that never came is in
                no mean, and its raw samples are not read: it shows what is, or will be, at another line of the rows
                (row * patch + line in it), which must have arrived in this block or be finished; or ``NOTHING``, 0.
            lines: how many; the last row of patches may be cut.
            first: int32 [1], where the first row of patches goes; the others follow, modulo R.
        """
        rows = -(-lines // self.patch)
        queue.launch(
            f"ingest_{self.dtype.name}_{self._shape.vector}",
            (self.columns, rows),
            (self._shape.lanes, self._shape.slices),
            self._shared,
            raw,
            shown,
            self._dark,
            self._gain,
            self._weights,
            self._used,
            self._ceiling,
            self.bands,
            self.samples,
            self.pitch,
            self.patch,
            lines,
            self.rows.means,
            self.rows.image,
            self.rows.counts,
            first,
            self.total,
        )


def shown_lines(arrived: NDArray[np.bool_], first: int, before: int | None) -> NDArray[np.int32]:
    """What the composite shows of the lines of one row of patches: one that never came shows the one before; before the
    first line, the one after.

    Args:
        arrived: bool [L], L up to the patch.
        first: the row's first line among the lines of all rows, row * patch.
        before: the last line of the row before likewise; None where there is none, or nothing came so far.
    Returns: int32 [L], see ``DeviceIngest.enqueue``.
    """
    known = np.flatnonzero(arrived)
    if not known.size:
        return np.full(len(arrived), NOTHING if before is None else before, np.int32)
    nearest = np.searchsorted(known, np.arange(len(arrived)), side="right") - 1
    lines = np.where(
        nearest >= 0, first + known[np.maximum(nearest, 0)], first + known[0] if before is None else before
    )
    return np.where(arrived, ARRIVED, lines).astype(np.int32)


class Inputs(NamedTuple):
    """What the network reads of a window, and what the maps need of it.

    Attributes:
        band_means: float16 or float32 [B, N, C], x^.
        composite: the same type [B, 3, H, W], normalised.
        contrast: float32 [B, N, C], D, 0 where nothing was measured; see ``focus.kernels.contrast``.
    """

    band_means: DeviceArray
    composite: DeviceArray
    contrast: DeviceArray


class DeviceWindow:
    """Cuts windows out of rows of patches, standardised and normalised.

    Args:
        device: where.
        ingest: whose rows.
        mean, deviation: float [C], mu and sigma of the band means; reference: float [C], r, see ``contrast``.
        image_mean, image_deviation: float [3], of the composite.
        brightness: float [D, C], U, see ``contrast``.
        grid: rows and columns of a window, in patches.
    Raises:
        ValueError: more directions than the kernel takes.
    """

    def __init__(
        self,
        device: Device,
        queue: Queue,
        ingest: DeviceIngest,
        mean: NDArray[np.floating],
        deviation: NDArray[np.floating],
        reference: NDArray[np.floating],
        image_mean: NDArray[np.floating],
        image_deviation: NDArray[np.floating],
        brightness: NDArray[np.floating],
        grid: tuple[int, int],
    ) -> None:
        if len(brightness) > MOST_DIRECTIONS:
            raise ValueError(
                f"the GPU kernel takes up to {MOST_DIRECTIONS} directions of brightness, got {len(brightness)}"
            )
        self._ingest, self._grid, self._directions = ingest, grid, len(brightness)
        some = brightness if len(brightness) else np.zeros((1, ingest.bands))  # no device has an array of no bytes
        self._statistics = [
            uploaded(device, queue, np.asarray(values, np.float32))
            for values in (mean, deviation, reference, image_mean, image_deviation, some)
        ]

    @property
    def places(self) -> int:
        """Length of a window's place: its first column, the rows of its means, and the rows of its composite."""
        return 1 + 2 * self._grid[0]

    def enqueue(self, queue: Queue, places: DeviceArray, batch: int, inputs: Inputs) -> None:
        """Cuts out ``batch`` windows.

        Args:
            queue: does it.
            places: int32 [batch, places]. A row whose two places differ is filled in: the network reads means that
                are another row's, and the maps show nothing of it.
            batch: how many.
            inputs: filled.
        """
        rows, columns = self._grid
        ingest = self._ingest
        items = 3 * rows * columns * ingest.patch**2 + rows * columns * ingest.bands
        queue.launch(
            f"window_{inputs.band_means.dtype.name}",
            (-(-items // (4 * WINDOW_THREADS)), batch),
            (WINDOW_THREADS, 1),
            0,
            ingest.rows.means,
            ingest.rows.image,
            ingest.rows.counts,
            ingest.total,
            places,
            *self._statistics,
            self._directions,
            ingest.bands,
            ingest.samples,
            ingest.patch,
            ingest.columns,
            rows,
            columns,
            inputs.band_means,
            inputs.composite,
            inputs.contrast,
        )
