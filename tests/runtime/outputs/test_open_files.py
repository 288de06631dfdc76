"""When what was written reaches the disk, told by the calls of the system."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from focus.runtime import OutputError
from focus.runtime.outputs import OpenFiles


@pytest.fixture
def calls(monkeypatch):
    """Calls that write and that wait for the disk, with the names of their files."""
    made = []

    def told(name):
        real = getattr(os, name)

        def call(descriptor, *args):
            made.append((name, Path(f"/proc/self/fd/{descriptor}").readlink().name))
            return real(descriptor, *args)

        monkeypatch.setattr(os, name, call)

    for name in ("writev", "fdatasync", "fsync"):
        told(name)
    return made


def test_every_window_is_on_the_disk_before_the_run_goes_on(tmp_path, calls):
    files = OpenFiles(tmp_path, "window")
    data, table = files.open("map.dat"), files.open("windows.csv")
    for line in (b"one", b"two"):
        data.append(line)
        table.append(line)
        files.after_window()
    synced = [("fdatasync", "map.dat"), ("fdatasync", "windows.csv")]
    written = [("writev", "map.dat"), ("writev", "windows.csv")]
    assert calls == [*written, *synced, ("fsync", tmp_path.name), *written, *synced]
    files.close()
    assert calls[-2:] == synced


def test_never_leaves_it_to_the_system(tmp_path, calls):
    files = OpenFiles(tmp_path)
    files.open("map.dat").append(b"one", np.arange(3, dtype=np.uint8))
    files.after_window()
    files.close()
    assert calls == [("writev", "map.dat")]
    assert (tmp_path / "map.dat").read_bytes() == b"one\0\1\2"


def test_every_so_many_seconds_happens_beside_the_run(tmp_path, monkeypatch):
    flushed, threads, real = threading.Event(), set(), os.fdatasync

    def fdatasync(descriptor):
        real(descriptor)
        threads.add(threading.current_thread().name)
        flushed.set()

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    files = OpenFiles(tmp_path, 0.01)
    file = files.open("map.dat")
    file.append(b"one")
    assert flushed.wait(10)
    files.after_window()
    assert threads == {"focus-fsync"}
    files.close()
    assert "focus-fsync" not in {thread.name for thread in threading.enumerate()}
    files.close()
    with pytest.raises(ValueError, match=r"map\.dat is closed"):
        file.append(b"two")


def test_a_disk_that_loses_what_it_was_given_ends_the_run(tmp_path, monkeypatch):
    flushed = threading.Event()

    def fdatasync(descriptor):
        flushed.set()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    files = OpenFiles(tmp_path, 0.01)
    files.open("map.dat").append(b"one")
    assert flushed.wait(10)
    with pytest.raises(OutputError, match=r"cannot write map\.dat: Input/output error; choose another --out"):
        while True:
            files.after_window()
    with pytest.raises(OutputError, match="Input/output error"):
        files.close()


def test_a_file_that_exists_is_gone_on_with(tmp_path):
    (tmp_path / "map.dat").write_bytes(b"one")
    files = OpenFiles(tmp_path)
    file = files.open("map.dat")
    file.append(b"two")
    file.overwrite(1, b"N")
    files.close()
    assert (tmp_path / "map.dat").read_bytes() == b"oNetwo"
    (tmp_path / "deep" / "map.dat").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"cannot write map\.dat: Is a directory"):
        OpenFiles(tmp_path / "deep").open("map.dat")
