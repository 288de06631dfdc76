"""Watches what the network reads and where it looks, and says what would make the maps lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.monitor._bands import Spectra, SpectraWatch
from focus.runtime.monitor._data import FLAGS, Flag, Raised
from focus.runtime.monitor._judge import Attention, Judge, Shares, Verdict
from focus.runtime.monitor._limits import Limits
from focus.runtime.monitor._running import Latch, Running
from focus.runtime.pipeline import FAULTS, MapRow, Plan, Reading, RunSummary, Strip, Window
from focus.runtime.pipeline._windows import starts, step_from_overlap

#: Rows of windows that the running means look back.
MEMORY_ROWS = 5.0

#: What band means far from training follow from; the cause alone is told.
CAUSES_OF_BAND_MEANS = frozenset({"dark_level", "wavelength_order"})


class Monitor:
    """A ``MapSink`` that keeps running means of a few numbers and holds them against what was usual in training
    (``Bundle.seen``; fixed limits for models without it). Its memory is bounded. It begins anew with every ``start``.

    Attributes:
        listeners: are told at once of each flag that is raised (True) or cleared (False), in the monitor's thread; must
            not raise.
    """

    def __init__(self) -> None:
        self.listeners: list[Callable[[Flag, bool], None]] = []
        self._begin()

    def _begin(self) -> None:
        self._flags: tuple[Flag, ...] = ()
        self._raised: dict[str, Raised] = {}
        self._latches = {name: Latch() for name in FLAGS}
        self._windows = 0
        self._knows_saturation = True
        self._attention: Attention | None = None
        self._spectra: Spectra | None = None

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        for flag in self._flags:  # of the segment before
            self._tell(flag, up=False)
        self._begin()
        self._knows_saturation = plan.source.bits is not None
        bundle = plan.bundle
        limits = Limits.of_bundle(bundle)
        step = step_from_overlap(plan.settings.overlap, bundle.backbone.columns)
        memory = MEMORY_ROWS * len(starts(plan.columns, bundle.backbone.columns, step))
        self._judge, self._of_training = Judge(bundle, limits), limits.of_training
        self._looks: Running[NDArray[np.float64]] = Running(memory)
        self._faults: Running[NDArray[np.float64]] = Running(memory)
        self._watch = SpectraWatch(bundle, limits, plan.source, memory)

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        weight = float(reading.window.valid_share.mean())
        if reading.band_means is not None:
            self._spectra = self._watch.add(reading.band_means[reading.window.valid_share > 0], weight)
        self._attention = Attention(reading.sink_mass, reading.collapse)
        if np.isfinite(self._attention).all():
            self._attention = Attention(*self._looks.add(np.array(self._attention), weight).tolist())
        self._judge_after(reading.window)

    def add_skipped(self, window: Window) -> None:
        """See ``MapSink.add_skipped``: where all is saturated, nothing is read."""
        self._judge_after(window)

    def flags(self) -> tuple[Flag, ...]:
        """What is wrong at the moment, causes first; may be asked from another thread."""
        return self._flags

    def raised(self) -> dict[str, Raised]:
        """What was wrong since ``start``, by the flag's name, in the order of ``FLAGS``."""
        return {name: self._raised[name] for name in FLAGS if name in self._raised}

    def to_json(self) -> dict[str, Any]:
        """For the record of a run: which limits, which flags could not be watched, and which were raised."""
        return {
            "limits": "of training" if self._of_training else "fixed, as the model does not know its training's range",
            "windows": self._windows,
            "not_watched": [
                *([] if self._knows_saturation else ["saturated"]),
                *([] if self._spectra is not None else ["wavelength_order", "band_means"]),
            ],
            "flags": {
                name: {**raised.to_json(), "share": raised.windows / self._windows}
                for name, raised in self.raised().items()
            },
        }

    def add_strip(self, strip: Strip) -> None:
        """See ``MapSink.add_strip``."""

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""

    def close(self) -> None:
        """See ``MapSink.close``."""

    def _judge_after(self, window: Window) -> None:
        shares = dict(zip(FAULTS, window.faults, strict=True))
        faults = np.array([shares[name] for name in Shares._fields])
        up = self._up(self._judge(Shares(*self._faults.add(faults).tolist()), self._attention, self._spectra))
        self._windows += 1
        for verdict in up:
            self._note(verdict, window.index)
        self._flags = tuple(verdict.flag() for verdict in up)

    def _up(self, verdicts: list[Verdict]) -> list[Verdict]:
        """Those that are up now; a flag that another one explains is taken down."""
        up: list[Verdict] = []
        for verdict in verdicts:
            explained = verdict.name == "band_means" and any(cause.name in CAUSES_OF_BAND_MEANS for cause in up)
            latch = self._latches[verdict.name]
            before = latch.up
            if latch.update(0.0 if explained else verdict.excess):
                up.append(verdict)
            if latch.up != before:
                self._tell(verdict.flag(), up=latch.up)
        return up

    def _tell(self, flag: Flag, *, up: bool) -> None:
        for listener in self.listeners:
            listener(flag, up)

    def _note(self, verdict: Verdict, window: int) -> None:
        raised = self._raised.get(verdict.name)
        if raised is None:
            self._raised[verdict.name] = Raised(1, window, window, verdict.excess, verdict.flag())
            return
        raised.windows, raised.last_window = raised.windows + 1, window
        if verdict.excess > raised.excess:
            raised.excess, raised.worst = verdict.excess, verdict.flag()
