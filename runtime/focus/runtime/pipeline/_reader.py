"""Who makes rows of patches of strips, and maps of windows: the host, or a GPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from focus.kernels import prepare
from focus.runtime._processor import usable_cores
from focus.runtime.engines import DeviceEngine, Engine
from focus.runtime.pipeline._data import Cut, PatchRow, Plan, Reading, Strip
from focus.runtime.pipeline._device_reader import DeviceReader
from focus.runtime.pipeline._ingest import Ingest
from focus.runtime.pipeline._read import read_windows
from focus.runtime.sources import SourceFacts


class Reader(Protocol):
    """One way through for both."""

    @property
    def memory(self) -> Sequence[NDArray[Any]]:
        """Where the source writes its lines, [patch, C, S] each, a strip in each."""

    def rows(self, strips: Iterable[Strip]) -> Iterator[PatchRow]:
        """Rows of patches, in order; iterated in a thread of its own. Releases the strips."""

    def read(self, cuts: Sequence[Cut]) -> list[Reading]:
        """What the network says of some windows, as many as the batch or fewer; called in another thread."""


class HostReader:
    """See ``Reader``: the kernels for the CPU, around an engine that takes arrays.

    Args:
        plan: of the run.
        engine: entered before the first window is read.
    """

    def __init__(self, plan: Plan, engine: Engine) -> None:
        bundle, source = plan.bundle, plan.source
        self._plan, self._engine = plan, engine
        self._ingest = Ingest(source, bundle, plan.columns, plan.settings.threads or usable_cores())
        shape = bundle.backbone.patch, source.bands, source.samples  # as cameras send lines: band-interleaved
        self.memory: Sequence[NDArray[Any]] = [np.zeros(shape, source.dtype) for _ in range(plan.places)]

    def rows(self, strips: Iterable[Strip]) -> Iterator[PatchRow]:
        """See ``Reader.rows``."""
        for strip in strips:
            row = self._ingest(strip)
            strip.release()
            yield row

    def read(self, cuts: Sequence[Cut]) -> list[Reading]:
        """See ``Reader.read``."""
        return read_windows(self._engine, cuts, self._plan.shown, self._plan.settings.with_cube)


def prepare_kernels(engine: Engine, source: SourceFacts) -> None:
    """Does beforehand what would make the first frame wait; in a thread of its own."""
    if _on_device(source, engine) is None:
        prepare(source.dtype)


def reader_of(plan: Plan, engine: Engine) -> Reader:
    """The reader for an engine that is entered.

    Raises:
        DeviceError: a GPU has too little memory.
        ValueError: its kernels do not take such patches, bands or groups.
    """
    device = _on_device(plan.source, engine)
    return HostReader(plan, engine) if device is None else DeviceReader(plan, device)


def _on_device(source: SourceFacts, engine: Engine) -> DeviceEngine | None:
    """The engine, where its GPU reads the lines, too: its kernels know the model's bands alone."""
    return engine if isinstance(engine, DeviceEngine) and source.resampling is None else None
