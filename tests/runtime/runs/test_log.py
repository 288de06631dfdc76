"""``--log``: what happened and when, a JSON line each."""

from __future__ import annotations

import json
import logging
import signal
import time
from pathlib import Path

import pytest

from focus.runtime import OutputError
from focus.runtime.commands.run import main
from focus.runtime.cubes import write_npz
from focus.runtime.monitor import Flag
from focus.runtime.runs import Event, RunLog
from support.field import Field
from support.scenes import cube
from support.toy_model import Toy


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_recording_from_start_to_end(tmp_path):
    leaf, log = tmp_path / "leaf.npz", tmp_path / "run.jsonl"
    write_npz(cube(30, 37), leaf)
    model = Toy(sink_score=6.0).save(tmp_path / "toy.onnx")
    arguments = ["--engine", str(model), "--camera", f"replay:{leaf}", "--log", str(log), "--quiet"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    said = lines(log)
    assert [line["event"] for line in said] == ["start", "flag_raised", "flag_raised", "ended"]
    assert [line["level"] for line in said] == ["info", "warning", "warning", "info"]
    assert said[0]["camera"] == f"replay:{leaf}" and said[0]["model"] == "toy" and len(said[0]["model_sha256"]) == 64
    assert said[1]["flag"] == "sink_mass" and said[1]["value"] > said[1]["limit"] == 0.5
    assert all(line["utc"].endswith("+00:00") and line["message"] for line in said)
    assert [line["utc"] for line in said] == sorted(line["utc"] for line in said)

    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2  # it is there already; the log goes on
    again = lines(log)
    assert len(again) == 6 and again[:4] == said
    assert again[5]["event"] == "failed" and "choose another --out" in again[5]["message"]


def test_a_camera_that_is_lost_and_comes_back(tmp_path):
    field, log = Field(tmp_path), tmp_path / "run.jsonl"
    try:
        first = field.camera(200, "--lose", "0.2")
        run = field.run("--log", str(log))
        field.heard("into")
        time.sleep(1.5)
        first.kill()
        field.heard("trying again until it is back")
        field.camera()
        field.heard("segment-0002")
        time.sleep(0.5)
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 0
    finally:
        field.close()
    said = lines(log)
    events = [line["event"] for line in said if line["event"] not in ("waiting", "lines_lost")]
    assert events == ["start", "opened", "lost", "opened", "ended"]
    segments = {line["segment"] for line in said if "segment" in line}
    assert {"segment-0001", "segment-0002"} <= segments
    lost = [line for line in said if line["event"] == "lines_lost"]
    received = field.record("segment-0001")["summary"]["counts"]
    assert sum(line["missing"] for line in lost) == received["missing"] > 0
    assert all(line["damaged"] == line["dropped"] == 0 for line in lost)
    assert len(lost) < 10  # counted together, a line a second


def test_what_repeats_is_said_once_and_what_is_no_number_is_null(tmp_path):
    path = tmp_path / "run.jsonl"
    with RunLog(path) as log:
        for message in ("no answer", "no answer", "refused", "refused"):
            log.happened(Event("waiting", message, "segment-0001"))
        log.flagged(Flag("collapse", float("nan"), 0.8, "not a number"), True)
        log.flagged(Flag("collapse", 0.5, 0.8, "as usual"), False)
    said = lines(path)
    assert [line["message"] for line in said] == ["no answer", "refused", "not a number", "as usual"]
    assert said[2]["value"] is None and [line["event"] for line in said[2:]] == ["flag_raised", "flag_cleared"]


def test_a_log_rotation_may_take_the_file_away(tmp_path):
    path = tmp_path / "run.jsonl"
    with RunLog(path) as log:
        log.happened(Event("opened", "one"))
        path.rename(tmp_path / "run.jsonl.1")
        log.happened(Event("ended", "two"))
    assert [line["message"] for line in lines(path)] == ["two"]
    assert [line["message"] for line in lines(tmp_path / "run.jsonl.1")] == ["one"]


def test_a_full_disk_ends_the_log_and_not_the_run(capsys):
    with RunLog(Path("/dev/full")) as log:
        log.happened(Event("opened", "one"))
        log.happened(Event("ended", "two"))
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "No space left on device; going on without it" in said


def test_a_log_that_was_moved_away_and_cannot_be_made_anew_does_not_end_the_run(tmp_path, capsys):
    (tmp_path / "logs").mkdir()
    with RunLog(tmp_path / "logs" / "run.jsonl") as log:
        log.happened(Event("opened", "one"))
        (tmp_path / "logs").rename(tmp_path / "old")
        log.happened(Event("lost", "two"))
        log.happened(Event("ended", "three"))
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "No such file or directory; going on without it" in said
    assert [line["event"] for line in lines(tmp_path / "old" / "run.jsonl")] == ["opened"]


def test_a_log_that_cannot_be_opened_is_one_line(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*No such file or directory; choose another --log"):
        RunLog(tmp_path / "nowhere" / "run.jsonl")


def test_without_a_file_only_the_logger_is_told(caplog):
    with caplog.at_level(logging.INFO, "focus.run"), RunLog(None) as log:
        log.happened(Event("lost", "the camera is gone", "segment-0001"))
    (record,) = caplog.records
    assert (record.levelname, record.getMessage(), record.event) == ("WARNING", "the camera is gone", "lost")
