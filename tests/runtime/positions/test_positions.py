"""Positions by time: from tables, NMEA logs, and receivers at a serial port or over TCP."""

from __future__ import annotations

import math
import os
import socket
import time
import tty
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.runtime import FocusError
from focus.runtime.positions import Fix, Track, track_from_place
from focus.runtime.positions import _receiver as receiver
from focus.runtime.positions._nmea import NmeaReader

NOON = int(datetime(2026, 6, 1, 12, tzinfo=timezone.utc).timestamp()) * 10**9
SECOND = 10**9


def sentence(text):
    check = 0
    for byte in text.encode():
        check ^= byte
    return f"${text}*{check:02X}\r\n".encode()


def gga(clock="120000.00", lat="5540.0000", lon="01233.0000", quality=1, alt="35.5"):
    return sentence(f"GNGGA,{clock},{lat},N,{lon},E,{quality},08,1.0,{alt},M,40.0,M,,")


def rmc(clock="120000.00", day="010626", status="A", lat="5540.0000"):
    return sentence(f"GNRMC,{clock},{status},{lat},N,01233.0000,E,0.1,0.0,{day},,,A")


def track_of(path, content):
    path.write_bytes(content)
    with track_from_place(str(path)) as track:
        return track


def test_between_two_fixes_it_is_on_the_line(tmp_path):
    table = "utc,lat,lon,alt,roll,pitch,yaw\n2026-06-01T12:00:00Z,10,20,100,0,1,350\n1780315201,11,22,104,2,3,20\n"
    track = track_of(tmp_path / "gps.csv", table.encode())
    assert track.fixes == 2 and track.bad_lines == 0
    quarter = track.at(NOON + SECOND // 4)
    assert quarter == pytest.approx((NOON + SECOND // 4, 10.25, 20.5, 101, 0.5, 1.5, 357.5))
    assert track.at(NOON + SECOND).yaw == 20 and track.at(NOON).lat == 10
    assert track.at(NOON - 1) is None and track.at(NOON + SECOND + 1) is None


def test_angles_go_the_short_way_round():
    track = Track("", [Fix(0, 0, 179.5, yaw=10), Fix(SECOND, 0, -179.5, yaw=350)], live=False)
    found = track.at(SECOND // 2)
    assert abs(found.lon) == 180 and found.yaw == 0
    assert track.at(SECOND // 4).lon == pytest.approx(179.75) and math.isnan(found.alt)


def test_beyond_a_gap_nobody_knows():
    track = Track("", [Fix(0, 1, 1), Fix(3 * SECOND, 2, 2), Fix(4 * SECOND, 3, 3)], live=False)
    assert track.at(SECOND) is None and track.at(3 * SECOND).lat == 2 and track.at(35 * SECOND // 10).lat == 2.5


def test_a_receiver_may_still_send_the_fix_that_is_needed():
    now = time.time_ns()
    track = Track("", live=True)
    track.add(Fix(now - SECOND, 1, 1))
    with pytest.raises(LookupError):
        track.at(now)
    track.add(Fix(now + SECOND, 3, 3))
    assert track.at(now).lat == 2
    late = Track("", live=True, longest_gap_s=0.001)
    late.add(Fix(now - SECOND, 1, 1))
    time.sleep(0.002)
    assert late.at(now) is None


def test_of_several_fixes_at_one_time_the_last_one_holds():
    track = Track("", live=True)
    for seconds, lat in ((1, 1), (2, 9), (2, 2), (3, 3)):
        track.add(Fix(seconds * SECOND, lat, 0))
    assert track.at(15 * SECOND // 10).lat == 1.5 and track.at(25 * SECOND // 10).lat == 2.5 and track.fixes == 4


def test_a_clock_that_is_set_back_begins_anew():
    track = Track("", live=True)
    for seconds in (10, 11, 5, 6):
        track.add(Fix(seconds * SECOND, seconds, 0))
    assert track.at(55 * SECOND // 10).lat == 5.5 and track.at(105 * SECOND // 10) is None and track.fixes == 4


def test_an_nmea_log(tmp_path):
    pashr = sentence("PASHR,120000.00,123.40,T,-1.50,+2.50,+0.10,0.020,0.020,0.100,1,1")
    other = sentence("GPGSV,1,1,01,05,40,083,46")
    broken = gga("120001.50").replace(b"5540", b"5541")
    log = [
        gga("115959.00"),
        rmc("115959.50"),
        gga(),
        other,
        broken,
        b"\xff\x00\r\n",
        pashr,
        gga("120001.00", "5541.0000"),
    ]
    track = track_of(tmp_path / "log.nmea", b"".join(log))
    # The first GGA has no day yet, and RMC's own position is not as good as GGA's.
    assert (track.fixes, track.bad_lines) == (2, 2)
    half = track.at(NOON + SECOND // 2)
    assert half.lat == pytest.approx(55.675) and half.lon == pytest.approx(12.55) and half.alt == 35.5
    last = track.at(NOON + SECOND)
    assert (last.roll, last.pitch, last.yaw) == (-1.5, 2.5, 123.4)


def test_without_gga_the_position_is_that_of_rmc_and_no_satellites_are_no_position():
    reader = NmeaReader()
    assert reader.read(rmc(status="V").strip()) is None
    assert reader.read(rmc().strip()) == pytest.approx((NOON, 55 + 2 / 3, 12.55, *[math.nan] * 4), nan_ok=True)
    assert reader.read(gga(quality=0).strip()) is None


def test_midnight_comes_before_the_sentence_that_says_so():
    reader = NmeaReader()
    reader.read(rmc("235959.00").strip())
    before, after = reader.read(gga("235959.00").strip()), reader.read(gga("000000.00").strip())
    assert after.utc_ns - before.utc_ns == SECOND
    reader.read(rmc("000000.00", "020626").strip())
    assert reader.read(gga("000001.00").strip()).utc_ns - before.utc_ns == 2 * SECOND


@given(st.binary(max_size=90), st.sampled_from([b"", b"$GNGGA,", b"$GPRMC,", b"$PASHR,", b"$GPZDA,"]))
@settings(deadline=None, max_examples=300)
def test_rubbish_is_no_sentence_and_nothing_else(rubbish, start):
    line = start + rubbish
    check = 0
    for byte in line[1:]:
        check ^= byte
    for whole in (line, line + b"*%02X" % check):
        reader = NmeaReader()
        try:
            found = reader.read(whole, 5)
        except ValueError:
            continue
        assert found is None or found.utc_ns == 5


def test_a_table_may_come_from_a_spreadsheet(tmp_path):
    commas = track_of(tmp_path / "gps.csv", b"UTC,Lat,Lon,alt\n1,2.5,3.5,\n2,3,4,9\n3,3,4,high\n")
    other = track_of(tmp_path / "other.csv", b"\xef\xbb\xbfutc;lat;lon;alt\r\n1;2,5;3,5;\r\n2;3;4;9\r\n3;3;4;high\r\n")
    halves = track_of(tmp_path / "halves.csv", b"utc;lat;lon\n1,5;2;3\n2,5;3;4\n")
    assert halves.bad_lines == 0 and halves.at(2 * SECOND).lat == 2.5
    assert commas.bad_lines == other.bad_lines == 1
    assert commas.at(SECOND) == pytest.approx((SECOND, 2.5, 3.5, *[math.nan] * 4), nan_ok=True)
    assert [repr(other.at(k * SECOND)) for k in (1, 2)] == [repr(commas.at(k * SECOND)) for k in (1, 2)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no column utc; expected a table with utc, lat, lon, or NMEA"),
        (b"utc,lat\n1,2\n", "has no column lon"),
        (b"utc,lat,lon\nnoon,1,2\n3,,4\n5,91,4\n", r"holds no position \(3 lines could not be read\); expected NMEA"),
        (gga(), r"holds no position \(0 lines could not be read\)"),
    ],
)
def test_files_that_hold_no_position(tmp_path, content, message):
    with pytest.raises(FocusError, match=message):
        track_of(tmp_path / "gps.csv", content)


def test_places_that_are_none(tmp_path):
    (tmp_path / "gps.csv").write_text("utc,lat,lon\n1,2,3\n")
    for place, error, message in (
        (str(tmp_path / "gone.csv"), FocusError, "cannot open .*gone.csv: No such file or directory; check --gps"),
        (str(tmp_path), FocusError, "cannot read .*: Is a directory"),
        ("udp://1.2.3.4:5", ValueError, "--gps takes a file, a serial port such as .*, or tcp://HOST:PORT, got 'udp:"),
        (f"{tmp_path}/gps.csv,baud=9600", ValueError, "gps.csv is a file; ,baud= goes with a serial port"),
        ("/dev/ttyUSB0,baud=x", ValueError, "--gps /dev/ttyUSB0: baud must be a number such as 9600, got 'x'"),
        ("tcp://127.0.0.1:99999", ValueError, "the port must be 1 to 65535, got '99999'; expected tcp://HOST:PORT"),
        ("tcp://127.0.0.1:1", FocusError, "cannot open tcp://127.0.0.1:1: .*refused; check that the receiver is there"),
    ):
        with pytest.raises(error, match=message), track_from_place(place):
            pass


def wait_until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_receiver_over_tcp_that_goes_away_and_comes_back(monkeypatch):
    monkeypatch.setattr(receiver, "PAUSE_S", 0.01)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        track_from_place(f"tcp://127.0.0.1:{server.getsockname()[1]}") as track,
    ):
        before = time.time_ns()
        peer, _ = server.accept()
        with peer:
            peer.sendall(b"half a sentence\r\n" + gga()[:20])
            peer.sendall(gga()[20:])
            wait_until(lambda: track.fixes == 1)
        assert track.bad_lines == 1
        peer, _ = server.accept()
        with peer:
            peer.sendall(gga("120001.00", "5541.0000"))
            wait_until(lambda: track.fixes == 2)
        assert before <= track._held[0].utc_ns <= track._held[1].utc_ns <= time.time_ns()
        assert track._held[1].lat == pytest.approx(55 + 41 / 60)


def test_a_receiver_at_a_serial_port():
    ours, theirs = os.openpty()
    try:
        tty.setraw(theirs)
        with track_from_place(f"{os.ttyname(theirs)},baud=115200") as track:
            os.write(ours, gga() + gga("120001.00"))
            wait_until(lambda: track.fixes == 2)
            assert track.bad_lines == 0
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_time_far_ahead_is_no_reason_to_wait():
    now = time.time_ns()
    track = Track("", live=True)
    track.add(Fix(now, 1, 1))
    assert track.at(now + 3600 * SECOND) is None  # the clock was set back by an hour
    with pytest.raises(LookupError):
        track.at(now + SECOND)


@pytest.mark.parametrize("kind", ["tcp", "serial"])
def test_a_receiver_that_is_not_there_yet_is_waited_for(monkeypatch, kind):
    monkeypatch.setattr(receiver, "PAUSE_S", 0.01)
    said = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    place = f"tcp://127.0.0.1:{port}" if kind == "tcp" else "/dev/focus-no-such-receiver,baud=4800"
    with pytest.raises(FocusError, match="cannot open"), track_from_place(place):
        pass
    with track_from_place(place, said.append) as track:
        assert len(said) == 1 and said[0].startswith(f"cannot open {place.partition(',')[0]}: ")
        if kind == "tcp":
            with socket.create_server(("127.0.0.1", port)) as listener:
                listener.settimeout(10)
                peer, _ = listener.accept()
                with peer:
                    peer.sendall(gga())
                    end = time.monotonic() + 10
                    while not track.fixes and time.monotonic() < end:
                        time.sleep(0.01)
            assert track.fixes == 1
