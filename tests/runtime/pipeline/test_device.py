"""The way through on a GPU gives what the way through on the host gives. The GPU is played by the host
(``support.host_driver``): its memory, its kernels compiled by g++, its graphs recorded; the network is ONNX Runtime's,
bound to that memory.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from focus.kernels.cuda import DeviceError
from focus.runtime import Calibration
from focus.runtime.engines import OnnxRuntimeEngine, engine_from_path
from focus.runtime.pipeline import DeviceCubes, Settings, plan_run, stream
from focus.runtime.sources import Replay, WordFormat
from support.host_driver import HostDriver
from support.host_engines import HostOrt, played_gpu
from support.runs import run
from support.scenes import Scripted, cube, reflectance
from support.toy_model import WAVELENGTHS, Toy


class Recorded(HostOrt):
    """The same, as an engine whose passes may be recorded."""

    capturable = True

    def enqueue(self):
        session, options = self._session, self._run_options
        self.driver._do(self.queue.handle, lambda: session.run_with_iobinding(self._binding, options))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Toy().save(tmp_path_factory.mktemp("model") / "toy.onnx")


def both(model, source, *, kind=HostOrt, integrated=False, batch=1, **settings):
    """The same scene by host and device: sink and summary of each, and the driver."""
    expected = run(source(), engine_from_path(model, threads=1, backend="onnxruntime"), batch=batch, **settings)
    driver = HostDriver(integrated=integrated)
    engine = kind(model, batch)
    engine.driver = driver
    with played_gpu(driver):
        found = run(source(), engine, batch=batch, **settings)
    return expected, found, driver


def require_same(expected, found):
    (ours, summary), (theirs, other) = found, expected
    assert (summary.windows, summary.skipped, summary.lines, summary.counts) == (
        other.windows,
        other.skipped,
        other.lines,
        other.counts,
    )
    assert summary.class_counts == other.class_counts
    assert len(ours.rows) == len(theirs.rows)
    for row, reference in zip(ours.rows, theirs.rows, strict=True):
        np.testing.assert_array_equal(row.mask, reference.mask)
        np.testing.assert_allclose(row.composite, reference.composite, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(row.heatmap, reference.heatmap, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(row.scores, reference.scores, rtol=1e-3, atol=1e-4)
    for reading, reference in zip(ours.readings, theirs.readings, strict=True):
        assert (reading.predicted, reading.shown) == (reference.predicted, reference.shown)
        for name in ("curve", "heatmap", "scores", "sink_mass", "collapse"):
            np.testing.assert_allclose(getattr(reading, name), getattr(reference, name), rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(reading.window.faults, reference.window.faults)
        np.testing.assert_allclose(reading.window.valid_share, reference.window.valid_share)
        if reference.cube is not None:
            np.testing.assert_allclose(reading.cube, reference.cube, rtol=1e-3, atol=1e-4)


def replay(*shape, **options):
    return lambda: Replay(cube(values=reflectance(*shape), **options))


@pytest.mark.parametrize("shape", [(40, 45), (12, 16), (13, 50), (5, 7), (33, 16)])
@pytest.mark.parametrize("integrated", [False, True])
def test_scenes_of_any_size(model, shape, integrated):
    expected, found, driver = both(model, replay(*shape), integrated=integrated, with_cube=True)
    require_same(expected, found)
    assert not driver.held  # all memory was given back


@pytest.mark.parametrize(
    "settings", [{"overlap": 0}, {"overlap": 2}, {"shown": "chlorosis"}, {"batch": 3}, {"batch": 7}]
)
def test_choices_of_a_run(model, settings):
    expected, found, _ = both(model, replay(40, 45), **settings)
    require_same(expected, found)


def test_lines_that_are_lost_damaged_or_come_in_no_row_at_all(model):
    values = reflectance(48, 30)
    script = [*range(3), 5, 6, *range(9, 18), *range(27, 48)]

    def source():
        return Scripted(cube(values=values), script, damaged={10, 30, 31})

    expected, found, _ = both(model, source)
    require_same(expected, found)


def test_first_lines_that_are_damaged(model):
    values = reflectance(24, 16)
    expected, found, _ = both(model, lambda: Scripted(cube(values=values), range(24), damaged={0, 1, 2, 3, 4}))
    require_same(expected, found)


@pytest.mark.parametrize("batch", [2, 3, 8])
def test_a_long_stretch_without_lines_holds_no_more_rows_than_planned(model, batch):
    values = reflectance(40, 20)
    sent = [*range(20), *range(220, 240)]
    scene = cube(values=np.concatenate([values[:, :20], np.zeros((12, 200, 20), np.float32), values[:, 20:]], axis=1))
    expected, found, _ = both(model, lambda: Scripted(scene, sent), batch=batch)
    require_same(expected, found)


def test_what_never_came_shows_what_was_shown_before_even_where_that_was_filled_in(model):
    counts = (reflectance(36, 20) * 4000).astype(np.uint16) + 300
    counts[:, 11] = 4095  # the last line before a whole row of patches is lost
    calibration = Calibration(
        np.full((12, 20), 300, np.float32), np.full((12, 20), 1 / 4000, np.float32), WAVELENGTHS, 1.0
    )
    calibration.gain[:, 3] = np.nan

    def source():
        scene = cube(values=counts, quantity="counts")
        scripted = Scripted(cube(values=counts.astype(np.float32)), [*range(12), *range(16, 36)], damaged={20, 21})
        scripted.facts = Replay(scene, calibration=calibration, words=WordFormat(bits=12)).facts
        return scripted

    expected, found, _ = both(model, source)
    require_same(expected, found)


def test_raw_counts_whose_first_rows_never_came(model):
    calibration = Calibration(
        np.full((12, 16), 200, np.float32), np.full((12, 16), 1 / 4000, np.float32), WAVELENGTHS, 1.0
    )
    counts = (reflectance(24, 16) * 4000).astype(np.uint16)

    def source():
        scripted = Scripted(cube(values=counts.astype(np.float32)), range(24), damaged=set(range(6)))
        scripted.facts = Replay(cube(values=counts, quantity="counts"), calibration=calibration).facts
        return scripted

    expected, found, _ = both(model, source)
    require_same(expected, found)


class CannotBeRecorded(Recorded):
    def enqueue(self):
        if self.queue.handle in self.driver._recording:
            raise DeviceError("this plan cannot be recorded")
        super().enqueue()


def test_a_network_that_cannot_be_recorded_runs_step_by_step(model):
    expected, found, driver = both(model, replay(40, 45), kind=CannotBeRecorded)
    require_same(expected, found)
    assert driver.replayed == 0


@pytest.mark.parametrize("dtype", [">u2", "int32", "float64", "uint8"])
def test_types_of_raw_samples(model, dtype):
    values = (reflectance(24, 20) * 200).astype(dtype)
    words = WordFormat(bits=8) if dtype == "uint8" else None
    options = {} if words is None else {"words": words}
    expected, found, _ = both(model, lambda: Replay(cube(values=values, scale=1 / 200), **options))
    require_same(expected, found)


def test_samples_that_are_not_numbers_and_patches_without_any(model):
    values = reflectance(40, 45)
    values[:, :14, :22] = np.nan
    values[3, 30, 30] = np.inf
    expected, found, _ = both(model, lambda: Replay(cube(values=values)), with_cube=True)
    require_same(expected, found)


def test_after_the_first_pass_a_graph_is_replayed(model):
    expected, found, driver = both(model, replay(40, 45), kind=Recorded)
    require_same(expected, found)
    assert driver.replayed == found[1].windows - 1
    # Recorded once: the kernels of a window were launched for the first pass and for the recording.
    assert driver.launched.count("window_float32") == driver.launched.count("saliency_float32") == 2
    assert driver.launched.count("ingest_float32_1") == -(-40 // 4)


def test_rows_are_reused_over_a_long_scene(model):
    expected, found, _ = both(model, replay(400, 16))
    require_same(expected, found)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("kind", [HostOrt, Recorded])
def test_cubes_go_from_raw_to_maps_in_one_graph(model, batch, kind):
    values = [(reflectance(12, 16, seed=seed) * 4000).astype(np.uint16) for seed in range(6)]
    values[3][:, 2, 2] = 4095
    words = WordFormat(bits=12)

    def source(counts):
        return Replay(cube(values=counts, scale=4000.0), words=words)

    engine = kind(model, batch)
    driver = engine.driver = HostDriver()
    with played_gpu(driver), engine:
        cubes = DeviceCubes(engine, source(values[0]).facts, with_cube=True)
        found = []
        for first in range(0, 6, batch):
            cubes.stage()[:] = [counts.transpose(1, 0, 2) for counts in values[first : first + batch]]
            cubes.send()
            if first:
                found += cubes.read()
        found += cubes.read()
        with pytest.raises(IndexError):
            cubes.read()
        for _ in range(2):
            cubes.stage()
            cubes.send()
        with pytest.raises(RuntimeError, match="two batches are on their way"):
            cubes.stage()
    with engine_from_path(model, backend="onnxruntime") as reference:
        for index, (counts, reading) in enumerate(zip(values, found, strict=True)):
            [expected] = run(source(counts), reference, with_cube=True)[0].readings
            assert (reading.window.index, reading.predicted) == (index, expected.predicted)
            for name in ("curve", "heatmap", "scores", "cube", "sink_mass", "collapse"):
                np.testing.assert_allclose(getattr(reading, name), getattr(expected, name), rtol=1e-3, atol=1e-4)
            np.testing.assert_allclose(reading.window.faults, expected.window.faults)
    if kind is Recorded:
        assert driver.replayed == 6 // batch - 2  # each of the two stages runs once step by step


def test_cubes_of_another_size_are_refused(model):
    with (
        played_gpu(),
        HostOrt(model) as engine,
        pytest.raises(ValueError, match=r"model toy reads 16 samples a line, .* has 20"),
    ):
        DeviceCubes(engine, Replay(cube(12, 20)).facts)


class Slow(HostOrt):
    def enqueue(self):
        time.sleep(0.02)
        super().enqueue()


@pytest.mark.parametrize(("stride", "batch"), [(3, 16), (1, 4)])
def test_a_stride_of_its_own_has_its_rows_while_the_network_is_slow(model, stride, batch):
    expected, found, _ = both(model, replay(400, 16), kind=Slow, batch=batch, stride=stride)
    require_same(expected, found)


def test_one_engine_reads_run_after_run_in_the_memory_of_one(model):
    driver = HostDriver()
    engine = Recorded(model, 2)
    engine.driver = driver
    with played_gpu(driver), engine:
        alone, held = len(driver.held), []
        for seed in range(4):
            source = Replay(cube(values=reflectance(24, 20, seed=seed)))
            plan = plan_run(source, engine, Settings(batch=2))
            stream(plan, source, engine, [])
            held.append((len(driver.held), len(driver._graphs)))
        assert alone < held[0][0] and len(set(held)) == 1
    assert not driver.held and not driver._graphs


def explained(engine):
    source = Replay(cube(values=reflectance(24, 20)))
    return stream(plan_run(source, engine, Settings()), source, engine, [])


@pytest.mark.parametrize("work", [explained, lambda engine: DeviceCubes(engine, Replay(cube(12, 16)).facts)])
def test_an_engine_is_entered_in_one_thread_and_used_in_another(model, work):
    """As Ray Data does with an actor. A context is current in a thread, not in a process."""
    engine = HostOrt(model, 1)
    with played_gpu(), engine, ThreadPoolExecutor(1) as other:
        assert other.submit(work, engine).result()


def test_cubes_of_a_regression_show_the_first_target(model, tmp_path):
    path = Toy(task="regression").save(tmp_path / "toy.onnx")
    scenes = [reflectance(12, 16, seed=seed) for seed in range(4)]
    highest = {run(Replay(cube(values=values)), OnnxRuntimeEngine(model))[0].readings[0].predicted for values in scenes}
    assert highest - {0}  # the first target's number is not always the highest
    engine = HostOrt(path, 4)
    with played_gpu(), engine:
        cubes = DeviceCubes(engine, Replay(cube(12, 16)).facts)
        cubes.stage()[:] = [values.transpose(1, 0, 2) for values in scenes]
        cubes.send()
        found = cubes.read()
    for reading, values in zip(found, scenes, strict=True):
        expected, _ = run(Replay(cube(values=values)), OnnxRuntimeEngine(path))
        assert reading.shown == expected.readings[0].shown == 0
        np.testing.assert_allclose(reading.heatmap, expected.readings[0].heatmap, rtol=1e-3, atol=1e-4)
