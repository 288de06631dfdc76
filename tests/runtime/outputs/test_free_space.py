"""A floor under the free space of the disk."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest

from focus.runtime import OutputError
from focus.runtime.outputs import _free_space
from focus.runtime.outputs._free_space import FreeSpace, size_text


@pytest.fixture
def disk(monkeypatch):
    """A disk whose free space a test sets, and a clock that goes on by itself."""
    held = SimpleNamespace(free=5 * 10**9, looks=0)

    def usage(folder):
        held.looks += 1
        return SimpleNamespace(free=held.free)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    held.now = 0.0
    monkeypatch.setattr(_free_space.time, "monotonic", lambda: held.now)
    return held


def test_the_end_is_asked_for_below_the_floor(tmp_path, disk):
    said = []
    sink = FreeSpace(tmp_path, 10**9, said.append)
    sink.start(None)
    for sent in (sink.add_strip, sink.add_row):
        disk.now += 1
        sent(None)
    assert said == []
    disk.free, disk.now = 10**9 - 10**7, disk.now + 1
    sink.add_strip(None)
    expected = f"the disk of {tmp_path} has 990 MB left, --min-free is 1 GB"
    assert said == [expected]


@pytest.mark.parametrize(
    ("free", "said"),
    [
        (10**9 - 10**7, "has 990 MB left, --min-free is 1 GB"),
        (10**9 - 1, "has 999.999999 MB left, --min-free is 1 GB"),
        (3, "has 3 bytes left, --min-free is 1 GB"),
    ],
)
def test_two_sizes_are_told_apart(tmp_path, disk, free, said):
    disk.free = free
    with pytest.raises(OutputError, match=said):
        FreeSpace(tmp_path, 10**9, pytest.fail).start(None)


def test_sizes_that_differ_a_little_get_more_digits(tmp_path, disk):
    disk.free = 25_000_100_000
    with pytest.raises(OutputError, match=r"has 25.0001 GB left, --min-free is 25.0002 GB"):
        FreeSpace(tmp_path, 25_000_200_000, pytest.fail).start(None)


def test_it_looks_now_and_then(tmp_path, disk):
    sink = FreeSpace(tmp_path, 10**9, pytest.fail)
    sink.start(None)
    for _ in range(100):
        disk.now += 0.01
        sink.add_strip(None)
    assert disk.looks == 1 + 2


def test_a_disk_that_is_below_the_floor_is_refused(tmp_path, disk):
    disk.free = 3
    with pytest.raises(OutputError, match=r"has 3 bytes left, --min-free is 1 GB; free some space, choose another"):
        FreeSpace(tmp_path, 10**9, pytest.fail).start(None)
    assert [size_text(size) for size in (1500, 2.5e12, 999, 999_990)] == ["1.5 kB", "2.5 TB", "999 bytes", "1 MB"]
