"""The way through on a GPU: lines go there once, band means and composite stay there, and only maps come back."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.kernels import Quality
from focus.kernels.cuda import Device, DeviceIngest, Exchange, Queue, shown_lines
from focus.runtime.engines import DeviceEngine
from focus.runtime.pipeline._data import Cut, PatchRow, Plan, Reading, Strip
from focus.runtime.pipeline._device_maps import DeviceMaps, Replayed
from focus.runtime.pipeline._faults import Faults
from focus.runtime.pipeline._ingest import alive_samples, composite_of_good, optics_of, patch_row, seen_samples
from focus.runtime.pipeline._windows import step_from_overlap

#: Types of raw samples that the kernel reads; others are made float32 on the way.
READ = ("uint8", "uint16", "int16", "float32")


class Slot:
    """A place for one row of patches on the device; free again when nothing refers to it any more."""

    def __init__(self, number: int) -> None:
        self.number = number


class Slots:
    """All places.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self._free = deque(range(count))

    def take(self) -> Slot:
        """A free one. There is one as long as the pipeline holds no more rows than it plans for."""
        slot = Slot(self._free.popleft())
        weakref.finalize(slot, self._free.append, slot.number).atexit = False
        return slot


class Held(NamedTuple):
    """Where a row of patches is on the device: its band means, or those of the row before where no line of it arrived;
    and its composite.
    """

    means: Slot
    image: Slot


class DeviceReader:
    """See ``Reader``. A row of patches is uploaded and ingested in a queue of its own, while the network reads windows
    of the rows before and the source writes the next row.

    Args:
        plan: of the run.
        engine: entered.
    """

    def __init__(self, plan: Plan, engine: DeviceEngine) -> None:
        bundle, source, settings = plan.bundle, plan.source, plan.settings
        device, backbone = engine.room(), bundle.backbone
        self._plan, self._device, self._queue, self._arriving = plan, device, device.queue(), device.queue()
        # Alive at a time: the window's rows and those of a pending batch, what runs ahead, and what is on its way.
        # From one snapshot cube to the next it is a whole window.
        step = backbone.rows
        if source.cube_lines is None:
            step = settings.stride or step_from_overlap(settings.overlap, backbone.rows)
        pending = step * max(settings.batch, engine.batch)
        total = 2 * backbone.rows + pending + 6
        native = source.dtype.isnative and source.dtype.name in READ
        self._ingest = DeviceIngest(
            device,
            self._arriving,
            source.samples,
            backbone.patch,
            composite_of_good(bundle, source),
            **optics_of(source),
            dtype=source.dtype if native else np.float32,
            rows=total,
        )
        self._alive, self._slots = alive_samples(source), Slots(total)
        self._faults = Faults(source, backbone.patch)
        self._stages = [_Stage(device, self._ingest) for _ in range(2)]
        # The source writes into pinned memory, or, where its type must be changed, into memory of its own.
        self._native, size = native, (backbone.patch, self._ingest.bands, self._ingest.pitch)
        self._raw = [Exchange(device, size, self._ingest.dtype) for _ in range(plan.places if native else 2)]
        self.memory: Sequence[NDArray[Any]]
        if native:
            self.memory = [raw.host[..., : source.samples] for raw in self._raw]
        else:
            self.memory = [np.zeros((*size[:2], source.samples), source.dtype) for _ in range(plan.places)]
        self._maps = DeviceMaps(engine, device, self._queue, self._ingest, plan.shown, settings.with_cube)
        self._pass = Replayed(self._queue, self._maps.enqueue, engine.capturable)
        self._row_before: Held | None = None
        self._line_before: int | None = None

    def rows(self, strips: Iterable[Strip]) -> Iterator[PatchRow]:
        """See ``Reader.rows``; each comes when the strip after it is on its way."""
        self._device.use()
        begun: _Begun | None = None
        for strip in strips:
            row = None if begun is None else self._finished(begun)
            begun = self._begin(strip)
            if row is not None:
                yield row
        if begun is not None:
            yield self._finished(begun)

    def read(self, cuts: Sequence[Cut]) -> list[Reading]:
        """See ``Reader.read``."""
        self._device.use()
        found: list[Reading] = []
        for first in range(0, len(cuts), self._maps.batch):
            some = cuts[first : first + self._maps.batch]
            for places, cut in zip(self._maps.places, some, strict=False):
                held = [row.held for row in cut.rows]
                places[:] = [
                    cut.window.first_column,
                    *(row.means.number for row in held),
                    *(row.image.number for row in held),
                ]
            self._pass()
            self._queue.wait()
            found += self._maps.readings([cut.window for cut in some])
        return found

    def _begin(self, strip: Strip) -> _Begun:
        """Sends a strip on its way."""
        if strip.begins:  # nothing of the cube before is shown in this one
            self._row_before = self._line_before = None
        stage = self._stages[strip.row % len(self._stages)]
        seen = seen_samples(strip, self._alive)
        raw = self._raw[max(strip.place, 0)] if self._native else self._converted(strip)
        slot, patch = self._slots.take(), self._ingest.patch
        stage.shown[:] = shown_lines(strip.arrived, slot.number * patch, self._line_before)
        if self._line_before is not None or strip.arrived.any():
            self._line_before = (slot.number + 1) * patch - 1
        held = Held(slot, slot)
        if self._row_before is not None and not strip.arrived.any():
            held = Held(self._row_before.means, slot)
        self._row_before = held
        stage.enqueue(self._arriving, self._ingest, raw, slot.number)
        return _Begun(strip, held, stage, seen)

    def _converted(self, strip: Strip) -> Exchange:
        """A strip's samples in a type that the kernel reads; its memory is free then."""
        raw = self._raw[strip.row % len(self._raw)]
        with np.errstate(over="ignore", invalid="ignore"):
            raw.host[..., : strip.raw.shape[2]] = strip.raw.transpose(1, 0, 2)
        return raw

    def _finished(self, begun: _Begun) -> PatchRow:
        stage = begun.stage
        self._arriving.wait()
        begun.strip.release()
        quality = Quality(stage.counts.copy(), self._ingest.full)
        columns, image = self._plan.columns, stage.image.copy()
        return patch_row(begun.strip, columns, begun.held, image, quality, self._faults, begun.seen)


class _Stage:
    """What goes with a strip to the device, and what comes back: pinned.

    Attributes:
        shown: int32 [patch], see ``DeviceIngest.enqueue``.
        counts: int32 [P, 5]. image: float32 [3, patch, S].
    """

    def __init__(self, device: Device, ingest: DeviceIngest) -> None:
        patch, samples = ingest.patch, ingest.samples
        self._shown = Exchange(device, (patch,), np.int32)
        self._first = Exchange(device, (1,), np.int32)
        self.shown: NDArray[np.int32] = self._shown.host
        self.counts: NDArray[np.int32]
        self.image: NDArray[np.float32]
        self.counts, _ = device.pinned((ingest.columns, 5), np.int32)
        self.image, _ = device.pinned((3, patch, samples), np.float32)

    def enqueue(self, queue: Queue, ingest: DeviceIngest, raw: Exchange, row: int) -> None:
        """Upload, ingest into a row, and fetch what the host looks at."""
        self._first.host[0] = row
        for part in (raw, self._shown, self._first):
            part.send(queue)
        ingest.enqueue(queue, raw.array, self._shown.array, len(self.shown), self._first.array)
        ingest.fetch(queue, row, self.counts, self.image)


class _Begun(NamedTuple):
    """A strip on its way."""

    strip: Strip
    held: Held
    stage: _Stage
    seen: NDArray[np.bool_]
