"""A run under systemd: a real socket hears what it says, and SIGTERM ends it cleanly."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from focus.runtime import _service
from focus.runtime._service import TERMINATED, Service, service
from focus.runtime._stop import Stop
from focus.runtime.commands.run import main


@pytest.fixture
def listener(tmp_path, monkeypatch):
    """Systemd's end of the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        path = f"/tmp/focus-notify-{os.getpid()}"  # names of sockets must be short
        ear.bind(path)
        ear.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        try:
            yield ear
        finally:
            Path(path).unlink()


def heard(ear):
    ear.setblocking(False)
    notices = []
    try:
        while True:
            notices.append(ear.recv(4096).decode().split("\n"))
    except BlockingIOError:
        return notices


def test_ready_once_then_alive_once_a_second(listener, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(_service.time, "monotonic", lambda: now[0])
    with service() as found:
        for step in range(5):
            found.progress(16 * step, step)
            now[0] += 0.5
    assert heard(listener) == [
        ["READY=1", "WATCHDOG=1", "STATUS=0 lines, 0 windows"],
        ["WATCHDOG=1", "STATUS=32 lines, 2 windows"],
        ["WATCHDOG=1", "STATUS=64 lines, 4 windows"],
        ["STOPPING=1"],
    ]


def test_an_abstract_socket():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        name = f"focus-notify-{os.getpid()}"
        ear.bind("\0" + name)
        Service("@" + name).stopping()
        assert heard(ear) == [["STOPPING=1"]]


def test_where_nobody_listens_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Service.from_environment().progress(1, 1)
    Service(str(tmp_path / "absent")).progress(1, 1)
    Service("/" + "x" * 200).stopping()


def test_a_full_socket_does_not_hold_the_run_up(listener):
    found = Service.from_environment()
    start = time.monotonic()
    for _ in range(10_000):
        found.stopping()
    assert time.monotonic() - start < 30
    assert heard(listener)


def test_sigterm_leaves_through_the_with_blocks_and_is_given_back(listener):
    before = signal.getsignal(signal.SIGTERM)
    left = []
    with pytest.raises(SystemExit) as leaving, service():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        finally:
            left.append("cleaned up")
    assert leaving.value.code == TERMINATED == 143
    assert left == ["cleaned up"]
    assert signal.getsignal(signal.SIGTERM) is before
    assert heard(listener) == [["STOPPING=1"]]


@pytest.mark.parametrize(
    ("number", "reason", "leaves"),
    [(signal.SIGTERM, "stopped by SIGTERM", SystemExit), (signal.SIGINT, "stopped by Ctrl-C", KeyboardInterrupt)],
)
def test_a_signal_asks_for_the_end_and_a_second_one_leaves(number, reason, leaves):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    stop = Stop()
    with pytest.raises(leaves), service(stop):
        signal.raise_signal(number)
        assert (stop.reason, stop.failed) == (reason, False)
        signal.raise_signal(number)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_the_first_reason_to_stop_stays():
    stop = Stop()
    stop.request("the disk is full", failed=True)
    stop.request("stopped by SIGTERM")
    assert (stop.reason, stop.failed) == ("the disk is full", True)


def test_a_status_is_one_line(listener):
    Service.from_environment().alive("cannot open it\nERRNO=5")
    assert heard(listener) == [["READY=1", "WATCHDOG=1", "STATUS=cannot open it ERRNO=5"]]


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_focus_run_tells_its_progress(listener, tmp_path, quiet):
    options = ["--camera", "sim:leaves=1,samples=256", "--out", str(tmp_path / "run"), "--backend", "onnxruntime"]
    assert main([*options, *quiet]) == 0
    notices = heard(listener)
    assert notices[0][:2] == ["READY=1", "WATCHDOG=1"]
    assert notices[-1] == ["STOPPING=1"]


def test_focus_run_that_is_terminated_leaves_nothing_behind(listener, tmp_path):
    code = "import sys; from focus.runtime.commands.run import main; sys.exit(main(sys.argv[1:]))"
    options = ["--camera", "sim:leaves=16,samples=512", "--out", str(tmp_path / "run"), "--backend", "onnxruntime"]
    with subprocess.Popen([sys.executable, "-c", code, *options], stdout=subprocess.DEVNULL) as run:
        try:
            assert listener.recv(4096).startswith(b"READY=1")
            run.terminate()
            assert run.wait(60) == TERMINATED
        finally:
            run.kill()
    assert list(tmp_path.iterdir()) == []
    assert heard(listener)[-1] == ["STOPPING=1"]
