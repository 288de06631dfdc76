"""``focus-map`` from the outside, as far as it goes without Ray."""

from __future__ import annotations

import socket
import sys
from contextlib import nullcontext
from dataclasses import replace

import pytest

from focus.runtime import archive
from focus.runtime.archive import Entry
from focus.runtime.commands import map as command
from focus.runtime.cubes import write_npz
from support.host_engines import played_gpu
from support.scenes import cube
from support.toy_model import WAVELENGTHS, Toy

needs_zarr = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="Zarr 3 needs it; to run this test: Python 3.11 or newer"
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An archive of two cubes, and a cluster that is none: cubes come back as ``share`` wants."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archive").mkdir()
    Toy().save(tmp_path / "toy.onnx")
    for seed in range(2):
        write_npz(cube(12, 16, seed=seed), tmp_path / "archive" / f"leaf-{seed}.npz")
    return tmp_path


def run(*options, store="maps.zarr"):
    return command.main(["archive", "--engine", "toy.onnx", "--backend", "onnxruntime", "--out", store, *options])


def with_workers(monkeypatch, share, cores=4):
    asked = []

    def entries(cubes, order, workers):
        asked.append((workers, order.settings.threads))
        for found in cubes:
            yield share(found)

    monkeypatch.setattr(archive, "cluster", lambda address: nullcontext({"CPU": cores}))
    monkeypatch.setattr(archive, "entries", entries)
    return asked


def done(found):
    return Entry(found.name, "done", found.files, windows=2)


def test_an_old_python_is_told_which_one_it_takes(monkeypatch, capsys, place):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "version_info", (3, 10, 12))
    assert run() == 2
    assert capsys.readouterr().err == "focus-map: focus-map needs Python 3.11 or newer, as Zarr 3 does\n"


def test_a_missing_extra_is_named(monkeypatch, capsys, place):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "version_info", (3, 11, 1))
    assert run() == 2
    assert 'pip install "focus-hsi[archive]"' in capsys.readouterr().err


@needs_zarr
def test_a_dry_run_says_what_there_is_to_do_and_does_nothing(place, capsys):
    before = sorted(place.iterdir())
    assert run("--dry-run") == 0
    assert capsys.readouterr().out == "2 cubes: 2 to read, 0 done, 0 failed before\n"
    assert sorted(place.iterdir()) == before


@needs_zarr
def test_a_failure_is_said_and_gives_the_exit_code_until_it_is_mended(place, capsys, monkeypatch):
    def fails(found):
        return Entry(found.name, "failed", found.files, error="too dark") if "0" in found.name else done(found)

    with_workers(monkeypatch, fails)
    assert run() == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith(
        "1 done, 1 failed; --retry-failed tries them again; 2 windows read now; "
    )
    assert said.err == "failed: leaf-0.npz: too dark\n"
    assert run() == 1  # it is still failed, and nobody asked to try it again
    assert "1 to read" in capsys.readouterr().out  # the group of leaf-1 was not really written
    (place / "archive" / "leaf-1.npz").unlink()
    with_workers(monkeypatch, done)
    assert run("--retry-failed") == 0
    assert "1 done, 0 failed; 2 windows" in capsys.readouterr().out


@needs_zarr
def test_what_the_monitor_raised_is_said_at_the_end(place, capsys, monkeypatch):
    flags = {"leaf-0.npz": ("collapse", "saturated"), "leaf-1.npz": ("collapse",)}
    with_workers(monkeypatch, lambda found: replace(done(found), flags=flags[found.name]))
    assert run() == 0
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("warning: saturated in 1 of 2 cubes (leaf-0.npz); the attribute monitor of each says")
    assert second.startswith("warning: collapse in 2 of 2 cubes (leaf-0.npz, leaf-1.npz); ")


@needs_zarr
def test_workers_fill_the_cores_and_no_more(place, capsys, monkeypatch):
    asked = with_workers(monkeypatch, done)
    assert run("--threads", "2") == 0
    assert run("--threads", "3", store="other.zarr") == 0
    assert run("--threads", "1", "--workers", "2", store="third.zarr") == 0
    assert asked == [(2, 2), (1, 3), (2, 1)]
    capsys.readouterr()
    assert run("--threads", "2", "--workers", "3", store="fourth.zarr") == 2
    assert "3 workers of 2 threads need 6 cores, there are 4; give fewer --workers" in capsys.readouterr().err


@needs_zarr
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "0"], "--workers must be at least 1, got 0"),
        (["--tries", "0"], "--tries must be at least 1, got 0"),
        (["--batch", "0"], "--batch must be 1 or more"),
        (["--out", "maps"], "--out must end in .zarr, got maps"),
        (["--engine", "nothing.onnx"], "no model file nothing.onnx"),
        (["--backend", "abacus"], "unknown backend 'abacus'"),
        (["--calibration", "nothing.focuscal"], "nothing.focuscal"),
        (["--class", "weed"], "weed"),
        (["--overlap", "99"], "overlap"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(place, capsys, options, message):
    before = sorted(place.iterdir())
    assert run(*options) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert sorted(place.iterdir()) == before


@needs_zarr
def test_a_cluster_that_is_not_there_is_said_at_once(place, capsys):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert run("--threads", "1", "--address", f"127.0.0.1:{port}") == 2
    said = capsys.readouterr().err
    assert f"no Ray cluster at 127.0.0.1:{port} (" in said and "start one with ray start --head" in said
    assert said.count("\n") == 1


@needs_zarr
def test_a_table_of_wavelengths_is_known_by_its_content_and_whole_path(place, capsys, monkeypatch):
    orders = []
    (place / "bands.csv").write_text("\n".join(map(str, WAVELENGTHS)) + "\n")
    with_workers(monkeypatch, done)
    made = command._order
    monkeypatch.setattr(command, "_order", lambda args: orders.append(made(args)) or orders[-1])
    assert run("--wavelengths", "bands.csv") == 0
    assert orders[0].source.wavelengths_nm == str(place / "bands.csv")
    (place / "bands.csv").write_text("\n".join(map(str, WAVELENGTHS + 1)) + "\n")
    capsys.readouterr()
    assert run("--wavelengths", "bands.csv") == 2
    assert "was made with other wavelengths; choose another --out" in capsys.readouterr().err
    assert run("--wavelengths", "gone.csv", store="other.zarr") == 2
    assert "cannot read wavelengths from gone.csv" in capsys.readouterr().err


@needs_zarr
def test_a_cluster_without_a_gpu_is_no_place_for_one_of_a_gpu(place, capsys, monkeypatch):
    asked = with_workers(monkeypatch, done)
    with played_gpu():
        assert run("--backend", "onnxruntime-cuda") == 2
        assert "onnxruntime-cuda needs a GPU, and Ray knows of none here; start it with ray" in capsys.readouterr().err
        monkeypatch.setattr(archive, "cluster", lambda address: nullcontext({"CPU": 8, "GPU": 2}))
        assert run("--backend", "onnxruntime-cuda", "--threads", "1") == 0
    assert asked == [(2, 1)]
