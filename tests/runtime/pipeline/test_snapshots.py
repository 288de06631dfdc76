"""Snapshot cubes: each is a scene of its own, whatever comes before it and after it."""

from __future__ import annotations

import queue
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.runtime.engines import engine_from_path
from focus.runtime.outputs import BaseSink
from focus.runtime.outputs._upsample import LineInterpolator
from focus.runtime.pipeline import Settings, run_pipeline
from support.host_driver import HostDriver
from support.host_engines import HostOrt, played_gpu
from support.runs import run
from support.scenes import Scripted, cube
from support.toy_model import Toy

PATCH, ROWS = 4, 3


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Toy().save(tmp_path_factory.mktemp("model") / "toy.onnx")


@pytest.fixture(scope="module")
def engine(model):
    return engine_from_path(model, threads=1)


def snapshots(scene, lines, sent=None, first=0, damaged=()):
    """The lines of a cube as a snapshot camera's, so many a cube."""
    count = scene.shape[1]
    source = Scripted(scene, range(first, first + count) if sent is None else sent, damaged, first)
    source.facts = replace(source.facts, cube_lines=lines)
    return source


def require_same(found, expected):
    """Rows and readings of one cube in a stream, and of that cube read alone."""
    assert len(found.rows) == len(expected.rows)
    for row, reference in zip(found.rows, expected.rows, strict=True):
        for name in ("heatmap", "scores", "composite", "mask"):
            np.testing.assert_array_equal(getattr(row, name), getattr(reference, name))
        assert row.lines == reference.lines
    for ours, theirs in zip(found.readings, expected.readings, strict=True):
        np.testing.assert_array_equal(ours.curve, theirs.curve)
        np.testing.assert_array_equal(ours.heatmap, theirs.heatmap)
        np.testing.assert_array_equal(ours.window.valid_share, theirs.window.valid_share)
        assert ours.window.faults == theirs.window.faults


class Part:
    """What a sink was told of one cube."""

    def __init__(self, sink, number):
        self.rows = [row for row in sink.rows if row.snapshot == number]
        self.readings = [reading for reading in sink.readings if reading.window.snapshot == number]


@pytest.mark.parametrize("lines", [4, 7, 12, 13, 22, 32])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_cube_in_a_stream_is_read_as_that_cube_alone(engine, lines, batch):
    scene = cube(3 * lines, 21)
    sink, summary = run(snapshots(scene, lines, first=5 * lines), engine, batch=batch)
    for number in range(3):
        here = slice(number * lines, (number + 1) * lines)
        alone, _ = run(Scripted(cube(values=scene.values[:, here]), range(lines)), engine, batch=batch)
        part = Part(sink, number)
        require_same(part, alone)
        windows = [reading.window for reading in part.readings]
        assert windows[0].first_line == number * lines
        assert all(window.first_sequence == 5 * lines + window.first_line for window in windows)
        assert all(window.first_line + window.lines <= (number + 1) * lines for window in windows)
    assert summary.lines == 3 * lines and summary.counts.received == 3 * lines
    assert [row.snapshot for row in sink.rows] == sorted(row.snapshot for row in sink.rows)


def test_the_maps_of_a_cube_are_there_before_the_next_cube_is_complete(engine):
    source, rows, seen = snapshots(cube(2 * 13, 16), 13), queue.SimpleQueue(), []
    start = source.start

    class Rows(BaseSink):
        def add_row(self, row):
            rows.put(row.lines)

    def watched(get_buffer):
        for meta in start(get_buffer):
            yield meta
            if meta.sequence == 13:  # the first line of the second cube
                seen.extend(rows.get(timeout=20) for _ in range(4))

    source.start = watched
    run_pipeline(source, engine, [Rows()], Settings())
    assert seen == [4, 4, 4, 1]


@given(
    st.integers(3, 17), st.integers(2, 3), st.sets(st.integers(1, 50)), st.sets(st.integers(0, 50)), st.integers(0, 9)
)
@settings(deadline=None, max_examples=25)
def test_lost_lines_and_lost_cubes_keep_their_places(engine, lines, cubes, lost, damaged, first):
    total = lines * cubes
    lost = {line for line in lost if line < total - 1}
    damaged = {line for line in damaged if 0 < line < total} - lost
    scene = cube(total, 9)
    sent = [line for line in range(total) if line not in lost]
    base = first * lines
    source = snapshots(scene, lines, [base + line for line in sent], base, [base + line for line in damaged])
    sink, summary = run(source, engine)
    assert (summary.counts.missing, summary.counts.rejected, summary.lines) == (len(lost), len(damaged), total)
    mask = np.concatenate([row.mask for row in sink.rows])
    assert list(np.flatnonzero(mask.any(axis=1))) == sorted(set(sent) - damaged)
    for number in range(cubes):
        here = [line - number * lines for line in sent if line // lines == number]
        if lines - 1 not in here or not set(here) - {line - number * lines for line in damaged}:
            continue  # alone, it would end earlier
        values = scene.values[:, number * lines : (number + 1) * lines]
        bad = [line - number * lines for line in damaged if line // lines == number]
        alone = snapshots(cube(values=values), lines, here, 0, bad)
        expected, _ = run(alone, engine)
        found = Part(sink, number)
        for row, reference in zip(found.rows, expected.rows, strict=True):
            np.testing.assert_array_equal(row.heatmap, reference.heatmap)


def test_a_cube_that_had_begun_before_lacks_its_first_lines(engine):
    source = snapshots(cube(20, 9), 10, sent=range(26, 40), first=20)
    sink, summary = run(source, engine)
    assert (summary.counts.first_sequence, summary.counts.missing, summary.lines) == (20, 6, 20)
    assert not np.concatenate([row.mask for row in sink.rows])[:6].any()


def test_on_a_gpu_too(model):
    def source():
        return snapshots(cube(5 * 13, 21), 13, [*range(13), *range(19, 65)])

    expected, _ = run(source(), engine_from_path(model, threads=1, backend="onnxruntime"), batch=3)
    driver, device = HostDriver(), HostOrt(model, 3)
    device.driver = driver
    with played_gpu(driver):
        found, _ = run(source(), device, batch=3)
    for row, reference in zip(found.rows, expected.rows, strict=True):
        np.testing.assert_allclose(row.heatmap, reference.heatmap, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(row.composite, reference.composite, rtol=1e-4, atol=1e-4)
        assert row.snapshot == reference.snapshot


def test_no_map_is_interpolated_from_one_cube_into_the_next(engine):
    scene = cube(2 * 14, 9)
    sink, _ = run(snapshots(scene, 14), engine)
    upsampler = LineInterpolator(PATCH, 9)
    whole = np.concatenate([lines for row in sink.rows for lines in upsampler.add(row)] + list(upsampler.finish()))
    assert whole.shape == (28, 9)
    for number in range(2):
        alone = LineInterpolator(PATCH, 9)
        rows = [row for row in sink.rows if row.snapshot == number]
        parts = [lines for row in rows for lines in alone.add(row)] + list(alone.finish())
        np.testing.assert_array_equal(whole[14 * number : 14 * (number + 1)], np.concatenate(parts))


def test_a_cube_that_comes_at_once_is_waited_for_by_nobody(engine):
    source = snapshots(cube(2 * 1300, 5), 1300)
    source.facts = replace(source.facts, lines=None)  # a camera: what does not fit ends the run
    _, summary = run(source, engine)
    assert (summary.counts.received, summary.ended) == (2600, None)
    with pytest.raises(ValueError, match="--buffer must hold a whole cube, 1300 lines, got 1299"):
        run(source, engine, buffer=1299)
