"""A run that a test plays step by step into the live page's sink."""

from __future__ import annotations

import time

import numpy as np

from focus.runtime.monitor import Flag
from focus.runtime.pipeline import FAULTS, LineCounts, MapRow, Plan, Reading, RunSummary, Settings, Strip, Times, Window
from focus.runtime.sources import FrameMeta, Replay
from support.scenes import cube
from support.toy_model import Toy

SATURATED = Flag("saturated", 0.03, 0.01, "3 % of the samples are saturated; shorten the exposure")

PATCH, SAMPLES, COLUMNS, ROWS = 4, 48, 12, 3


class Raised:
    """A monitor that says what it is told to say."""

    def __init__(self, *up):
        self.up = up

    def flags(self):
        return self.up


def plan(*, with_cube=True, samples=SAMPLES, task="classification"):
    """Of the toy model over an endless strip."""
    source = Replay(cube(ROWS * PATCH, samples))
    return Plan(Toy(task=task).bundle(), source.facts, None, Settings(with_cube=with_cube), -(-samples // PATCH), None)


def summary(counts=None, ended=None):
    """Of a segment that went well."""
    counts = counts or LineCounts(received=4)
    return RunSummary(
        windows=1, skipped=0, lines=counts.lines, samples=SAMPLES, counts=counts, seconds=1.0, ended=ended
    )


class Feed:
    """Plays lines, windows and rows of maps; each call of ``rows`` goes on where the last one ended.

    Args:
        sink: not yet started.
        with_cube: whether there is T.
        task: of the model.
    """

    def __init__(self, sink, *, with_cube=True, task="classification"):
        self.sink, self.plan, self.next = sink, plan(with_cube=with_cube, task=task), 0
        self.bands, self.classes = self.plan.bundle.bands, len(self.plan.bundle.targets)
        sink.start(self.plan)

    def rows(self, count):
        for _ in range(count):
            self.sink.add_strip(self.strip(self.next))
            if self.next % ROWS == ROWS - 1:
                self.sink.add_window(self.reading(self.next - ROWS + 1))
            self.sink.add_row(self.row(self.next))
            self.next += 1

    def restart(self):
        """The next segment."""
        self.next = 0
        self.sink.start(self.plan)

    def strip(self, row):
        now = time.monotonic_ns(), time.time_ns()
        metas = tuple(FrameMeta(row * PATCH + line, None, *now) for line in range(PATCH))
        raw = np.zeros((self.bands, PATCH, SAMPLES), np.uint16)
        return Strip(row, raw, np.ones(PATCH, bool), metas, row * PATCH, 0, lambda: None)

    def reading(self, row):
        scores = np.roll(np.array([0.7, 0.2, 0.1], np.float32), row // ROWS)
        window = Window(
            row // ROWS, row, 0, row * PATCH, 0, np.ones(ROWS * 4, np.float32), (0.0,) * len(FAULTS), ROWS * PATCH,
            row * PATCH, Times(None, None),
        )  # fmt: skip
        curve = np.linspace(1, 2, self.bands, dtype=np.float32) + row
        shown = int(scores.argmax())
        predicted = shown if self.plan.bundle.task == "classification" else None
        heatmap = np.ones(ROWS * 4, np.float32)
        return Reading(window, scores, predicted, shown, heatmap, curve, None, 0.25, 0.5)

    def row(self, row):
        """Brightness grows along the lines and saliency across them; the last patch is masked."""
        level = 0.1 + 0.4 * (np.arange(PATCH) + row * PATCH) % 64 / 64
        composite = np.broadcast_to(level[None, :, None], (3, PATCH, SAMPLES)).astype(np.float32)
        mask = np.ones((PATCH, SAMPLES), bool)
        mask[:, -PATCH:] = False
        heatmap = np.arange(COLUMNS, dtype=np.float32)
        heatmap[-1] = np.nan
        scores = np.tile(np.array([[0.6], [0.3], [0.1]], np.float32), COLUMNS)
        bands = np.arange(self.bands, dtype=np.float32)
        saliency = bands[:, None] + np.arange(COLUMNS, dtype=np.float32) if self.plan.settings.with_cube else None
        means = np.tile(bands / 10, (COLUMNS, 1)).astype(np.float32)
        return MapRow(row, PATCH, heatmap, scores, saliency, composite, mask, means)
