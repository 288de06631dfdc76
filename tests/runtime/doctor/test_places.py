"""Folders that runs write to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from focus.runtime.doctor._places import cache_home, place_facts
from focus.runtime.engines import _cache


@pytest.mark.parametrize("variables", [{}, {"FOCUS_CACHE": "/data/cache"}, {"XDG_CACHE_HOME": "/xdg"}])
def test_the_cache_is_where_the_engines_keep_theirs(monkeypatch, variables):
    for name in ("FOCUS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_home() == _cache.cache_home()


def test_a_folder_that_is_not_there_yet(tmp_path, monkeypatch):
    monkeypatch.setenv("FOCUS_CACHE", str(tmp_path / "a" / "b"))
    results, cache = place_facts()
    assert (results.use, results.path) == ("results", str(Path.cwd()))
    assert (cache.path, cache.writable) == (str(tmp_path / "a" / "b"), True)
    assert cache.free_bytes > 0
    assert not (tmp_path / "a").exists()


def test_a_file_in_the_way_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FOCUS_CACHE", str(tmp_path / "file" / "cache"))
    assert not place_facts()[1].writable


def test_a_user_without_home_and_a_folder_that_was_removed(tmp_path, monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    def no_folder():
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.delenv("FOCUS_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.setattr(os, "getcwd", no_folder)
    monkeypatch.setattr(Path, "cwd", no_folder)
    assert [(place.path, place.writable) for place in place_facts()] == [("", False), ("", False)]
