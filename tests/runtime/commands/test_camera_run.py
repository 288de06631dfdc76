"""focus-run on a camera that another process plays: killed and started again, stopped, too fast."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from focus.runtime.commands.run import main
from focus.runtime.cubes import write_npz
from support.scenes import cube
from support.toy_model import Toy

CODE = "import sys; from focus.runtime.commands.run import main; sys.exit(main(sys.argv[1:]))"


def started(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *map(str, arguments)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


class Field:
    """A rig: a camera over a Unix socket, and focus-run at its other end."""

    def __init__(self, folder):
        self.folder, self.uri, self.out = folder, f"unix:{folder}/camera", folder / "out"
        self.model = Toy().save(folder / "toy.onnx")
        write_npz(cube(40, 20), folder / "leaf.npz")
        self.said, self.running, self.readers = [], [], []

    def camera(self, rate=100, *more):
        leaf = f"replay:{self.folder}/leaf.npz"
        writer = started("camera-sim", "--to", self.uri, "--from", leaf, "--loop", "--lines-per-second", rate, *more)
        self.running.append(writer)
        return writer

    def run(self, *more):
        run = started(
            "--engine", self.model, "--camera", self.uri, "--out", self.out, "--backend", "onnxruntime", *more
        )
        self.running.append(run)
        reader = threading.Thread(target=lambda: self.said.extend(run.stderr), daemon=True)
        reader.start()
        self.readers.append(reader)
        return run

    def wait_for(self, condition, what):
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, f"{what} did not happen; {self.said}"
            time.sleep(0.02)

    def heard(self, words, count=1):
        self.wait_for(lambda: sum(words in line for line in self.said) >= count, words)

    def windows(self, segment):
        table = self.out / f"segment-{segment:04d}" / "windows.csv"
        self.wait_for(lambda: table.exists() and len(table.read_text().splitlines()) > 3, f"windows of {segment}")

    def record(self, part=""):
        return json.loads((self.out / part / "run.json").read_text())


@pytest.fixture
def field(tmp_path):
    found = Field(tmp_path)
    yield found
    for process in found.running:
        process.kill()
        process.wait()
    for reader in found.readers:
        reader.join(10)
    for process in found.running:
        process.stdout.close()
        process.stderr.close()


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
    assert (record["state"], record["ended"]) == ("complete", "stopped by SIGTERM")
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
    assert f"stopped by {'SIGTERM' if number == signal.SIGTERM else 'Ctrl-C'}" in said and "1 segments in" in said
    assert field.record("segment-0001")["summary"]["ended"] == field.record()["ended"]
    assert (field.out / "segment-0001" / "overview.png").exists()


def test_a_recording_that_cannot_keep_up_stops_and_says_so(field):
    field.camera(0)  # as fast as it is taken
    run = field.run("--buffer", "4", "--stride", "1", "--overlap", "3", "--quiet", "--policy", "record")
    assert run.wait(60) == 1
    field.heard("sends faster than its lines are read")
    counts = field.record("segment-0001")["summary"]["counts"]
    assert counts["received"] > 0 and counts["missing"] == 0
    assert field.record()["state"] == "failed"


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
