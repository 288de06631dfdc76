"""focus-run camera-sim and focus-run cameras, as commands."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from focus.runtime import Calibration
from focus.runtime.commands.run import main
from focus.runtime.cubes import write_npz
from focus.runtime.sources import SourceOptions, source_from_uri
from support.scenes import cube, reflectance
from support.streams import lines_from, played
from support.toy_model import WAVELENGTHS, Toy


def sim(*arguments):
    """camera-sim in a process of its own."""
    code = "import sys; from focus.runtime.commands.run import main; sys.exit(main(['camera-sim', *sys.argv[1:]]))"
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True)


def test_a_model_reads_a_played_camera_as_it_reads_the_file(tmp_path):
    model = Toy().save(tmp_path / "toy.onnx")
    real = reflectance(40, 20)
    write_npz(cube(values=real), tmp_path / "leaf.npz")
    uri = f"unix:{tmp_path}/camera"
    with sim("--to", uri, "--from", f"replay:{tmp_path}/leaf.npz", "--lines-per-second", "0") as writer:
        base = ["--engine", str(model), "--quiet"]
        assert main([*base, "--camera", uri, "--wait", "--out", str(tmp_path / "live")]) == 0
        assert writer.wait(10) == 0
        said = writer.stderr.read()
    assert "40 lines sent" in said and "0 not taken in time, 1 readers" in said
    assert main([*base, "--camera", f"replay:{tmp_path}/leaf.npz", "--out", str(tmp_path / "file")]) == 0
    segment = tmp_path / "live" / "segment-0001"
    for name in ("saliency.dat", "scores.dat"):
        assert (segment / name).read_bytes() == (tmp_path / "file" / name).read_bytes()
    counts = json.loads((segment / "run.json").read_text())["summary"]["counts"]
    assert counts["received"] == 40 and counts["missing"] == counts["rejected"] == 0


def test_each_cube_of_a_snapshot_camera_is_read_as_a_scene_of_its_own(tmp_path):
    model, real = Toy().save(tmp_path / "toy.onnx"), reflectance(42, 20)
    write_npz(cube(values=real), tmp_path / "leaves.npz")
    uri, base = f"unix:{tmp_path}/camera", ["--engine", str(model), "--quiet"]
    sent = ["--from", f"replay:{tmp_path}/leaves.npz", "--cube-lines", "14", "--lines-per-second", "0"]
    with sim("--to", uri, *sent) as writer:
        assert main([*base, "--camera", uri, "--wait", "--out", str(tmp_path / "live")]) == 0
        writer.wait(10)
    windows = list(csv.DictReader((tmp_path / "live/segment-0001/windows.csv").read_text().splitlines()))
    assert [row["cube"] for row in windows] == sorted(row["cube"] for row in windows)
    found = np.fromfile(tmp_path / "live/segment-0001/saliency.dat", np.float32).reshape(3, 14, 20)
    for number in range(3):
        write_npz(cube(values=real[:, 14 * number : 14 * number + 14]), tmp_path / "leaf.npz")
        out = tmp_path / f"cube-{number}"
        assert main([*base, "--camera", f"replay:{tmp_path}/leaf.npz", "--out", str(out)]) == 0
        np.testing.assert_array_equal(found[number], np.fromfile(out / "saliency.dat", np.float32).reshape(14, 20))
        alone = list(csv.DictReader((out / "windows.csv").read_text().splitlines()))
        here = [row for row in windows if row["cube"] == str(number)]
        assert [row["cube"] for row in alone] == [""] * len(here)
        scores = [name for name in alone[0] if name.startswith("score ")]
        assert [[row[name] for name in scores] for row in here] == [[row[name] for name in scores] for row in alone]
        assert [int(row["first_line"]) for row in here] == [int(row["first_line"]) + 14 * number for row in alone]


def test_lines_that_nobody_takes_are_lost_as_in_a_camera(tmp_path):
    uri, rig = f"unix:{tmp_path}/camera", tmp_path / "rig.focuscal"
    arguments = [
        "--size",
        "64x512",
        "--lines-per-second",
        "300",
        "--lines",
        "900",
        "--drop",
        "--calibration-out",
        str(rig),
    ]
    with sim("--to", uri, *arguments) as writer:
        while not (tmp_path / "camera").exists():
            assert writer.poll() is None
        source = source_from_uri(uri, SourceOptions(calibration=Calibration.load(rig)))
        line = np.zeros((64, 512), np.uint16)
        lines = lines_from(source, lambda: line)
        first = next(lines)
        threading.Event().wait(2.5)  # a reader that is busy for longer than the camera's memory lasts
        sequences = [first.sequence, *(meta.sequence for meta in lines)]
        writer.wait(10)
        said = writer.stderr.read()
    assert sequences == sorted(set(sequences))
    missing = sequences[-1] - sequences[0] + 1 - len(sequences)
    assert missing > 0 and f"{missing} not taken in time" in said


def test_sigterm_ends_a_writer_that_waits_and_leaves_no_socket(tmp_path):
    with sim("--to", f"unix:{tmp_path}/camera", "--size", "4x4") as writer:
        assert "waiting for a reader" in writer.stderr.readline()
        writer.send_signal(signal.SIGTERM)
        assert writer.wait(10) == 143
    assert not (tmp_path / "camera").exists()


def test_counts_without_a_statement_are_sent_as_counts(tmp_path):
    values = np.arange(12 * 5 * 4, dtype=np.uint16).reshape(12, 5, 4)
    write_npz(cube(values=values, quantity=None), tmp_path / "raw.npz")
    uri = f"fifo:{tmp_path}/camera"
    with sim("--to", uri, "--from", f"replay:{tmp_path}/raw.npz", "--lines-per-second", "0") as writer:
        rig = Calibration(np.zeros((12, 1), np.float32), np.ones((12, 1), np.float32), WAVELENGTHS, panel=1.0)
        source = source_from_uri(uri, SourceOptions(calibration=rig))
        lines, _ = played(source)
        writer.wait(10)
    assert source.header.quantity == "counts"
    np.testing.assert_array_equal(lines.transpose(1, 0, 2), values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "udp://x"], "udp://x is no byte stream; expected tcp://HOST:PORT"),
        (["--to", "unix:/no/such/place"], "cannot write to unix:/no/such/place (No such file or directory)"),
        (["--to", "fifo:/dev/null"], "/dev/null exists and is no FIFO; choose another --to"),
        (["--to", "unix:/dev/null"], "/dev/null exists and is no socket; choose another --to"),
        (["--to", "unix:/x", "--size", "4"], "--size must be bands x samples such as 224x1024, got '4'"),
        (["--to", "unix:/x", "--size", "0x4"], "--size must be bands x samples"),
        (["--to", "unix:/x", "--lose", "1"], "--lose is a share of the lines, 0 to below 1, got 1"),
        (["--to", "unix:/x", "--corrupt", "-1"], "--corrupt is a share of the lines"),
        (["--to", "unix:/x", "--lines-per-second", "-3"], "--lines-per-second must be 0 (no limit) or more, got -3"),
        (["--to", "unix:/x", "--lines", "0"], "--lines must be 1 or more, got 0"),
        (["--to", "unix:/x", "--from", "leaf.hdr"], "--from must be replay:FILE or sim:key=value,..., got 'leaf.hdr'"),
        (["--to", "unix:/x", "--from", "replay:no.hdr"], "cannot open no.hdr"),
        ([], "the following arguments are required: --to; see focus-run camera-sim --help"),
    ],
)
def test_wrong_usage_is_one_line(capsys, arguments, message):
    quick = [] if "--from" in arguments or "--size" in arguments else ["--size", "4x4"]
    assert main(["camera-sim", *arguments, *quick, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and said.startswith("focus-run")


def test_a_recording_brings_no_calibration_of_its_own(tmp_path, capsys):
    write_npz(cube(6, 5), tmp_path / "leaf.npz")
    arguments = ["--to", f"unix:{tmp_path}/c", "--from", f"replay:{tmp_path}/leaf.npz", "--calibration-out", "x"]
    assert main(["camera-sim", *arguments]) == 2
    assert "--calibration-out goes with --size and --from sim:" in capsys.readouterr().err


def test_a_place_that_is_taken_is_left_alone(tmp_path, capsys):
    uri = f"unix:{tmp_path}/camera"
    with sim("--to", uri, "--size", "4x4") as writer:
        assert "waiting for a reader" in writer.stderr.readline()
        assert main(["camera-sim", "--to", uri, "--size", "4x4"]) == 2
        said = capsys.readouterr().err
        assert "somebody listens at" in said and said.count("\n") == 1
        writer.kill()
        writer.wait(10)
    # A killed writer leaves its socket; the next one takes it over.
    with sim("--to", uri, "--size", "4x4") as writer:
        assert "waiting for a reader" in writer.stderr.readline()
        writer.terminate()
        writer.wait(10)


def test_cameras_for_programs(capsys):
    assert main(["cameras", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"cameras", "notes"}
