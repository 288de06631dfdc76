"""Workers go with the process that started them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

WAITS = """
import os, sys, time
from focus.exporter._workers import worker_map

def work(path):
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    time.sleep(600)

if __name__ == "__main__":
    with worker_map(1) as run:
        list(run(work, [sys.argv[1]]))
"""


def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script, told = tmp_path / "waits.py", tmp_path / "worker"
    script.write_text(WAITS)
    parent = subprocess.Popen([sys.executable, str(script), str(told)])
    try:
        worker = Path("/proc") / _read(told)
        assert worker.exists()
    finally:
        parent.kill()
        parent.wait()
    _until(lambda: not _running(worker))


def _read(path: Path) -> str:
    _until(lambda: path.is_file() and path.read_text() != "")
    return path.read_text()


def _running(process: Path) -> bool:
    """Whether a process is there; one that nobody has buried yet is not."""
    try:
        return process.joinpath("stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _until(holds: object, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)
