"""Aravis' fake GigE Vision camera as a process of its own, which a test may kill."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FOLDER = Path(sys.prefix) / "share/focus/aravis"
PROGRAM = FOLDER / "arv-fake-gv-camera"
ADDRESS, SERIAL = "127.0.0.1", "HSI001"


def require_aravis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes Aravis importable; skips the test where it is not there."""
    if not PROGRAM.is_file():
        pytest.skip(f"no Aravis; to run this test: scripts/aravis.sh {sys.prefix} (as root, on Debian or Ubuntu)")
    monkeypatch.syspath_prepend(str(FOLDER))
    import gi  # came with it

    gi.require_version("Aravis", "0.8")


@contextmanager
def alone() -> Iterator[None]:
    """Two fake cameras at one address would answer for each other, also those of two test runs."""
    with Path(tempfile.gettempdir(), "focus-fake-gige.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class FakeGige:
    """The camera.

    Args:
        lost_per_thousand: packets that it does not send.
    """

    def __init__(self, lost_per_thousand: float = 0.0) -> None:
        self._command = [str(PROGRAM), "-i", ADDRESS, "-s", SERIAL]
        if lost_per_thousand:
            self._command += ["-r", str(lost_per_thousand)]
        self.start()

    def start(self) -> None:
        """Switches it on."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)  # it says nothing when it is ready
        assert self._process.poll() is None

    def kill(self) -> None:
        """Pulls the plug."""
        self._process.kill()
        self._process.wait(5)
