"""Runs of the pipeline, with all that it told its sink."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np

from focus.runtime.outputs import BaseSink
from focus.runtime.pipeline import Settings, run_pipeline


class Collected(BaseSink):
    def start(self, plan):
        self.plan, self.rows, self.readings, self.closed = plan, [], [], False

    def add_window(self, reading):
        self.readings.append(reading)

    def add_row(self, row):
        self.rows.append(row)

    def close(self):
        self.closed = True

    def stacked(self, name):
        return np.stack([getattr(row, name) for row in self.rows], axis=-2 if name != "heatmap" else 0)


def run(source, engine, **settings):
    """Sink and summary; ``sink.inputs`` are those of the network, a pair for each pass, where it runs on the host."""
    sink = Collected()
    with patch.object(engine, "infer", wraps=engine.infer) as infer:
        summary = run_pipeline(source, engine, [sink], Settings(**settings))
    passes = -(-summary.windows // settings.get("batch", 1))  # an engine may warm up before
    sink.inputs = [call.args for call in infer.call_args_list[-passes:]]
    assert sink.closed
    return sink, summary
