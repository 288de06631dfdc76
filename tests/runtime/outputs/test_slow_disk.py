"""A disk that is slower than the camera, and a clock that jumps: nothing is lost without being counted."""

from __future__ import annotations

import csv
import json
import os
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from focus.runtime import open_cube
from focus.runtime.engines import engine_from_path
from focus.runtime.outputs import OutputOptions, RunFacts, RunWriter
from focus.runtime.pipeline import Settings, run_pipeline
from focus.runtime.sources import read_lines
from support.scenes import Scripted, cube
from support.toy_model import Toy

LINES, SAMPLES = 200, 18


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return engine_from_path(Toy().save(tmp_path_factory.mktemp("model") / "toy.onnx"), threads=1)


class Camera(Scripted):
    """Sends as fast as its lines are taken, for ever as far as anybody knows."""

    def __init__(self):
        super().__init__(cube(LINES, SAMPLES), range(LINES))
        self.facts = replace(self.facts, lines=None)


def run(folder, engine, source, **settings):
    options = OutputOptions(record=True, fsync="never", min_free=0)
    writer = RunWriter(folder, RunFacts.of_engine(engine), with_cube=False, options=options)
    return run_pipeline(source, engine, [writer], Settings(**settings))


@pytest.fixture
def slow_disk(monkeypatch):
    real = os.writev

    def writev(*arguments):
        time.sleep(0.01)
        return real(*arguments)

    monkeypatch.setattr(os, "writev", writev)


def require_counted(folder, summary):
    """The recording holds what the counts say, line by line."""
    counts, lines = summary.counts, list(read_lines(folder / "raw.lines.csv"))
    states = Counter(line.state for line in lines)
    assert counts.received + counts.missing + counts.rejected == summary.lines == len(lines)
    assert (states["received"], states["dropped"]) == (counts.received, counts.dropped)
    raw, sent = open_cube(folder / "raw.hdr").values, cube(LINES, SAMPLES).values
    assert raw.shape[1] == len(lines)
    for line in lines:
        expected = sent[:, line.sequence] if line.state == "received" else 0.0
        np.testing.assert_array_equal(raw[:, line.line], np.broadcast_to(expected, raw[:, line.line].shape))
    record = json.loads((folder / "run.json").read_text())
    assert record["summary"]["counts"]["dropped"] == counts.dropped
    return record


def test_recording_ends_rather_than_lose_a_line(tmp_path, engine, slow_disk):
    summary = run(tmp_path, engine, Camera(), policy="record", buffer=8)
    record = require_counted(tmp_path, summary)
    assert "sends faster than its lines are read" in summary.ended and record["state"] == "ended"
    assert summary.counts.dropped == summary.counts.missing == 0 and 8 <= summary.lines < LINES


def test_live_gives_up_the_oldest_lines_and_says_which(tmp_path, engine, slow_disk):
    summary = run(tmp_path, engine, Camera(), policy="live", buffer=8)
    record = require_counted(tmp_path, summary)
    assert record["state"] == "complete" and summary.lines == LINES and summary.counts.dropped > 0


def test_a_clock_that_jumps_changes_nothing_but_the_times(tmp_path, engine):
    class Jumps(Camera):
        """An hour back in the middle, as when the network sets the clock."""

        def start(self, get_buffer):
            for meta in super().start(get_buffer):
                yield meta._replace(utc_ns=meta.utc_ns - (3600 * 10**9 if meta.sequence >= LINES // 2 else 0))

    for name, source in (("steady", Camera()), ("jumps", Jumps())):
        (tmp_path / name).mkdir()
        summary = run(tmp_path / name, engine, source, policy="wait")
        assert require_counted(tmp_path / name, summary)["state"] == "complete"
    assert (tmp_path / "jumps" / "saliency.dat").read_bytes() == (tmp_path / "steady" / "saliency.dat").read_bytes()
    tables = []
    for name in ("steady", "jumps"):
        with (tmp_path / name / "windows.csv").open(newline="") as file:
            tables.append(list(csv.DictReader(file)))
    for steady, jumps in zip(*tables, strict=True):
        assert {key for key in steady if steady[key] != jumps[key]} <= {"utc_first", "utc_last"}
        assert jumps["utc_first"] <= jumps["utc_last"]
    assert tables[0] != tables[1]
