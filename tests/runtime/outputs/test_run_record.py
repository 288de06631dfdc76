"""What run.json says while a run runs, and however it ends."""

from __future__ import annotations

import json

import numpy as np
import pytest

from focus.runtime import OutputError
from focus.runtime._errors import CameraLost
from focus.runtime.engines import engine_from_path
from focus.runtime.outputs import BaseSink, RunFacts, RunWriter
from focus.runtime.outputs._run_record import RunRecord
from focus.runtime.pipeline import run_pipeline
from focus.runtime.sources import Replay
from support.scenes import Scripted, cube
from support.toy_model import Toy


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return engine_from_path(Toy().save(tmp_path_factory.mktemp("model") / "toy.onnx"), threads=1)


def record(folder):
    return json.loads((folder / "run.json").read_text())


class Looks(BaseSink):
    """Reads the record after the first window, and fails there if it is to."""

    def __init__(self, folder, error=None):
        self.folder, self.error, self.found = folder, error, None

    def add_window(self, reading):
        self.found = record(self.folder)
        if self.error is not None:
            raise self.error


def run(folder, engine, source, error=None):
    looks = Looks(folder, error)
    writer = RunWriter(folder, RunFacts.of_engine(engine), with_cube=False)
    try:
        run_pipeline(source, engine, [writer, looks])
    finally:
        assert (looks.found["state"], looks.found["ended"], looks.found["summary"]) == ("running", None, None)
        assert looks.found["model"]["name"] == "toy" and looks.found["utc_end"] == ""
    return record(folder)


def test_a_run_to_the_end_is_complete(tmp_path, engine):
    found = run(tmp_path, engine, Replay(cube(20, 18)))
    assert (found["state"], found["ended"]) == ("complete", None)
    assert found["summary"]["lines"] == 20 and found["utc_end"] > found["utc_start"]


def test_a_run_whose_camera_is_lost_is_ended(tmp_path, engine):
    class Lost(Scripted):
        def start(self, get_buffer):
            yield from super().start(get_buffer)
            raise CameraLost("the cable came off")

    found = run(tmp_path, engine, Lost(cube(20, 18), range(20)))
    assert (found["state"], found["ended"]) == ("ended", "the cable came off") and found["summary"]["lines"] == 20


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OutputError("the disk is gone"), "the disk is gone"), (KeyboardInterrupt(), "KeyboardInterrupt")],
)
def test_a_run_that_fails_is_broken_off_with_the_reason(tmp_path, engine, error, reason):
    with pytest.raises(type(error)):
        run(tmp_path, engine, Replay(cube(20, 18)), error)
    found = record(tmp_path)
    assert (found["state"], found["ended"], found["summary"]) == ("broken off", reason, None)


def test_a_record_that_cannot_be_written_does_not_hide_the_reason(tmp_path, engine, monkeypatch):
    def full(self, reason):
        raise OutputError("the disk is full")

    monkeypatch.setattr(RunRecord, "break_off", full)
    with pytest.raises(OutputError, match="the disk is gone"):
        run(tmp_path, engine, Replay(cube(20, 18)), OutputError("the disk is gone"))
    assert record(tmp_path)["state"] == "running"


def test_a_network_that_overflows_has_pictures_and_a_record_that_every_reader_takes(tmp_path, monkeypatch):
    engine = engine_from_path(Toy().save(tmp_path / "toy.onnx"), threads=1)
    infer = engine.infer

    def overflows(*inputs):
        found = infer(*inputs)
        return type(found)(*(np.full_like(part, np.nan) for part in found))

    monkeypatch.setattr(engine, "infer", overflows)
    out = tmp_path / "out"
    out.mkdir()
    assert set(run(out, engine, Replay(cube(20, 18)))["summary"]["mean_scores"].values()) == {None}
    assert "NaN" not in (out / "run.json").read_text() and (out / "overview.png").is_file()
