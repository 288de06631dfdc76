"""One worker, in this process: what it writes of a cube, and what it says of one that it cannot read."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import zarr

from focus.runtime import FocusError
from focus.runtime.archive import Entry, Order, _worker, cubes_of
from focus.runtime.archive._worker import MapWorker, _digest, cube_to_json
from focus.runtime.archive._zarr import ZarrSink
from focus.runtime.cubes import open_cube, write_npz
from focus.runtime.engines import engine_from_path
from focus.runtime.pipeline import Settings
from focus.runtime.sources import Replay, SourceOptions
from support.runs import run
from support.scenes import cube
from support.toy_model import Toy


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Toy().save(tmp_path_factory.mktemp("model") / "toy.onnx")


@pytest.fixture
def order(tmp_path, model):
    engine = engine_from_path(model, 1, backend="onnxruntime")
    settings = Settings(with_cube=True, threads=1)
    made_with = {"engine": engine.file.sha256, "maps": {"with_cube": True}}
    found = Order(
        model, engine.file.sha256, "onnxruntime", settings, SourceOptions(), tmp_path / "maps.zarr", made_with
    )
    found.parts.mkdir()
    return found


@pytest.fixture
def leaf(tmp_path):
    """A cube in a folder of an archive."""
    (tmp_path / "archive" / "plot").mkdir(parents=True)
    write_npz(cube(30, 37), tmp_path / "archive" / "plot" / "leaf.npz")
    return cubes_of(str(tmp_path / "archive"))[0]


def test_a_group_holds_what_a_run_gives(order, leaf, model):
    entry = MapWorker(order).entry_of(leaf)
    assert (entry.cube, entry.state, entry.tries) == ("plot/leaf.npz", "done", 1)
    sink, summary = run(Replay(open_cube(leaf.path)), engine_from_path(model, 1, backend="onnxruntime"), with_cube=True)
    group = zarr.open_group(str(order.out / "plot" / "leaf.npz"), mode="r")
    assert entry.windows == summary.windows == group["B"].shape[0]
    np.testing.assert_array_equal(group["M"][:], sink.stacked("heatmap"))
    np.testing.assert_array_equal(group["scores"][:], sink.stacked("scores"))
    np.testing.assert_array_equal(group["T"][:], sink.stacked("cube"))
    np.testing.assert_array_equal(group["B"][:], [reading.curve for reading in sink.readings])
    np.testing.assert_array_equal(group["window_scores"][:], [reading.scores for reading in sink.readings])
    np.testing.assert_array_equal(group["window_predicted"][:], [reading.predicted for reading in sink.readings])
    windows = [reading.window for reading in sink.readings]
    for name in ("first_line", "lines", "first_sample"):
        np.testing.assert_array_equal(group[f"window_{name}"][:], [getattr(window, name) for window in windows])
    ends = group["window_first_sample"][:] + group["window_samples"][:]
    assert ends.max() == 37
    np.testing.assert_array_equal(group["wavelength"][:], Toy().wavelengths_nm)
    assert group["T"].metadata.dimension_names == ("band", "row", "column")


def test_its_attributes_say_what_was_run_on_what(order, leaf):
    entry = MapWorker(order).entry_of(leaf)
    attributes = zarr.open_group(str(order.out / "plot" / "leaf.npz"), mode="r").attrs.asdict()
    assert attributes["model"]["sha256"] == order.engine_sha256
    assert attributes["model"]["targets"] == list(Toy().classes)
    assert attributes["source"]["sha256"] == entry.sha256 is not None
    assert attributes["settings"]["patch"] == 4
    assert attributes["monitor"]["windows"] == entry.windows


def test_the_entry_has_the_flags_of_the_monitor(order, leaf, tmp_path):
    assert MapWorker(order).entry_of(leaf).flags == ()
    path = Toy(sink_score=6.0).save(tmp_path / "forced.onnx")
    sink_takes_all = replace(order, engine=path, engine_sha256=engine_from_path(path, 1).file.sha256, made_with={})
    entry = MapWorker(sink_takes_all).entry_of(leaf)
    assert entry.flags == ("sink_mass", "collapse")
    assert Entry.from_json(json.loads(entry.to_json())) == entry


def test_what_is_said_for_other_files_of_the_archive_does_not_stop_a_cube(order, leaf):
    told = replace(order, source=SourceOptions(variable="reflectance"))
    assert MapWorker(told).entry_of(leaf).state == "done"


def test_what_a_cube_says_of_its_values_is_not_overruled(order, leaf):
    own = MapWorker(order).entry_of(leaf)
    maps = zarr.open_group(str(order.out / own.cube), mode="r")["M"][:]
    told = replace(order, source=SourceOptions(quantity="reflectance", scale=10_000.0), made_with={"scale": 1e4})
    assert MapWorker(told).entry_of(leaf).state == "done"
    np.testing.assert_array_equal(zarr.open_group(str(order.out / own.cube), mode="r")["M"][:], maps)


def test_nothing_is_left_beside_the_group(order, leaf):
    MapWorker(order).entry_of(leaf)
    assert [path.suffix for path in order.parts.iterdir()] == [".tries"]


def test_a_group_that_is_whole_is_not_made_again(order, leaf, monkeypatch):
    first = MapWorker(order).entry_of(leaf)
    monkeypatch.setattr(_worker, "source_from_uri", None)
    assert MapWorker(order).entry_of(leaf) == first


def test_a_group_of_a_file_that_changed_is_made_anew(order, leaf, tmp_path):
    first = MapWorker(order).entry_of(leaf)
    write_npz(cube(14, 37, seed=1), leaf.path)
    second = MapWorker(order).entry_of(cubes_of(str(tmp_path / "archive"))[0])
    assert second.sha256 != first.sha256
    assert zarr.open_group(str(order.out / "plot" / "leaf.npz"), mode="r")["M"].shape[0] == 4


def test_wrong_input_is_one_line_and_not_tried_again(order, leaf):
    leaf.path.write_bytes(b"PK\x03\x04")
    entry = MapWorker(order).entry_of(leaf)
    assert (entry.state, entry.tries, entry.windows) == ("failed", 1, 0)
    assert "leaf.npz" in entry.error and "\n" not in entry.error
    assert not (order.out / "plot").exists()


def test_a_failure_of_the_machine_is_tried_again(order, leaf, monkeypatch):
    monkeypatch.setattr(_worker, "PAUSE_S", 0.0)
    write, failures = ZarrSink.write, [OSError(5, "Input/output error")]

    def fails_once(self, folder, attributes):
        if failures:
            raise failures.pop()
        write(self, folder, attributes)

    monkeypatch.setattr(ZarrSink, "write", fails_once)
    entry = MapWorker(order).entry_of(leaf)
    assert (entry.state, entry.tries) == ("done", 2)


def test_a_failure_that_stays_is_said(order, leaf, monkeypatch):
    monkeypatch.setattr(_worker, "PAUSE_S", 0.0)

    def fails(self, folder, attributes):
        (folder.parent / folder.name).mkdir()
        (folder / "half").touch()
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(ZarrSink, "write", fails)
    entry = MapWorker(order).entry_of(leaf)
    assert (entry.state, entry.tries) == ("failed", 3)
    assert entry.error == "OSError: [Errno 5] Input/output error"
    assert not [path for path in order.parts.iterdir() if path.is_dir()]


def test_a_cube_whose_worker_died_too_often_is_given_up(order, leaf):
    (order.parts / f"{_digest(leaf.name)}.tries").write_text("host 1 then\n" * 3)
    entry = MapWorker(order).entry_of(leaf)
    assert (entry.state, entry.tries) == ("failed", 3)
    assert "its worker died 3 times" in entry.error


def test_another_model_on_this_machine_is_refused(order, tmp_path):
    shutil.copy(Toy(sink_score=1.0).save(tmp_path / "other.onnx"), tmp_path / "copy.onnx")
    other = Order(**{**vars(order), "engine": tmp_path / "copy.onnx"})
    with pytest.raises(FocusError, match="is another file than where focus-map was started"):
        MapWorker(other)


def test_ray_hands_it_a_column(order, leaf):
    found = MapWorker(order)({"cube": np.array([cube_to_json(leaf)], object)})
    assert json.loads(found["entry"][0])["state"] == "done"
