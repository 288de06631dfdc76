"""Lines through a FIFO, a Unix socket and TCP, whole and damaged, and what is said when the writer goes away."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time

import numpy as np
import pytest

from focus.runtime import CubeError
from focus.runtime._errors import CameraError, CameraLost
from focus.runtime.cameras import StreamCamera, place_from_uri
from focus.runtime.cameras._frame_header import FRAME_MAGIC
from focus.runtime.cameras._outlet import open_outlet
from focus.runtime.cameras._scene import pattern, snapshots
from focus.runtime.cameras._stream_header import StreamHeader
from focus.runtime.cameras._writer import StreamWriter
from focus.runtime.sources import SourceOptions, source_from_uri
from support.streams import HELD, SCENE, HandFed, Played, free_port, lines_from, lines_numbered, played


@pytest.fixture(params=["tcp", "unix", "fifo"])
def uri(request, tmp_path):
    return f"tcp://127.0.0.1:{free_port()}" if request.param == "tcp" else f"{request.param}:{tmp_path}/stream"


def test_every_line_arrives_once_and_as_it_was(uri):
    with Played(uri):
        camera = StreamCamera(place_from_uri(uri), HELD)
        lines, metas = played(camera)
    assert [meta.sequence for meta in metas] == list(range(200))
    assert all(meta.intact for meta in metas)
    np.testing.assert_array_equal(lines, lines_numbered(range(200)))
    facts = camera.facts
    assert (facts.bands, facts.samples, facts.bits, facts.lines) == (7, 33, 12, None)
    np.testing.assert_array_equal(facts.wavelengths_nm, np.linspace(400, 1000, 7))
    clocks = [(meta.monotonic_ns, meta.camera_ns) for meta in metas]
    assert clocks == sorted(clocks)
    assert abs(metas[-1].utc_ns - time.time_ns()) < 20e9
    if not uri.startswith("tcp"):
        assert all(meta.monotonic_ns == meta.camera_ns for meta in metas)


def test_lost_and_damaged_lines_are_told_apart(uri):
    with Played(uri, lines=2000, lose=0.02, corrupt=0.1) as sim:
        lines, metas = played(StreamCamera(place_from_uri(uri), HELD))
    sequences = [meta.sequence for meta in metas]
    assert sequences == sorted(set(sequences)) and set(sequences) <= set(range(2000))
    intact = np.array([meta.intact for meta in metas])
    np.testing.assert_array_equal(lines[intact], lines_numbered(sequences)[intact])
    assert sim.counts.lost > 10 and sim.counts.corrupted > 100
    # Every line that was sent whole arrives; of the damaged ones, those whose header was spared are known by number.
    assert intact.sum() == sim.counts.sent
    assert 0.3 * sim.counts.corrupted < (~intact).sum() < 0.7 * sim.counts.corrupted


def test_a_snapshot_camera_takes_all_lines_of_a_cube_at_once(uri):
    with Played(uri, snapshots(SCENE, 20)):
        camera = StreamCamera(place_from_uri(uri), HELD)
        lines, metas = played(camera)
    assert camera.facts.cube_lines == 20
    np.testing.assert_array_equal(lines, lines_numbered(range(200)))
    taken = np.array([meta.camera_ns for meta in metas]).reshape(10, 20)
    assert (taken == taken[:, :1]).all() and (np.diff(taken[:, 0]) > 0).all()


def test_lines_of_a_cube_must_be_numbered_as_the_page_says(tmp_path):
    header = snapshots(SCENE, 20).header
    fed = HandFed(f"unix:{tmp_path}/stream", header=header)
    values = next(iter(SCENE.lines()))
    fed.writer.line(values, 41, line=1)
    assert next(fed.lines).sequence == 41
    fed.writer.line(values, 42, line=3)
    with pytest.raises(CameraError, match=r"sends line 3 of a cube as number 42, expected the cube's number x 20 \+ 3"):
        next(fed.lines)
    fed.hang_up()


def test_a_buffer_with_any_strides_is_filled(uri):
    with Played(uri):
        camera = StreamCamera(place_from_uri(uri), HELD)
        store = np.zeros((33, 7, 2), np.uint16)
        for meta in lines_from(camera, lambda: store[:, :, 1].T):
            np.testing.assert_array_equal(store[:, :, 1].T, lines_numbered([meta.sequence])[0])
    assert not store[:, :, 0].any()


def test_a_reader_may_come_and_go(tmp_path):
    uri = f"unix:{tmp_path}/stream"
    with Played(uri, lines=30_000):
        camera = StreamCamera(place_from_uri(uri), HELD)
        line = np.zeros((7, 33), np.uint16)
        lines = lines_from(camera, lambda: line)
        first = [next(lines).sequence for _ in range(5)]
        lines.close()
        _, metas = played(StreamCamera(place_from_uri(uri), HELD))
    assert first == [0, 1, 2, 3, 4]
    assert metas[0].sequence > 4 and metas[-1].sequence == 29_999


def test_a_writer_that_goes_away_is_missed_at_once(uri):
    fed = HandFed(uri)
    for number, line in enumerate(lines_numbered(range(3))):
        fed.writer.line(line, number)
    assert [next(fed.lines).sequence for _ in range(3)] == [0, 1, 2]
    fed.hang_up()
    start = time.monotonic()
    with pytest.raises(CameraLost, match=r"was closed in the middle of the stream; start its writer again|broke off"):
        next(fed.lines)
    assert time.monotonic() - start < 0.5


def test_silence_is_said_within_two_seconds(uri):
    fed = HandFed(uri)
    fed.writer.line(lines_numbered([0])[0], 7)
    assert next(fed.lines).sequence == 7
    start = time.monotonic()
    with pytest.raises(CameraLost, match=r"sent nothing for 1.8 s; check the camera and its writer"):
        next(fed.lines)
    assert 1.7 < time.monotonic() - start < 2.0
    fed.hang_up()


def test_moments_without_a_line_are_told(uri):
    fed = HandFed(uri)
    metas = fed.camera.start(lambda: None)
    assert [next(metas), next(metas)] == [None, None]
    metas.close()
    fed.hang_up()


def test_silence_in_the_middle_of_a_line_is_said_too(uri):
    fed = HandFed(uri, SourceOptions(calibration=SCENE.calibration, timeout_s=0.2))
    fed.writer.line(lines_numbered([0])[0], 0)
    fed.writer.send(FRAME_MAGIC)
    next(fed.lines)
    with pytest.raises(CameraLost, match=r"sent nothing for 0.2 s"):
        next(fed.lines)
    fed.hang_up()


def test_endless_rubbish_is_no_camera(uri):
    fed = HandFed(uri, SourceOptions(calibration=SCENE.calibration, timeout_s=0.3))

    def babble():
        try:
            while True:
                fed.writer.send(bytes(range(256)) * 64)
        except OSError:
            return

    thread = threading.Thread(target=babble, daemon=True)
    thread.start()
    with pytest.raises(CameraLost, match=r"sent no frame for 0.3 s, only other bytes"):
        next(fed.lines)
    thread.join(5)  # the reader is gone, which ends the writer
    assert not thread.is_alive()
    fed.hang_up()


def test_lines_of_another_length_are_refused(uri):
    fed = HandFed(uri)
    other = fed.writer
    other._header = StreamHeader(7, 34, np.dtype("<u2"))
    other.line(np.zeros((7, 34), np.uint16), 0)
    with pytest.raises(CameraError, match=r"sent a line of 476 bytes, its stream header says 462; correct the writer"):
        next(fed.lines)
    fed.hang_up()


def test_a_writer_that_knows_a_line_is_damaged_is_believed(uri):
    fed = HandFed(uri)
    fed.writer.line(lines_numbered([0])[0], 0, damaged=True)
    fed.writer.end(1)
    assert [meta.intact for meta in fed.lines] == [False]
    fed.hang_up()


def test_clocks_of_another_machine_are_not_ours():
    fed = HandFed(f"tcp://127.0.0.1:{free_port()}")
    before = time.monotonic_ns()
    fed.writer.line(lines_numbered([0])[0], 0, camera_ns=5, monotonic_ns=6, utc_ns=7)
    meta = next(fed.lines)
    assert meta.camera_ns == 5 and meta.monotonic_ns >= before and meta.utc_ns > 1.6e18
    fed.hang_up()


@pytest.mark.parametrize("kind", ["unix", "fifo", "tcp"])
def test_nobody_there(tmp_path, kind, monkeypatch):
    monkeypatch.setattr("focus.runtime.cameras._stream.CONNECT_LIMIT_S", 0.1)
    uri = f"tcp://127.0.0.1:{free_port()}" if kind == "tcp" else f"{kind}:{tmp_path}/none"
    with pytest.raises(CameraError, match=r"cannot open .*; start its writer, e\.g\. focus-run camera-sim --to"):
        StreamCamera(place_from_uri(uri))


def test_what_is_no_stream_is_said(uri):
    done = threading.Event()

    def write():
        with open_outlet(place_from_uri(uri)) as outlet, outlet.reader() as descriptor:
            os.write(descriptor, b"GET / HTTP/1.1\r\nHost: focus\r\n\r\n" * 4)
            done.wait(5)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    with pytest.raises(CameraError, match=r"does not begin with a FOCUS stream header; docs/stream.md says"):
        StreamCamera(place_from_uri(uri), HELD)
    done.set()
    thread.join(5)


@pytest.mark.parametrize("kind", ["unix", "fifo"])
def test_a_path_is_opened_by_what_it_is(tmp_path, kind):
    path = tmp_path / "camera"
    with Played(f"{kind}:{path}", lines=30_000):
        while not path.exists():
            time.sleep(0.01)
        with pytest.raises(CameraError, match=r"sends raw counts; give --calibration FILE"):
            source_from_uri(str(path))
        # The lines do not fit into the kernel's buffers, so the writer finds that nobody reads, and waits.
        _, metas = played(StreamCamera(place_from_uri(f"{kind}:{path}"), HELD))
    assert metas[-1].sequence == 29_999


NO_STREAM = "is no byte stream; expected tcp://HOST:PORT"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("unix:", f"{NO_STREAM}, unix:/path or fifo:/path"),
        ("fifo:", NO_STREAM),
        ("file:/x", NO_STREAM),
        ("tcp://h/x:1", NO_STREAM),
        ("tcp://host", "tcp://host has no port; expected tcp://HOST:PORT such as"),
        ("tcp://host:", "has no port"),
        ("tcp://:7700", "has no host"),
        ("tcp://h:x", "the port must be 1 to 65535, got 'x'"),
        ("tcp://h:99999", "the port must be 1 to 65535, got '99999'"),
        ("tcp://h:0", "the port must be 1 to 65535, got '0'"),
    ],
)
def test_places_that_are_none(uri, message):
    with pytest.raises(ValueError, match=message):
        place_from_uri(uri)


def test_an_address_of_ipv6_stands_in_brackets():
    place = place_from_uri("tcp://[::1]:7700")
    assert (place.path, place.port) == ("::1", 7700)


def test_another_rigs_calibration_is_refused():
    with pytest.raises(CubeError, match="the calibration has 9 bands, pattern 7x33 has 7 bands; use"):
        HandFed(f"tcp://127.0.0.1:{free_port()}", SourceOptions(calibration=pattern(9, 33).calibration))


def test_a_line_of_another_shape_is_not_sent():
    reader, writer = os.pipe()
    sender = StreamWriter(writer, SCENE.header)
    with pytest.raises(ValueError, match=r"a line must be uint16 \[7, 33\], got uint16 \[33, 7\]"):
        sender.line(np.zeros((33, 7), np.uint16), 0)
    os.close(reader)
    os.close(writer)


def test_a_network_that_goes_away_is_a_lost_camera(monkeypatch):
    def unreachable(*_):
        raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))

    fed = HandFed(f"tcp://127.0.0.1:{free_port()}")
    fed.writer.line(next(iter(SCENE.lines())), 0)
    assert next(fed.lines).sequence == 0
    monkeypatch.setattr("focus.runtime.cameras._bytes.os.readv", unreachable)
    fed.writer.line(next(iter(SCENE.lines())), 1)
    with pytest.raises(CameraLost, match=r"broke off \(No route to host\); start its writer again"):
        next(fed.lines)
    fed.hang_up()


def test_lines_that_are_lost_at_the_end_are_counted(tmp_path):
    fed = HandFed(f"unix:{tmp_path}/camera")
    for number in range(3):
        fed.writer.line(lines_numbered([number])[0], number)
    fed.writer.end(8)
    metas = list(fed.lines)
    assert [meta.sequence for meta in metas] == [0, 1, 2, 8]
    assert [meta.ends for meta in metas] == [False, False, False, True]


def test_all_addresses_of_a_name_are_tried(monkeypatch):
    """As of localhost, where ::1 comes first and the writer listens at 127.0.0.1."""
    uri, real = f"tcp://127.0.0.1:{free_port()}", socket.getaddrinfo

    def both(host, port, **options):
        found = real(host, port, **options)
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)), *found]

    with Played(uri):
        monkeypatch.setattr(socket, "getaddrinfo", both)
        _, metas = played(StreamCamera(place_from_uri(uri), HELD))
    assert len(metas) == 200


def test_a_writer_listens_at_an_address_of_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
            port = probe.getsockname()[1]
    except OSError:
        pytest.skip("no address ::1 here; to run this test: a network namespace with IPv6 on its loopback")
    uri = f"tcp://[::1]:{port}"
    with Played(uri):
        _, metas = played(StreamCamera(place_from_uri(uri), HELD))
    assert len(metas) == 200
