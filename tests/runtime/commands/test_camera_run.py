"""focus-run on a camera that another process plays: killed and started again, stopped, too fast."""

from __future__ import annotations

import csv
import signal
import time

import pytest

from focus.runtime.commands.run import main
from support.field import Field


@pytest.fixture
def field(tmp_path):
    found = Field(tmp_path)
    yield found
    found.close()


def test_a_camera_that_is_killed_and_comes_back(field):
    first = field.camera()
    run = field.run()
    field.heard("into")
    time.sleep(1)
    first.kill()
    field.heard("was closed in the middle of the stream; start its writer again; trying again until it is back")
    field.camera()
    field.heard("segment-0002")
    time.sleep(1)
    run.send_signal(signal.SIGTERM)
    assert run.wait(60) == 0
    record = field.record()
    assert (record["state"], record["ended"]) == ("ended", "stopped by SIGTERM")
    assert [part["folder"] for part in record["segments"]] == ["segment-0001", "segment-0002"]
    for part in record["segments"]:
        counts = field.record(part["folder"])["summary"]["counts"]
        assert counts["received"] == part["lines"] > 30 and counts["missing"] == counts["rejected"] == 0
        with (field.out / part["folder"] / "windows.csv").open() as table:
            last = list(csv.DictReader(table))[-1]
        assert int(last["last_sequence"]) == counts["first_sequence"] + counts["received"] - 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_window_and_every_file(field, number):
    field.camera()
    run = field.run()
    field.heard("into")
    time.sleep(0.5)
    run.send_signal(number)
    assert run.wait(60) == 0
    said = run.stdout.read()
    assert f"stopped by {'SIGTERM' if number == signal.SIGTERM else 'Ctrl-C'}" in said and "1 segment in" in said
    assert field.record("segment-0001")["summary"]["ended"] == field.record()["ended"]
    assert (field.out / "segment-0001" / "overview.png").exists()


def test_a_recording_that_cannot_keep_up_stops_and_says_so(field):
    field.camera(0)  # as fast as it is taken
    run = field.run("--buffer", "4", "--stride", "1", "--overlap", "3", "--policy", "record")
    assert run.wait(60) == 1
    why = "sends faster than its lines are read"
    field.heard(why)
    summary = run.stdout.read()
    assert "segment-0001" in summary and why not in summary
    assert sum(why in line for line in field.said) == 1
    counts = field.record("segment-0001")["summary"]["counts"]
    assert counts["received"] > 0 and counts["missing"] == 0
    assert field.record()["state"] == "ended"


def test_a_live_run_drops_the_oldest_and_counts_them(field):
    field.camera(0, "--lines", "20000")
    run = field.run("--buffer", "8", "--stride", "1", "--policy", "live")
    assert run.wait(120) == 0
    counts = field.record("segment-0001")["summary"]["counts"]
    assert counts["dropped"] > 0 and counts["received"] + counts["missing"] + counts["rejected"] == 20000
    assert "of them dropped" in run.stdout.read()


def test_wrong_usage_is_one_line(field, capsys):
    base = ["--engine", str(field.model), "--camera", f"replay:{field.folder}/leaf.npz", "--out", str(field.out)]
    for arguments, message in [
        (["--append"], "--append goes with cameras; a recording's folder is made anew"),
        (["--stride", "4"], "--stride must be 1 to 3 rows of patches for this model's windows, got 4"),
        (["--buffer", "0"], "--buffer must be 1 or more, got 0"),
        (["--policy", "drop"], "argument --policy: invalid choice: 'drop'"),
    ]:
        assert main([*base, *arguments]) == 2
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1
    assert not field.out.exists()


def test_a_camera_that_comes_later_is_waited_for(field):
    run = field.run("--wait", "--timeout", "1")
    field.heard("start its writer")
    field.camera()
    field.heard("segment-0001")
    field.windows(1)
    run.terminate()
    assert run.wait(60) == 0
    assert field.record()["state"] == "ended"


def test_a_stop_need_not_wait_for_a_camera_that_is_triggered(field):
    camera = field.camera()
    run = field.run("--timeout", "600")
    field.heard("into")
    field.windows(1)
    camera.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    run.terminate()
    assert run.wait(60) == 0
    assert field.record()["ended"] == "stopped by SIGTERM"
