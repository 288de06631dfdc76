"""The monitor in a run: when flags come and go, what it remembers, and where it is written."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from focus.runtime import Calibration, explain
from focus.runtime._bundle import Range, Seen
from focus.runtime.commands.run import main
from focus.runtime.cubes import write_npz
from focus.runtime.engines import OnnxRuntimeEngine, engine_from_path
from focus.runtime.monitor import FLAGS, Monitor, warnings_of
from focus.runtime.outputs import MapSink
from focus.runtime.pipeline import Settings, run_pipeline
from focus.runtime.runs import CameraRun, SegmentsFolder
from focus.runtime.sources import Replay, source_from_uri
from monitor_check import Altered, drifted, watch
from support.host_engines import played_gpu
from support.leaves import shipped  # noqa: F401
from support.runs import Collected
from support.scenes import Scripted, cube
from support.toy_model import Toy

FORCED = {"sink_score": 6.0}


def forced(tmp_path):
    """A model whose sink takes nearly all attention."""
    return Toy(**FORCED).save(tmp_path / "forced.onnx")


def test_a_flag_comes_with_the_fault_and_stays(shipped):  # noqa: F811
    monitor = Monitor()
    source = drifted(source_from_uri("sim:leaves=4,seed=20"), 40.0, from_line=128)
    names = watch(source, shipped, monitor).names
    assert names[0] == () and names[-1] == ("dark_level",)
    first = names.index(("dark_level",))
    assert set(names[:first]) == {()} and set(names[first:]) == {("dark_level",)}
    raised = monitor.raised()["dark_level"]
    assert (raised.first_window, raised.last_window, raised.windows) == (first, len(names) - 1, len(names) - first)


def test_every_run_begins_anew(shipped, tmp_path):  # noqa: F811
    monitor = Monitor()
    watch(Replay(cube(30, 37)), OnnxRuntimeEngine(forced(tmp_path), 1), monitor)
    assert list(monitor.raised()) == ["sink_mass", "collapse"] == [flag.name for flag in monitor.flags()]
    watch(source_from_uri("sim:leaves=1,samples=128,seed=20"), shipped, monitor)
    assert monitor.raised() == {} and monitor.flags() == () and monitor.to_json()["windows"] == 1


def test_a_flag_that_is_up_at_the_end_of_a_segment_is_cleared_before_the_next(tmp_path):
    monitor, told = Monitor(), []
    monitor.listeners.append(lambda flag, up: told.append((flag.name, up)))
    for _ in range(2):
        watch(Replay(cube(30, 37)), OnnxRuntimeEngine(forced(tmp_path), 1), monitor)
    up, down = ([(name, is_up) for name in ("sink_mass", "collapse")] for is_up in (True, False))
    assert told == [*up, *down, *up]


def test_it_is_a_sink_and_says_what_it_goes_by(shipped):  # noqa: F811
    monitor: MapSink = Monitor()
    watch(source_from_uri("sim:leaves=1,samples=128,seed=20"), shipped, monitor)
    record = monitor.to_json()
    assert record == {"limits": "of training", "windows": 1, "not_watched": [], "flags": {}}
    old = shipped.bundle.model_copy(update={"seen": None})
    engine = OnnxRuntimeEngine(shipped.file._replace(bundle=old).path, 1)
    engine.bundle = old
    watch(source_from_uri("sim:leaves=1,samples=128,seed=20"), engine, monitor)
    assert monitor.to_json()["limits"].startswith("fixed")


def test_where_band_means_stay_on_a_gpu_the_rest_is_watched(tmp_path):
    monitor = Monitor()
    with played_gpu():
        watch(Replay(cube(30, 37)), engine_from_path(forced(tmp_path), 1, backend="onnxruntime-cuda"), monitor)
    assert list(monitor.raised()) == ["sink_mass", "collapse"]
    # Reflectance has no highest count.
    assert monitor.to_json()["not_watched"] == ["saturated", "wavelength_order", "band_means"]


def test_table_record_and_summary_name_the_flags(tmp_path, capsys):
    leaf, out = tmp_path / "leaf.npz", tmp_path / "out"
    write_npz(cube(30, 37), leaf)
    assert main(["--engine", str(forced(tmp_path)), "--camera", f"replay:{leaf}", "--out", str(out)]) == 0
    with (out / "windows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["flags"] for row in rows} == {"sink_mass;collapse"}
    record = json.loads((out / "run.json").read_text())["monitor"]
    assert record["windows"] == len(rows) and list(record["flags"]) == ["sink_mass", "collapse"]
    found = record["flags"]["sink_mass"]
    assert (found["windows"], found["share"], found["first_window"]) == (len(rows), 1.0, 0)
    assert found["last_window"] == len(rows) - 1 and found["value"] > found["limit"] == 0.5
    said = capsys.readouterr().out
    assert f"warning: sink_mass in {len(rows)} of {len(rows)} windows (0 to {len(rows) - 1}): " in said
    assert said.count("warning:") == 2


def test_explain_writes_the_same_flags(tmp_path):
    from focus.runtime import Model, MonitorWarning

    with pytest.warns(MonitorWarning):
        explanation = explain(cube(30, 37), Model(OnnxRuntimeEngine(forced(tmp_path), 1)))
    results = explanation.save(tmp_path / "out")
    assert list(results.monitor["flags"]) == ["sink_mass", "collapse"]


def test_causes_come_before_what_follows_from_them():
    assert FLAGS.index("dark_level") < FLAGS.index("band_means") > FLAGS.index("wavelength_order")


def test_attention_that_is_not_a_number_is_said_and_forgotten(shipped):  # noqa: F811
    monitor = Monitor()
    kept = Collected()
    run_pipeline(source_from_uri("sim:leaves=1,samples=128,seed=20"), shipped, [kept])
    (reading,) = kept.readings
    monitor.start(kept.plan)
    monitor.add_window(reading)
    assert monitor.flags() == ()
    monitor.add_window(replace(reading, collapse=float("nan"), sink_mass=float("nan")))
    assert [flag.name for flag in monitor.flags()] == ["sink_mass", "collapse"]
    assert "--precision fp32" in monitor.flags()[1].message
    monitor.add_window(reading)
    assert monitor.flags() == ()
    found = json.loads(json.dumps(monitor.to_json(), allow_nan=False))["flags"]["collapse"]
    assert found["value"] is None and (found["first_window"], found["last_window"]) == (0, 0)


def test_a_window_with_few_valid_samples_says_little(shipped):  # noqa: F811
    kept = Collected()
    run_pipeline(source_from_uri("sim:leaves=1,samples=128,seed=20"), shipped, [kept])
    (reading,) = kept.readings
    few = np.zeros_like(reading.window.valid_share)
    few[:3] = 1.0
    odd = replace(reading, collapse=0.99, window=replace(reading.window, valid_share=few))
    monitor = Monitor()
    monitor.start(kept.plan)
    monitor.add_window(reading)
    monitor.add_window(odd)
    assert monitor.flags() == ()
    whole = replace(reading, collapse=0.99)
    for _ in range(6):
        monitor.add_window(whole)
    assert [flag.name for flag in monitor.flags()] == ["collapse"]


def test_where_all_is_saturated_nothing_is_read_and_the_flag_comes_up_all_the_same(shipped):  # noqa: F811
    strip = source_from_uri("sim:leaves=4,samples=128,seed=20")
    source = Altered(strip, lambda line, number: np.where(number < 256, line, 4095), bits=12)
    monitor = Monitor()
    names = watch(source, shipped, monitor).names
    raised = monitor.raised()["saturated"]
    assert list(monitor.raised()) == ["saturated"] and names[0] == ()
    assert raised.worst.value > 0.5 and [flag.name for flag in monitor.flags()] == ["saturated"]
    windows = monitor.to_json()["windows"]
    assert windows > len(names) and raised.last_window == windows - 1  # those that were skipped are counted


def test_a_camera_run_lists_the_flags_of_each_segment(tmp_path):
    source = Scripted(cube(24, 18), range(24))
    source.facts = replace(source.facts, lines=None)
    engine = OnnxRuntimeEngine(forced(tmp_path), 1)
    settings = Settings(policy="wait")
    summary = CameraRun(lambda: source, engine, SegmentsFolder(tmp_path / "out"), settings).run(source)
    (segment,) = json.loads((tmp_path / "out" / "run.json").read_text())["segments"]
    assert segment["flags"] == {"sink_mass": segment["windows"], "collapse": segment["windows"]}
    assert len(warnings_of([part.results.monitor for part in summary.segments])) == 2


def test_attention_far_below_that_of_training_is_said_too(tmp_path):
    usual = Range(low=0.9, high=0.95)
    seen = Seen(windows=9, sink_mass=usual, collapse=usual, band_low=(-9.0,) * 12, band_high=(9.0,) * 12)
    monitor = Monitor()
    watch(Replay(cube(30, 37)), OnnxRuntimeEngine(Toy(seen=seen).save(tmp_path / "toy.onnx"), 1), monitor)
    assert [flag.name for flag in monitor.flags()] == ["sink_mass", "collapse"]
    sink, collapse = monitor.flags()
    assert "leaves nothing over" in sink.message and "spread evenly" in collapse.message
    assert "(training 0.90 to 0.95, limit 0.85)" in collapse.message and collapse.value < collapse.limit


def test_a_dark_reference_above_most_of_the_scene_shows_in_the_samples_alone(tmp_path):
    scene = cube(24, 32)
    counts = cube(24, 32, values=(scene.values * 1000).astype(np.uint16), quantity="counts")
    too_high = np.full((12, 1), 480.0, np.float32)
    calibration = Calibration(too_high, np.full((12, 1), 1e-3, np.float32), scene.wavelengths_nm, panel=1.0)
    share = (counts.values < 480).mean()
    assert 0.7 < share < 0.95
    monitor = Monitor()
    with played_gpu():
        model = engine_from_path(Toy().save(tmp_path / "toy.onnx"), 1, backend="onnxruntime-cuda")
        watch(Replay(counts, calibration=calibration), model, monitor)
    (flag,) = monitor.flags()
    assert flag.name == "dark_level" and flag.limit == 0.6 and flag.value == pytest.approx(share, abs=0.03)
    assert "below the dark reference (limit 60%), more than noise explains" in flag.message


def test_one_odd_window_is_no_flag_and_five_are(shipped):  # noqa: F811
    kept = Collected()
    run_pipeline(source_from_uri("sim:leaves=1,samples=128,seed=20"), shipped, [kept])
    (reading,) = kept.readings
    usual, odd = replace(reading, collapse=0.4), replace(reading, collapse=1.0)
    monitor = Monitor()
    monitor.start(kept.plan)
    for one in [usual] * 5 + [odd]:
        monitor.add_window(one)
    assert monitor.raised() == {}
    for _ in range(5):
        monitor.add_window(odd)
    assert list(monitor.raised()) == ["collapse"]
    for _ in range(3):
        monitor.add_window(usual)
    assert monitor.flags() == () and monitor.raised()["collapse"].last_window == 0
