"""The whole way through, against a plain reading of the equations over the whole scene at once."""

from __future__ import annotations

import time

import numpy as np
import pytest

from focus.kernels import contrast, ingest, saliency, standardise
from focus.runtime import Calibration, CubeError
from focus.runtime._calibration import FLAWS
from focus.runtime.cubes import write_npz
from focus.runtime.engines import engine_from_path
from focus.runtime.pipeline import FAULTS, Settings, plan_run, run_pipeline, window_weight
from focus.runtime.sources import Replay, WordFormat, source_from_uri
from support.runs import Collected, run
from support.scenes import Scripted, cube, reflectance
from support.toy_model import WAVELENGTHS, Toy

ROWS, COLUMNS, PATCH = 3, 4, 4


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return engine_from_path(Toy().save(tmp_path_factory.mktemp("model") / "toy.onnx"), threads=1)


def whole(values, engine, starts_down, starts_across, shown=None):
    """Ingests the whole scene at once, reads every window, and averages with the weight: heatmap and scores."""
    bundle = engine.bundle
    found = ingest(values, PATCH, np.array(bundle.composite_weights))
    rows, columns = values.shape[1] // PATCH, values.shape[2] // PATCH
    x = standardise(found.band_means, np.array(bundle.mean), np.array(bundle.deviation)).reshape(rows, columns, -1)
    picture = (found.composite - np.array(bundle.backbone.composite_mean, np.float32)[:, None, None]) / np.float32(0.2)
    sums, weights = np.zeros((4, rows, columns)), np.zeros((rows, columns))
    with engine:
        for row in starts_down:
            for column in starts_across:
                down, across = slice(row, row + ROWS), slice(column, column + COLUMNS)
                means = x[down, across].reshape(1, ROWS * COLUMNS, -1)
                pixels = picture[
                    None, :, row * PATCH : (row + ROWS) * PATCH, column * PATCH : (column + COLUMNS) * PATCH
                ]
                outputs = engine.infer(means, np.ascontiguousarray(pixels))
                k = int(np.argmax(outputs.logits[0])) if shown is None else shown
                seen = contrast(means[0], bundle.reference, bundle.brightness)
                maps = saliency(outputs.attention[0, :, k], seen, bundle.band_weight[k], bundle.group_share[k])
                softmax = np.exp(outputs.logits[0]) / np.exp(outputs.logits[0]).sum()
                weight = window_weight(ROWS, COLUMNS)
                sums[0, down, across] += weight * maps.heatmap.reshape(ROWS, COLUMNS)
                sums[1:, down, across] += weight * softmax[:, None, None]
                weights[down, across] += weight
    return sums / weights


@pytest.mark.parametrize("overlap", [None, 0, 2])
def test_streaming_gives_what_the_whole_scene_gives(engine, overlap):
    scene = cube(32, 36)
    step = {None: (2, 2), 0: (3, 4), 2: (1, 2)}[overlap]
    down = sorted({*range(0, 6, step[0]), 5})
    across = sorted({*range(0, 6, step[1]), 5})
    sink, summary = run(Replay(scene), engine, overlap=overlap)
    expected = whole(scene.values, engine, down, across)
    np.testing.assert_allclose(sink.stacked("heatmap"), expected[0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(sink.stacked("scores"), expected[1:], rtol=1e-4, atol=1e-6)
    assert summary.windows == len(down) * len(across) == sum(summary.class_counts.values())
    assert (summary.lines, summary.samples, summary.valid_share) == (32, 36, 1.0)


def test_padding_is_the_edge_continued_and_masked(engine):
    scene = cube(30, 33)
    # Patches with some real samples are read from those alone; here the edge is flat, so padding changes nothing else.
    flat = scene.values.copy()
    flat[:, 28:] = flat[:, 28:29]
    flat[:, :, 32:] = flat[:, :, 32:33]
    sink, _ = run(Replay(cube(values=flat)), engine)
    padded = np.pad(flat, ((0, 0), (0, 2), (0, 3)), mode="edge")
    expected = whole(padded, engine, [0, 2, 4, 5], [0, 2, 4, 5])
    np.testing.assert_allclose(sink.stacked("heatmap"), expected[0], rtol=1e-4, atol=1e-6)
    assert [row.lines for row in sink.rows] == [4] * 7 + [2]
    assert sink.rows[0].composite.shape == (3, 4, 33)


def test_a_scene_smaller_than_a_window_is_padded(engine):
    scene = cube(5, 6)
    sink, summary = run(Replay(scene), engine)
    assert (summary.windows, summary.lines, summary.samples) == (1, 5, 6)
    assert [row.heatmap.shape for row in sink.rows] == [(2,), (2,)]
    assert np.isfinite(sink.stacked("heatmap")).all()
    window = sink.readings[0].window
    assert (
        window.lines,
        window.valid_share.reshape(3, 4)[2:].any(),
        window.valid_share.reshape(3, 4)[:, 2:].any(),
    ) == (5, False, False)
    masked = window.valid_share == 0
    assert (sink.readings[0].heatmap[masked] == 0).all()


def test_the_scale_of_the_stored_values_does_not_matter(engine):
    values = np.round(reflectance(24, 24) * 10000).astype(np.uint16)
    stored, _ = run(Replay(cube(values=values, scale=10000.0)), engine)
    plain, _ = run(Replay(cube(values=(values / 10000).astype(np.float32))), engine)
    np.testing.assert_allclose(stored.stacked("heatmap"), plain.stacked("heatmap"), rtol=1e-4)


def test_lost_lines_are_masked_and_counted_and_move_nothing(engine):
    scene = cube(32, 32)
    lost = [5, *range(12, 20)]
    sent = [line for line in range(32) if line not in lost]
    sink, summary = run(Scripted(scene, sent, damaged=[30]), engine)
    counts = summary.counts
    assert (counts.received, counts.missing, counts.rejected) == (22, 9, 1)
    assert counts.lines == 32
    mask = np.concatenate([row.mask for row in sink.rows])
    assert sorted(np.flatnonzero(~mask.any(axis=1))) == [*lost, 30]
    heatmap = sink.stacked("heatmap")
    assert np.isnan(heatmap[3:5]).all()
    assert np.isfinite(np.delete(heatmap, [3, 4], axis=0)).all()
    assert summary.valid_share == pytest.approx(22 / 32)
    untouched, _ = run(Replay(scene), engine)
    np.testing.assert_allclose(heatmap[[0, 6, 7]], untouched.stacked("heatmap")[[0, 6, 7]], rtol=0.15)


def test_invalid_samples_are_left_out(engine):
    scene = cube(24, 24)
    values = scene.values.copy()
    quality = np.ones((24, 24), bool)
    quality[:8, :8] = False
    values[:, 10, 10] = np.nan
    values[3, 11, 11] = np.inf
    values[:, 20:, 20:] = -9999.0
    sink, _ = run(Replay(cube(values=values, quality=quality, ignore_value=-9999.0)), engine)
    heatmap = sink.stacked("heatmap")
    hidden = np.isnan(heatmap)
    assert hidden[:2, :2].all() and hidden[5, 5] and hidden.sum() == 5
    mask = np.concatenate([row.mask for row in sink.rows])
    assert not mask[:8, :8].any() and not mask[10, 10] and mask[11, 11] and not mask[20:, 20:].any()
    assert all(np.isfinite(reading.curve).all() and np.isfinite(reading.scores).all() for reading in sink.readings)


def test_bad_bands_count_as_the_training_mean(engine):
    good = np.ones(12, bool)
    good[4] = False
    values = reflectance(12, 16)
    values[4] = 1e9
    sink, summary = run(Replay(cube(values=values, good_bands=good)), engine)
    assert summary.valid_share == 1.0
    reading = sink.readings[0]
    [(means, composite)] = sink.inputs
    assert (means[0, :, 4] == 0).all()
    assert reading.curve[4] == 0
    assert composite.max() < 5.0
    np.testing.assert_allclose(reading.window.valid_share, 1.0)


def test_a_cube_without_a_good_band_for_a_channel_is_refused(engine):
    good = np.array(WAVELENGTHS) > 560
    with pytest.raises(CubeError, match="marks every band of a channel of the model's composite as bad"):
        run(Replay(cube(good_bands=good)), engine)


def test_nothing_valid_is_refused(engine):
    with pytest.raises(CubeError, match="cube has no valid sample in the model's bands; check its ignore value"):
        run(Replay(cube(values=np.full((12, 20, 20), np.nan, np.float32))), engine)


def test_the_shown_class_can_be_chosen(engine):
    scene = cube(12, 16)
    for index, name in enumerate(engine.bundle.class_names):
        sink, _ = run(Replay(scene), engine, shown=name)
        expected = whole(scene.values, engine, [0], [0], shown=index)
        np.testing.assert_allclose(sink.stacked("heatmap"), expected[0], rtol=1e-4, atol=1e-6)
        assert sink.readings[0].shown == index
    with pytest.raises(ValueError, match="model toy has no class 'rust'; it has healthy, chlorosis, water-soaked"):
        run(Replay(scene), engine, shown="rust")


def test_cube_heatmap_and_curve_agree(engine):
    sink, _ = run(Replay(cube(12, 16)), engine, with_cube=True)
    reading = sink.readings[0]
    np.testing.assert_allclose(reading.cube.sum(axis=0), reading.heatmap, rtol=1e-4)
    np.testing.assert_allclose(reading.cube.max(axis=1), reading.curve, rtol=1e-6)
    np.testing.assert_allclose(sink.stacked("cube").reshape(12, -1), reading.cube, rtol=1e-5)
    without, _ = run(Replay(cube(12, 16)), engine)
    assert without.readings[0].cube is None and without.rows[0].cube is None


def test_collapse_and_sink_mass(engine):
    sink, _ = run(Replay(cube(12, 16)), engine)
    reading = sink.readings[0]
    with engine:
        outputs = engine.infer(*sink.inputs[0])
    attention = outputs.attention[0, :, reading.shown].astype(float)
    total = [sum(attention[h, g, i] for h in range(2) for g in range(3)) / 6 for i in range(12)]
    assert reading.collapse == pytest.approx(1 - sum(total) + max(total), rel=1e-5)
    assert reading.sink_mass == pytest.approx(1 - sum(total), rel=1e-4)


def test_regression_gives_targets_in_their_units(tmp_path):
    toy = Toy(task="regression", classes=("chlorophyll", "water"))
    with engine_from_path(toy.save(tmp_path / "r.onnx")) as engine:
        pass
    sink, summary = run(Replay(cube(12, 16)), engine)
    reading = sink.readings[0]
    with engine:
        logits = engine.infer(*sink.inputs[0]).logits[0]
    np.testing.assert_allclose(reading.scores, logits * 2.0 + [0.0, 10.0], rtol=1e-5)
    assert reading.predicted is None and reading.shown == 0 and summary.class_counts == {}
    sink, _ = run(Replay(cube(12, 16)), engine, shown="water")
    assert sink.readings[0].shown == 1


def test_empty_windows_are_not_read(engine):
    values = reflectance(48, 16)
    values[:, 16:44] = np.nan
    sink, summary = run(Replay(cube(values=values)), engine, overlap=0)
    assert (summary.windows, summary.skipped) == (3, 1)
    assert np.isnan(sink.stacked("scores")[:, 6:9]).all()


def test_a_long_stretch_without_valid_samples_does_not_pile_up(engine):
    """Rows of the maps come out while nothing is read, not only when the light is back."""
    values = reflectance(240, 16)
    values[:, 16:224] = np.nan
    sink, held = Collected(), []

    def progress(lines, windows):
        held.append(lines // PATCH - len(sink.rows))

    summary = run_pipeline(Replay(cube(values=values)), engine, [sink], progress=progress)
    assert summary.skipped > 10
    assert max(held) <= 2 * ROWS


def test_sinks_are_closed_when_a_run_fails(engine):
    class Failing(Collected):
        def add_window(self, reading):
            raise RuntimeError("sink broke")

    sink = Failing()
    with pytest.raises(RuntimeError, match="sink broke"):
        run_pipeline(Replay(cube(12, 16)), engine, [sink])
    assert sink.closed


def test_progress_goes_up_to_the_end(engine):
    told = []
    run_pipeline(
        Replay(cube(20, 16)), engine, [Collected()], progress=lambda lines, windows: told.append((lines, windows))
    )
    assert [lines for lines, _ in told] == [4, 8, 12, 16, 20]
    assert told[2][1] == 1


@pytest.mark.parametrize("batch", [2, 3, 100])
def test_a_batch_changes_nothing_but_the_speed(engine, batch):
    single, summary = run(Replay(cube(33, 37)), engine)
    batched, other = run(Replay(cube(33, 37)), engine, batch=batch)
    assert (other.windows, other.skipped, other.class_counts) == (summary.windows, 0, summary.class_counts)
    assert [reading.window.index for reading in batched.readings] == list(range(other.windows))
    for name in ("heatmap", "scores"):
        np.testing.assert_allclose(batched.stacked(name), single.stacked(name), rtol=1e-4, atol=1e-6)


def test_a_batch_must_hold_a_window(engine):
    with pytest.raises(ValueError, match="--batch must be at least 1, got 0"):
        run(Replay(cube(12, 16)), engine, batch=0)


def test_the_network_and_the_source_work_at_the_same_time(engine):
    """The source hands out lines of the next windows while the network is still at the first one."""
    source, sent = Replay(cube(48, 16)), []
    start = source.start

    def counted(get_buffer):
        for meta in start(get_buffer):
            sent.append(meta.sequence)
            yield meta

    source.start = counted
    lines_at_window = []

    class Slow(Collected):
        def add_window(self, reading):
            deadline = time.monotonic() + 5
            while not lines_at_window and len(sent) < 24 and time.monotonic() < deadline:
                time.sleep(0.01)
            lines_at_window.append(len(sent))

    run_pipeline(source, engine, [Slow()], Settings(overlap=0))
    assert lines_at_window[0] >= 24


def test_saturated_counts_are_left_out_and_told(engine):
    words = (reflectance(12, 16) * 4000).astype(np.uint16)
    words[:, 5, 6] = 4095
    stored = cube(values=words << 4, scale=4000.0)
    sink, _ = run(Replay(stored, words=WordFormat(bits=12, shift=4)), engine)
    plain, _ = run(Replay(cube(values=words, scale=4000.0)), engine)
    window = sink.readings[0].window
    assert window.faults[FAULTS.index("saturated")] == pytest.approx(1 / (12 * 16))
    assert window.valid_share.min() == pytest.approx(15 / 16)
    untouched = np.arange(12) != 5
    means, expected = sink.inputs[0][0][0], plain.inputs[0][0][0]
    np.testing.assert_allclose(means[untouched], expected[untouched], rtol=1e-5, atol=1e-5)
    assert means[5].max() < expected[5].max()


def test_each_fault_is_told_apart(engine):
    """A flat scene: 2 of its 12 x 16 elements have no gain, for different reasons, and a line is lost."""
    bands, lines, samples = 12, 12, 16
    gain = np.full((bands, samples), 1e-3, np.float32)
    gain[3, 2] = gain[7, 9] = np.nan
    flaws = np.zeros(gain.shape, np.uint8)
    flaws[3, 2], flaws[7, 9] = FLAWS["low denominator"], FLAWS["hot"]
    rig = Calibration(np.full_like(gain, 100.0), gain, WAVELENGTHS, 1.0, flaws=flaws, bits=12)
    values = np.full((bands, lines, samples), 500, np.uint16)
    values[0, 4, 1], values[1, 6, 3], values[2, 6, 3] = 4095, 50, 60
    source = Replay(cube(values=values, quantity="counts", scale=1.0), calibration=rig)
    scripted = Scripted(cube(values=values.astype(np.float32)), [line for line in range(lines) if line != 5])
    scripted.facts, scripted._cube = source.facts, cube(values=values)
    sink, _ = run(scripted, engine)
    window = sink.readings[0].window
    whole = bands * lines * samples
    wanted = {
        "saturated": 1, "below_dark": 2, "low_denominator": 11, "bad_pixel": 11, "not_finite": 0,
        "missing_line": bands * samples,
    }  # fmt: skip
    assert {name: round(share * whole) for name, share in zip(FAULTS, window.faults, strict=True)} == wanted
    assert window.valid_share.mean() == pytest.approx(1 - (1 + 22 + bands * samples) / whole)


def test_a_recording_waits_also_where_it_is_played_for_ever(tmp_path, engine):
    write_npz(cube(20, 18), tmp_path / "leaf.npz")
    for how in ("", ",loop=1"):
        source = source_from_uri(f"replay:{tmp_path}/leaf.npz{how}")
        assert plan_run(source, engine, Settings()).policy == "wait"
    assert plan_run(source, engine, Settings(policy="live")).policy == "live"
