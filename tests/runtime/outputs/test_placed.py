"""Tables whose rows say where the camera was: at once, or in place when the receiver's next fix has come."""

from __future__ import annotations

import csv
import math
import time

import pytest

from focus.runtime.outputs import OpenFiles, _placed
from focus.runtime.outputs._placed import FixesSink, PlacedTable
from focus.runtime.positions import Fix, Track, track_from_place

SECOND = 10**9


@pytest.fixture
def files(tmp_path):
    opened = OpenFiles(tmp_path)
    yield opened
    opened.close()


def rows(folder, name="windows.csv"):
    with (folder / name).open(newline="") as file:
        return [{key: value.strip() for key, value in row.items()} for row in csv.DictReader(file)]


def test_without_a_track_there_are_no_columns(tmp_path, files):
    table = PlacedTable(files, "windows.csv", ["window"], None)
    table.append([[0]], [5])
    table.fill(last=True)
    assert (tmp_path / "windows.csv").read_text() == "window\n0\n"


def test_the_positions_of_a_file_are_there_at_once(tmp_path, files):
    track = Track("", [Fix(0, 10, 179.5, 100.25), Fix(SECOND, 12, -179.5, 100.75, -1.5, 2.5, 350)], live=False)
    table = PlacedTable(files, "windows.csv", ["window", "a name"], track)
    table.append([[0, "x,y"], [1, 'quo"te']], [SECOND // 4, None])
    table.append([[2, ""]], [9 * SECOND])
    table.append([[3, "end"]], [SECOND])
    found = rows(tmp_path)
    assert [row["position"] for row in found] == ["known", "none", "none", "known"]
    assert [row["a name"] for row in found] == ["x,y", 'quo"te', "", "end"]
    assert (found[0]["lat"], found[0]["lon"], found[0]["alt"]) == ("10.50000000", "179.75000000", "100.375")
    assert found[0]["yaw"] == found[1]["lat"] == found[2]["lat"] == ""
    assert (found[3]["roll"], found[3]["pitch"], found[3]["yaw"]) == ("-1.500", "2.500", "350.000")


def test_a_receivers_next_fix_fills_the_rows_that_wait_for_it(tmp_path, files):
    track, now = Track("", live=True), time.time_ns()
    track.add(Fix(now, -90, -179.99999999, -99999.0, -180, -90, 359.999))
    table = PlacedTable(files, "windows.csv", ["window"], track)
    table.append([[0], [1], [2]], [now, now + SECOND // 2, now + SECOND])
    assert [row["position"] for row in rows(tmp_path)] == ["known", "waiting", "waiting"]
    assert [row["window"] for row in rows(tmp_path)] == ["0", "1", "2"]
    size = (tmp_path / "windows.csv").stat().st_size
    track.add(Fix(now + 6 * SECOND // 10, -88.8, 179.99999999, -99999.0, -180, -90, 359.999))
    table.fill()
    found = rows(tmp_path)
    assert [row["position"] for row in found] == ["known", "known", "waiting"]
    assert float(found[1]["lat"]) == pytest.approx(-89) and abs(float(found[1]["lon"])) == pytest.approx(180)
    assert (tmp_path / "windows.csv").stat().st_size == size
    table.fill(last=True)
    assert rows(tmp_path)[2]["position"] == "none"


def test_a_clock_that_jumps_lets_no_rows_pile_up(tmp_path, files, monkeypatch):
    monkeypatch.setattr(_placed, "MOST_WAITING", 3)
    track, now = Track("", live=True), time.time_ns()
    table = PlacedTable(files, "windows.csv", ["window"], track)
    for index in range(5):
        table.append([[index]], [now + SECOND])
    assert [row["position"] for row in rows(tmp_path)] == ["none", "none", "waiting", "waiting", "waiting"]


def test_the_fixes_of_a_receiver_are_kept_as_gps_reads_them_again(tmp_path, files):
    track = Track("", live=True)
    now = time.time_ns() // 1000 * 1000
    track.add(Fix(now - 61 * SECOND, 0, 0))
    sink = FixesSink(files, track)
    sink.start(None)
    fixes = [Fix(now + number * SECOND, 55.5 + number, -12.25, yaw=90.5) for number in range(3)]
    for fix in fixes:
        track.add(fix)
        sink.add_row(None)
    sink.close()
    track.add(Fix(now + 9 * SECOND, 1, 1))
    sink.finish(None)
    with track_from_place(str(tmp_path / "gps.csv")) as again:
        assert again.fixes == 3
        found = again.at(fixes[2].utc_ns)
    assert found[:3] == fixes[2][:3] and found.yaw == 90.5 and math.isnan(found.alt)
