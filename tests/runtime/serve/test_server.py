"""The server over real sockets: its endpoints, and those that read slowly or ask for nonsense."""

from __future__ import annotations

import json
import re
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from focus.runtime import OutputError
from focus.runtime.serve import Address, LiveServer, LiveSink, _app
from support.live import COLUMNS, PATCH, ROWS, SAMPLES, Feed

PAGE = Path(_app.__file__).with_name("page")
HERE = Address("127.0.0.1", 0)


@pytest.fixture
def live(tmp_path):
    return LiveSink(tmp_path)


@pytest.fixture
def server(live):
    with LiveServer(live, HERE) as server:
        yield server


def get(server, path, code=200, **headers):
    request = urllib.request.Request(server.url + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            found, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            found, body = error.code, error.read()
    assert found == code, body
    return body


def ticks(server, query="", count=1):
    """The first messages of the event stream."""
    found = []
    with urllib.request.urlopen(f"{server.url}api/events?{query}", timeout=20) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer:
            if line.startswith(b"data: "):
                found.append(json.loads(line[6:]))
            if len(found) == count:
                return found
    return found


def test_endpoints(live, server):
    assert json.loads(get(server, "healthz", 503))["why"] == "no line has come yet"
    Feed(live).rows(2 * ROWS)
    assert b"FOCUS" in get(server, "")
    assert json.loads(get(server, "healthz"))["status"] == "ok"
    assert b"focus_windows_total 2.0" in get(server, "metrics")
    plan = json.loads(get(server, "api/plan"))
    assert plan["columns"] == COLUMNS
    packed = get(server, "api/rows?after=3")
    length = int.from_bytes(packed[:4], "little")
    assert json.loads(packed[4 : 4 + length])["rows"] == [4, 5]
    assert len(packed) == 4 + length + 2 * (PATCH * SAMPLES * 4 + COLUMNS * 4)
    assert json.loads(get(server, "api/place?row=2&column=3"))["saliency"][1] == 4
    assert "error" in json.loads(get(server, "api/place?row=99&column=3", 404))


@pytest.mark.parametrize(
    "query", ["rows?after=x", "rows?after=1e9", "rows?after=--1", f"rows?after={'9' * 20}", "events?after=%C2%B2"]
)
def test_nonsense_is_refused(server, query):
    get(server, f"api/{query}", 400)


@pytest.mark.parametrize("path", ["../_app.py", "%2e%2e/_app.py", "vendor/../../_app.py", "api/none", "vendor"])
def test_nothing_but_the_page_is_served(server, path):
    get(server, path, 404)


def test_every_file_of_the_page_is_served(server):
    files = [path for path in PAGE.rglob("*") if path.is_file()]
    assert len(files) > 15
    for path in files:
        assert get(server, path.relative_to(PAGE).as_posix()) == path.read_bytes()


def test_events_bring_only_what_is_new(live, server, monkeypatch):
    monkeypatch.setattr("focus.runtime.serve._scores.BIN_S", 0.0)
    feed = Feed(live)
    feed.rows(3 * ROWS)
    first, second = ticks(server, count=2)
    assert [kept["number"] for kept in first["bins"]] == [0, 1, 2] and second["bins"] == []
    assert first["last_row"] == 3 * ROWS - 1 and first["phase"] == "running"
    (again,) = ticks(server, f"run={live.run}&after=1")
    assert [kept["number"] for kept in again["bins"]] == [2]
    # What a page knows of a server that is gone counts for nothing.
    (anew,) = ticks(server, "run=another&after=1")
    assert len(anew["bins"]) == 3


def test_pages_hear_how_it_ended(live):
    feed = Feed(live)
    with LiveServer(live, HERE) as server:
        feed.rows(1)
        stream = urllib.request.urlopen(f"{server.url}api/events", timeout=20)
        stream.readline()
        live.fail("disk full")
    with stream:
        last = [json.loads(line[6:]) for line in stream if line.startswith(b"data: ")][-1]
    assert (last["phase"], last["reason"]) == ("failed", "disk full")


def test_a_browser_that_does_not_read_holds_nobody_up(live, server):
    feed = Feed(live)
    feed.rows(400)
    lazy = [socket.create_connection(("127.0.0.1", server.address.port)) for _ in range(8)]
    for connection in lazy:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        for path in ("rows", "rows", "events"):  # pipelined, and never read
            connection.sendall(f"GET /api/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    feed.rows(400)  # would never come back if it waited for them
    assert json.loads(get(server, "healthz"))["windows"] == 800 // ROWS
    assert ticks(server)[0]["last_row"] == 799
    for connection in lazy:
        connection.close()


def test_a_browser_that_takes_nothing_any_more_is_given_up(live, monkeypatch):
    monkeypatch.setattr("focus.runtime.serve._server.DEAD_S", 0.5)
    Feed(live).rows(400)
    with LiveServer(live, HERE) as server:
        gone = socket.socket()
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        gone.connect(("127.0.0.1", server.address.port))
        gone.sendall(400 * b"GET /api/rows HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")  # 40 MB: more than any buffer holds
        connections = server._server.server_state.connections
        end = time.monotonic() + 30
        while not connections:
            assert time.monotonic() < end
            time.sleep(0.01)
        while connections:
            assert time.monotonic() < end, "the connection is still there"
            time.sleep(0.05)
        gone.close()


def test_visitors_that_ask_for_nothing_are_few_and_soon_gone(live, server, monkeypatch):
    monkeypatch.setattr("focus.runtime.serve._visitors.ASK_S", 0.5)
    monkeypatch.setattr("focus.runtime.serve._visitors.MOST", 5)
    silent = [socket.create_connection(("127.0.0.1", server.address.port), timeout=20) for _ in range(8)]
    start = time.monotonic()
    for connection in silent[5:]:  # there are too many already
        assert gone(connection)
    silent[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert silent[0].recv(20).startswith(b"HTTP/1.1 503")
    silent[1].sendall(b"GET /healthz HT")  # and never goes on
    for connection in silent[1:5]:
        assert gone(connection)
    assert time.monotonic() - start >= 0.4
    # Whoever asked for something has it for as long as it goes on.
    assert len(ticks(server, count=4)) == 4
    for connection in silent:
        connection.close()


def gone(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_server_that_breaks_ends_no_run(live, server, capsys, monkeypatch):
    def broken(*_):
        raise RuntimeError("a bug")

    feed = Feed(live)
    monkeypatch.setattr(_app, "tick_view", broken)
    with urllib.request.urlopen(f"{server.url}api/events", timeout=20) as answer:
        assert answer.status == 200
    feed.rows(4)
    assert json.loads(get(server, "healthz"))["status"] == "ok"


def test_the_token_opens_everything(live):
    with LiveServer(live, HERE, "correct-horse-battery") as server:
        for path in ("", "main.js", "api/plan", "api/rows", "metrics", "healthz"):
            get(server, path, 401)
        get(server, "api/plan", Authorization="Bearer correct-horse-battery")
        assert "correct" not in server.url


def test_an_address_that_is_taken(live):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OutputError, match=rf"^cannot serve on 127\.0\.0\.1:{port}: address already in use; choose"):
            LiveServer(live, Address("127.0.0.1", port))


def test_an_address_of_another_machine(live):
    with pytest.raises(OutputError, match=r"cannot serve on 192\.0\.2\.1:0: .*; choose another address"):
        LiveServer(live, Address("192.0.2.1", 0), "correct-horse-battery")


def test_the_page_refers_to_nothing_outside():
    for path in PAGE.rglob("*"):
        if path.suffix not in {".html", ".js", ".css", ".svg"} or path.parent.name == "vendor":
            continue
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", text), path


def test_the_vendored_library_has_its_licence():
    assert "MIT License" in (PAGE / "vendor" / "uPlot-LICENSE.txt").read_text()
    assert (
        (PAGE / "vendor" / "uPlot.iife.min.js")
        .read_text()
        .startswith("/*! https://github.com/leeoniya/uPlot (v1.6.32) */")
    )


def test_colour_maps_are_those_of_matplotlib():
    import matplotlib

    maps = dict(re.findall(r'(\w+): "([0-9a-f]+)"', (PAGE / "colour-maps.js").read_text()))
    assert {"viridis", "cividis", "inferno"} <= set(maps)
    for name, text in maps.items():
        table = np.frombuffer(bytes.fromhex(text), np.uint8).reshape(256, 3)
        np.testing.assert_array_equal(table, matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3])
