"""focus-run on a camera beside a receiver of positions."""

from __future__ import annotations

import csv
import json
import signal
import socket
import threading
import time
from contextlib import closing, suppress

import pytest

from focus.runtime.commands.run import main
from focus.runtime.cubes import write_npz
from support.field import Field
from support.scenes import cube
from support.toy_model import Toy

SENTENCE = "GNGGA,120000.00,{:09.4f},N,01233.0000,E,1,08,1.0,35.5,M,40.0,M,,"


def sentence(number):
    """Goes north by 0.1 minutes a sentence."""
    text = SENTENCE.format(5540 + number / 10)
    check = 0
    for byte in text.encode():
        check ^= byte
    return f"${text}*{check:02X}\r\n".encode()


class Drive:
    """A receiver over TCP that drives north, twenty fixes a second, and now and then sends rubbish."""

    def __init__(self):
        self._server = socket.create_server(("127.0.0.1", 0))
        self.place = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        peer, _ = self._server.accept()
        with peer, suppress(ConnectionError):  # focus-run goes first
            number = 0
            while not self._over.wait(0.05):
                peer.sendall(b"$GNGGA,rubbish*00\r\n" if number % 10 == 3 else sentence(number))
                number += 1

    def close(self):
        self._over.set()
        self._thread.join(10)
        self._server.close()


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_positions_of_a_receiver_are_attached_by_time(tmp_path):
    with closing(Field(tmp_path)) as field, closing(Drive()) as drive:
        field.camera()
        run = field.run("--gps", drive.place, "--record")
        field.windows(1)
        field.wait_for(lambda: len(rows(field.out / "segment-0001" / "gps.csv")) > 20, "20 fixes")
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 0
        record = field.record("segment-0001")
    segment = field.out / "segment-0001"
    fixes, lines, windows = (rows(segment / name) for name in ("gps.csv", "raw.lines.csv", "windows.csv"))
    assert record["positions"]["source"] == drive.place and record["positions"]["bad_lines"] >= 2
    # The last rows may lie after the last fix.
    known = [row for row in lines if row["position"].strip() == "known"]
    assert len(known) > 0.8 * len(lines) and {row["position"].strip() for row in lines} <= {"known", "none"}
    north = [float(row["lat"]) for row in known]
    assert north == sorted(north) and len(set(north)) > len(fixes)
    assert float(fixes[0]["lat"]) - 0.01 <= north[0] < north[-1] <= float(fixes[-1]["lat"]) + 0.01
    placed = [row for row in windows if row["position"].strip() == "known"]
    assert len(placed) > 0.5 * len(windows)
    by_sequence = {int(row["sequence"]): row for row in lines}
    for row in placed:
        # A window's time is its middle's: its first line may lie before the first fix, its last after the last one.
        first, last = (by_sequence[int(row[name])]["lat"].strip() for name in ("first_sequence", "last_sequence"))
        assert not first or float(first) - 1e-6 <= float(row["lat"])
        assert not last or float(row["lat"]) <= float(last) + 1e-6
        assert first or last


@pytest.mark.parametrize(("start_s", "placed"), [(-60, True), (3600, False)])
def test_a_track_of_another_time_is_said(tmp_path, capsys, start_s, placed):
    write_npz(cube(30, 37), tmp_path / "leaf.npz")
    model, now = Toy().save(tmp_path / "toy.onnx"), time.time()
    fixes = "".join(f"{now + start_s + second:.3f},55.7,12.5\n" for second in range(600))
    (tmp_path / "track.csv").write_text("utc,lat,lon\n" + fixes)
    options = ["--engine", str(model), "--camera", f"replay:{tmp_path}/leaf.npz", "--gps", str(tmp_path / "track.csv")]
    assert main([*options, "--out", str(tmp_path / "out"), "--quiet"]) == 0
    said, record = capsys.readouterr().err, json.loads((tmp_path / "out" / "run.json").read_text())["positions"]
    assert (record["windows_placed"] == record["windows"] > 0) is placed
    assert (said == "") is placed
    if not placed:
        assert record["windows_placed"] == 0
        between = f"600 fixes, {record['utc_first']} to {record['utc_last']}"
        assert f"warning: no window has a position: --gps {tmp_path}/track.csv holds {between}; windows.csv" in said
