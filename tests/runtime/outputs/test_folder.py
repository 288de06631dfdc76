"""A run's folder is whole or it is not there."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from focus.runtime import OutputError
from focus.runtime.outputs import RunFolder


def test_moves_into_place_at_the_end(tmp_path):
    target = tmp_path / "deep" / "run"
    with RunFolder(target) as folder:
        (folder.path / "run.json").write_text("{}")
        assert not target.exists() and folder.path.parent == target.parent and folder.path.name.startswith(".run.")
    assert [path.name for path in tmp_path.rglob("*")] == ["deep", "run", "run.json"]


def test_a_failed_run_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), RunFolder(tmp_path / "deep" / "run") as folder:
        (folder.path / "half").write_text("x")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_takes_an_empty_folder_and_refuses_an_occupied_one(tmp_path):
    target = tmp_path / "run"
    target.mkdir()
    with RunFolder(target) as folder:
        (folder.path / "run.json").write_text("1")
    with pytest.raises(
        OutputError, match="run exists and is not empty; choose another --out, or replace it with --overwrite"
    ):
        RunFolder(target)


def test_overwrite_replaces_a_run_and_nothing_else(tmp_path):
    target = tmp_path / "run"
    target.mkdir()
    (target / "run.json").write_text("old")
    (target / "stale.dat").write_text("old")
    with pytest.raises(RuntimeError), RunFolder(target, overwrite=True):
        raise RuntimeError
    assert (target / "run.json").read_text() == "old"
    with RunFolder(target, overwrite=True) as folder:
        (folder.path / "run.json").write_text("new")
    assert [(path.name, path.read_text()) for path in target.iterdir()] == [("run.json", "new")]
    assert list(tmp_path.iterdir()) == [target]
    (target / "run.json").rename(target / "thesis.tex")
    with pytest.raises(OutputError, match=r"holds no run \(no run\.json in it\), so --overwrite leaves it alone"):
        RunFolder(target, overwrite=True)


def test_refuses_what_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="file is not a folder; choose another --out"):
        RunFolder(tmp_path / "file")
    with (
        pytest.raises(OutputError, match=r"cannot write into .*file: (Not a directory|File exists)"),
        RunFolder(tmp_path / "file" / "run"),
    ):
        pass


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def full(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "mkdir", full)
    with (
        pytest.raises(OutputError, match=r"cannot write into .*: No space left on device"),
        RunFolder(tmp_path / "run"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_overwrite_takes_nothing_that_the_run_reads_and_no_segments(tmp_path):
    target = tmp_path / "run"
    target.mkdir()
    (target / "run.json").write_text("{}")
    (target / "raw.hdr").write_text("ENVI")
    with pytest.raises(OutputError, match=r"raw.hdr is read, and would go with what .*run holds; choose another"):
        RunFolder(target, overwrite=True, read=[None, target / "raw.hdr"])
    RunFolder(target, overwrite=True, read=[tmp_path / "other.hdr"])
    (target / "segment-0001").mkdir()
    with pytest.raises(OutputError, match="run holds the segments of a camera; choose another"):
        RunFolder(target, overwrite=True)
