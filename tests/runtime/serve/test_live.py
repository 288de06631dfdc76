"""What the sink remembers of a run, and what it tells the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from focus.runtime import CubeError
from focus.runtime.engines import engine_from_path
from focus.runtime.pipeline import LineCounts, Settings, run_pipeline
from focus.runtime.serve import HarmlessSink, LiveSink, _live, _scores, _strip
from focus.runtime.serve._views import health_answer, place_view, plan_view, state_view, tick_view
from focus.runtime.serve._wire import packed_rows
from focus.runtime.sources import Replay
from support.live import COLUMNS, PATCH, ROWS, SAMPLES, SATURATED, Feed, Raised, plan, summary
from support.runs import Collected
from support.scenes import Scripted, cube
from support.toy_model import WAVELENGTHS, Toy


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return engine_from_path(Toy().save(tmp_path_factory.mktemp("model") / "toy.onnx"), threads=1)


@pytest.fixture
def live(tmp_path):
    return LiveSink(tmp_path / "not" / "there" / "yet")


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets."""

    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

        def monotonic_ns(self):
            return int(self.now * 1e9)

        def time(self):
            return 1.7e9 + self.now

    clock = Clock()
    for module in ("_live", "_lines", "_rates", "_scores"):
        monkeypatch.setattr(f"focus.runtime.serve.{module}.time", clock)
    return clock


def test_counts_the_lines_of_a_real_run(live, engine):
    scene = cube(40, 37)
    sequences = [line for line in range(40) if line not in (3, 17, 18)]
    collected = Collected()
    summary = run_pipeline(Scripted(scene, sequences, damaged=[9]), engine, [live, collected], Settings(with_cube=True))
    assert live.counts == summary.counts == LineCounts(0, received=36, missing=3, rejected=1)
    assert live.mapped_lines == 40 and live.underway == 0
    assert live.window_count == summary.windows > 0
    assert sum(live.classes.values()) == summary.windows
    np.testing.assert_array_equal(live.highest, np.max([reading.curve for reading in collected.readings], axis=0))


def test_counts_by_itself_what_the_pipeline_counts(live, engine, monkeypatch):
    """Before the summary comes, too."""
    monkeypatch.setattr(live, "finish", lambda summary: None)
    sequences = [line for line in range(40) if line not in (3, 17, 18)]
    summary = run_pipeline(Scripted(cube(40, 37), sequences, damaged=[9]), engine, [live], Settings())
    assert live.counts == summary.counts


def test_lines_given_up_are_dropped_and_missing(live):
    feed = Feed(live)
    strip = feed.strip(0)
    strip.arrived[:] = False
    live.add_strip(strip)
    assert live.counts == LineCounts(received=0, missing=PATCH, dropped=PATCH)


def test_place_of_a_real_run(live, engine):
    scene, collected = cube(24, 36), Collected()
    run_pipeline(Scripted(scene, range(24)), engine, [live, collected], Settings(with_cube=True))
    found = place_view(live, 3, 5)
    patch = scene.values[:, 12:16, 20:24].mean(axis=(1, 2))
    np.testing.assert_allclose(found["reflectance"], patch, atol=1e-4)
    np.testing.assert_allclose(found["saliency"], collected.rows[3].cube[:, 5], rtol=1e-3)
    np.testing.assert_allclose(found["scores"], collected.rows[3].scores[:, 5], rtol=1e-3)
    assert found["saliency_of"] == "place" and (found["line"], found["sample"]) == (12, 20)


def test_place_without_t_shows_the_curve_of_the_window_around_it(live, engine):
    collected = Collected()
    run_pipeline(Scripted(cube(24, 36), range(24)), engine, [live, collected], Settings(overlap=0))
    found = place_view(live, 4, 6)
    around = [
        reading for reading in collected.readings if (reading.window.first_row, reading.window.first_column) == (3, 4)
    ]
    np.testing.assert_allclose(found["saliency"], around[0].curve, rtol=1e-3)
    assert found["saliency_of"] == "window"


@pytest.mark.parametrize(("row", "column"), [(-1, 0), (3, 0), (0, -1), (0, COLUMNS)])
def test_places_that_are_not_there(live, row, column):
    Feed(live).rows(3)
    assert place_view(live, row, column) is None


def test_place_without_a_measurement(live):
    Feed(live).rows(3)
    found = place_view(live, 1, COLUMNS - 1)
    assert not found["measured"] and found["reflectance"] is None and found["saliency"] is None


def test_before_the_start_there_is_a_phase_only(live):
    assert plan_view(live) == {"run": live.run, "phase": "starting"}
    assert tick_view(live, -1)["now"] is None and tick_view(live, -1)["last_row"] == -1
    assert place_view(live, 0, 0) is None


def test_what_the_page_is_told_at_first(live):
    Feed(live)
    told = plan_view(live)
    assert told["wavelengths_nm"] == pytest.approx(WAVELENGTHS) and len(told["mean"]) == len(WAVELENGTHS)
    assert told["groups"][0]["first"] == 0 and told["groups"][-1]["stop"] == len(WAVELENGTHS)
    assert [target["name"] for target in told["targets"]] == ["healthy", "chlorosis", "water-soaked"]
    assert (told["patch"], told["samples"], told["columns"]) == (PATCH, SAMPLES, COLUMNS)


def test_pixels_are_the_scene(live, engine):
    scene, collected = cube(24, 37), Collected()
    run_pipeline(Scripted(scene, [line for line in range(24) if line != 5]), engine, [live, collected], Settings())
    rows = live.strip.after(-1, 100)
    assert [row.row for row in rows] == list(range(6))
    pixels = np.concatenate([row.pixels for row in rows])
    assert pixels.shape == (24, 37, 4)
    assert not pixels[5, :, 3].any() and (pixels[6, :, 3] == 255).all()
    composite = np.concatenate([row.composite for row in collected.rows], axis=1)
    np.testing.assert_allclose((pixels[6, :, 0] / 255.0) ** 2, np.clip(composite[0, 6], 0, 1), atol=0.005)


def test_a_wide_strip_is_thinned_in_step_with_its_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(_strip, "WIDTH", 20)
    live = LiveSink(tmp_path)
    feed = Feed(live)
    feed.rows(5)
    assert (live.strip.factor, live.strip.width) == (3, 16)
    # Lines 0, 3, 6, ... of rows of 4 lines.
    assert [len(row.pixels) for row in live.strip.after(-1, 9)] == [2, 1, 1, 2, 1]


def test_rows_on_the_wire(live):
    Feed(live).rows(4)
    rows = live.strip.after(0, 2)
    packed = packed_rows(rows, live.strip.width, COLUMNS)
    length = int.from_bytes(packed[:4], "little")
    assert (4 + length) % 4 == 0
    facts = json.loads(packed[4 : 4 + length])
    assert facts == {"rows": [1, 2], "segments": [1, 1], "cubes": [None, None], "lines": [4, 4]}
    rest = packed[4 + length :]
    pixels = np.frombuffer(rest, np.uint8, 2 * PATCH * SAMPLES * 4).reshape(2, PATCH, SAMPLES, 4)
    np.testing.assert_array_equal(pixels, [row.pixels for row in rows])
    heat = np.frombuffer(rest[pixels.nbytes :], "<f4").reshape(2, COLUMNS)
    np.testing.assert_array_equal(heat, [row.heatmap for row in rows])


def test_cubes_of_a_snapshot_camera_are_told_apart(live):
    feed = Feed(live)
    for row in range(4):
        live.add_row(replace(feed.row(row), snapshot=row // 2))
    packed = packed_rows(live.strip.after(-1, 9), live.strip.width, COLUMNS)
    assert b'"cubes": [0, 0, 1, 1]' in packed


def test_no_rows_on_the_wire():
    packed = packed_rows([], 0, 0)
    assert int.from_bytes(packed[:4], "little") == len(packed) - 4


def test_memory_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(_strip, "PIXEL_BYTES", 4 * SAMPLES * PATCH * 20)
    monkeypatch.setattr(_scores, "BINS", 7)
    monkeypatch.setattr(_scores, "BIN_S", 0.0)
    monkeypatch.setattr(_scores, "WINDOWS", 5)
    live = LiveSink(tmp_path)
    feed = Feed(live)
    feed.rows(300)
    assert [row.row for row in live.strip.after(-1, 1000)] == list(range(280, 300))
    assert live.strip.after(289, 4)[0].row == 290 and len(live.strip.after(289, 4)) == 4
    assert len(live.scores.bins) == 7 and len(live.scores._windows) == 5
    assert place_view(live, 279, 0) is None and place_view(live, 280, 0)["row"] == 280
    assert live.counts.received == 300 * PATCH
    # What is kept for clicks has a budget of its own.
    monkeypatch.setattr(_strip, "PLACE_BYTES", 3 * live.strip.place(299).nbytes)
    feed.rows(5)
    assert [live.strip.place(row) is not None for row in (301, 302, 304)] == [False, True, True]
    assert live.strip._bytes <= _strip.PLACE_BYTES


def test_arrivals_are_bounded(live, monkeypatch):
    monkeypatch.setattr("focus.runtime.serve._lines.REMEMBERED", 10)
    Feed(live).rows(50)
    assert len(live.lines._arrivals) == 10 and live.lines.arrival_ns(49) and live.lines.arrival_ns(39) is None


def test_segments_go_on(live):
    feed = Feed(live)
    feed.rows(5)
    run, windows = live.run, live.window_count
    live.finish(summary(LineCounts(received=19, missing=1)))
    live.close()
    live.camera_lost("the cable is out")
    live.camera_lost("still nobody there")
    assert (live.phase, live.reason) == ("lost", "still nobody there")
    feed.restart()
    feed.rows(4)
    assert live.run == run and live.phase == "running" and live.losses == 1
    kept = live.strip.after(-1, 100)
    assert [(row.row, row.segment) for row in kept] == [(row, 1 if row < 5 else 2) for row in range(9)]
    assert live.counts == LineCounts(received=19 + 16, missing=1)
    assert live.window_count == windows + 1 and live.underway == 0
    # Places and windows of the new segment lie behind the old ones.
    found = place_view(live, 6, 0)
    assert (found["row"], found["segment"], found["line"]) == (6, 2, PATCH)
    assert live.scores.curve_at(5 + 1, 0) is not None
    segments = [kept["segment"] for kept in tick_view(live, -1)["bins"]]
    assert segments == sorted(segments)


def test_a_loss_counts_once_though_its_segment_is_finished_after_it(live):
    feed = Feed(live)
    feed.rows(3)
    live.camera_lost("the cable is out; trying again")
    live.finish(replace(summary(ended="the cable is out"), lost=True))
    live.close()
    live.camera_lost("nobody there")
    assert (live.phase, live.reason, live.losses) == ("lost", "nobody there", 1)


def test_another_camera_begins_anew(live):
    Feed(live).rows(5)
    run = live.run
    live.start(plan(samples=SAMPLES * 2))
    assert live.run != run and live.strip.last == -1 and not live.scores.bins


def test_latency_and_rates(live, clock):
    feed = Feed(live)
    stamps = {}
    for row in range(ROWS):
        strip = feed.strip(row)
        metas = tuple(meta._replace(monotonic_ns=clock.monotonic_ns()) for meta in strip.metas)
        stamps[row] = clock.now
        clock.now += 0.1
        live.add_strip(type(strip)(row, strip.raw, strip.arrived, metas, strip.first_sequence, 0, strip.release))
    clock.now = stamps[ROWS - 1] + 0.25
    live.add_window(feed.reading(0))
    health = state_view(live)["health"]
    assert health["latency_s"] == {"p50": 0.25, "p99": 0.25}
    assert health["wait_s"] == pytest.approx(0.1)
    assert health["lines_per_s"] == (ROWS - 1) * PATCH / 0.5  # since the first strip, over half a second at least
    assert health["underway"] == ROWS * PATCH
    clock.now += 60
    assert state_view(live)["health"]["lines_per_s"] == 0


def test_scores_are_means_over_half_seconds(live, clock):
    feed = Feed(live)
    for scores in ([0.8, 0.1, 0.1], [0.4, 0.5, 0.1]):
        reading = feed.reading(0)
        reading.scores[:] = scores
        clock.now += 0.3
        live.add_window(reading)
    (kept,) = tick_view(live, -1)["bins"]
    assert kept["scores"] == pytest.approx([0.6, 0.3, 0.1]) and kept["number"] == 0
    assert tick_view(live, 0)["bins"] == []


def test_health_says_whether_lines_come(live, clock):
    assert health_answer(live) == (
        503,
        {"status": "unavailable", "phase": "starting", "windows": 0, "why": "no line has come yet"},
    )
    feed = Feed(live)
    assert health_answer(live)[0] == 503
    feed.rows(ROWS)
    assert health_answer(live) == (200, {"status": "ok", "phase": "running", "windows": 1})
    clock.now += _live.SILENT_S + 1
    code, answer = health_answer(live)
    assert code == 503 and answer["why"] == "no line for 6 s" and state_view(live)["silent"]
    feed.rows(1)
    assert health_answer(live)[0] == 200
    live.finish(summary(ended="the camera fell silent"))
    assert health_answer(live)[1]["why"] == "the run has ended: the camera fell silent"
    live.camera_lost("no route")
    assert health_answer(live)[1]["why"] == "the camera is lost: no route"
    live.end("stopped")
    assert health_answer(live)[1]["why"] == "the run has ended: stopped"


def test_a_slow_camera_is_not_silent(live, clock):
    feed = Feed(live)
    for _ in range(30):
        clock.now += 4.0
        feed.rows(1)
    clock.now += 12.0
    assert not live.silent and live.silent_s == 12
    clock.now += 8.0
    assert live.silent


def test_a_run_that_breaks_off_has_failed(live):
    Feed(live).rows(1)
    live.close()
    assert live.phase == "failed" and health_answer(live)[0] == 503
    live.fail("disk full")
    assert health_answer(live)[1]["why"] == "the run failed: disk full"


def test_flags_are_passed_on(tmp_path):
    view = state_view(LiveSink(tmp_path, Raised(SATURATED)))
    assert view["flags"] == [{"name": "saturated", "message": SATURATED.message}]


def test_a_broken_page_does_not_break_the_run(engine, capsys):
    class Broken(Collected):
        def add_row(self, row):
            self.rows.append(row)
            raise ZeroDivisionError("a bug")

    broken, collected = Broken(), Collected()
    summary = run_pipeline(
        Scripted(cube(24, 36), range(24)), engine, [HarmlessSink(broken, "the live page"), collected]
    )
    assert summary.lines == 24 and len(collected.rows) == 6 and len(broken.rows) == 1 and not broken.closed
    assert capsys.readouterr().err == "the live page stands still, the run goes on: ZeroDivisionError: a bug\n"


def test_a_run_that_fails_is_told(live, engine):
    with pytest.raises(CubeError):
        run_pipeline(
            Scripted(cube(24, 36, values=np.full((12, 24, 36), np.nan, np.float32)), range(24)), engine, [live]
        )
    assert live.phase == "failed"


def test_small_snapshot_cubes_leave_no_gap_on_the_page(live, engine, tmp_path):
    """Rows that only fill up a window have numbers of their own, but are not on the page."""
    held = cube(30, 37)
    held = replace(held, provenance=replace(held.provenance, fields={"cube lines": "6"}))
    collected = Collected()
    run_pipeline(Replay(held), engine, [live, collected], Settings(with_cube=False))
    numbers = [row.row for row in collected.rows]
    assert numbers[-1] > len(numbers) - 1
    got = []
    while found := live.strip.after(got[-1].row if got else -1, 2):
        got += found
    assert [row.row for row in got] == list(range(len(numbers)))
    line = 0
    for page, row in enumerate(collected.rows):
        view = place_view(live, page, 1)
        assert view["heat"] == pytest.approx(float(row.heatmap[1]), rel=1e-3) and view["line"] == line
        window = next(one for one in collected.readings if one.window.snapshot == row.snapshot)
        np.testing.assert_allclose(view["saliency"], window.curve, rtol=1e-3)
        line += row.lines


@pytest.mark.parametrize("file", [None, Path("leaf.hdr")])
def test_lines_of_a_recording_come_when_they_are_played(live, engine, file):
    """Their own times, here 0 and so long ago, are of then."""
    source = Scripted(cube(40, 37), range(40))
    source.facts = replace(source.facts, file=file)
    run_pipeline(source, engine, [live], Settings())
    assert (live.lines.wait_s > 5) == (file is None)
    assert (live.latency.total_s > 5) == (file is None)
