"""ENVI files that grow: they open at every moment, here and with `spectral`."""

from __future__ import annotations

import os

import numpy as np
import pytest
import spectral

from focus.runtime import CubeError, open_cube
from focus.runtime.outputs import EnviWriter, Layout, OpenFiles

VALUES = np.random.default_rng(0).uniform(0, 1, (130, 3, 5)).astype(np.float32)
FIELDS = {"wavelength": ["500", "600", "700"], "wavelength units": "Nanometers", "data ignore value": "nan"}
LAYOUT = Layout("map", 3, 5, "a map, with {braces}", FIELDS)


@pytest.fixture
def files(tmp_path):
    opened = OpenFiles(tmp_path)
    yield opened
    opened.close()


def opened(folder, lines):
    """What our reader and `spectral` find in the file, which must be these lines."""
    cube = open_cube(folder / "map.hdr")
    np.testing.assert_array_equal(cube.values, VALUES[:lines].transpose(1, 0, 2))
    theirs = spectral.open_image(str(folder / "map.hdr"))
    np.testing.assert_array_equal(theirs.open_memmap(interleave="bip"), VALUES[:lines].transpose(0, 2, 1))
    return cube


def test_it_opens_at_every_moment_with_the_lines_that_it_holds(tmp_path, files):
    writer = EnviWriter(files, LAYOUT)
    assert list(tmp_path.iterdir()) == []  # nothing that does not open
    size, stated = 0, 0
    for stop in (1, 2, 9, 10, 99, 100, 130):
        writer.append(VALUES[stated:stop])
        stated = stop
        cube = opened(tmp_path, stated)
        assert "its writer has not finished it" in cube.provenance.notes
        sizes = {(tmp_path / "map.hdr").stat().st_size, size or (tmp_path / "map.hdr").stat().st_size}
        assert len(sizes) == 1  # the number of lines grows in place
        size = sizes.pop()
    writer.finish()
    cube = opened(tmp_path, 130)
    assert cube.provenance.notes == () and cube.provenance.fields["description"] == "a map; with (braces)"
    np.testing.assert_array_equal(cube.wavelengths_nm, [500, 600, 700])


def test_the_lines_are_there_before_the_header_says_so(files, monkeypatch):
    calls = []
    for name in ("writev", "pwrite"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, real=real: (calls.append((name, args[1])), real(*args))[1]
        )
    writer = EnviWriter(files, LAYOUT)
    writer.append(VALUES[:2])
    writer.append(VALUES[2:7])
    assert [name for name, _ in calls] == ["writev", "writev", "pwrite"]
    assert len(calls[2][1]) < 64 and calls[2][1].startswith(b"lines = 7 ")


@pytest.mark.parametrize("tail", [b"", b"x" * 59])
def test_a_torn_line_is_left_out(tmp_path, files, tail):
    writer = EnviWriter(files, LAYOUT)
    writer.append(VALUES[:4])
    with (tmp_path / "map.dat").open("ab") as data:
        data.write(tail)
    opened(tmp_path, 4)


def test_after_a_power_cut_the_lines_that_reached_the_disk_open(tmp_path, files):
    writer = EnviWriter(files, LAYOUT)
    writer.append(VALUES[:9])
    os.truncate(tmp_path / "map.dat", 4 * 60 + 7)
    np.testing.assert_array_equal(open_cube(tmp_path / "map.hdr").values, VALUES[:4].transpose(1, 0, 2))
    theirs = spectral.open_image(str(tmp_path / "map.hdr"))
    np.testing.assert_array_equal(theirs[3, :, :].squeeze(), VALUES[3].T)
    os.truncate(tmp_path / "map.dat", 59)
    with pytest.raises(CubeError, match=r"1 lines x 5 samples x 3 bands of float32 = 60 bytes, map\.dat has 59"):
        open_cube(tmp_path / "map.hdr")


def test_a_finished_file_must_have_its_size(tmp_path, files):
    writer = EnviWriter(files, LAYOUT)
    writer.append(VALUES[:4])
    writer.finish()
    os.truncate(tmp_path / "map.dat", 4 * 60 - 1)
    with pytest.raises(CubeError, match=r"copy the file again or correct the header"):
        open_cube(tmp_path / "map.hdr")


def test_lines_of_another_shape_and_samples_that_envi_does_not_have(files):
    writer = EnviWriter(files, LAYOUT)
    with pytest.raises(ValueError, match=r"lines must be \[lines, 3, 5\], got \(1, 2, 5\)"):
        writer.append(VALUES[:1, :2])
    with pytest.raises(ValueError, match="ENVI has no samples of type float16"):
        EnviWriter(files, Layout("half", 3, 5, "", {}, np.dtype(np.float16)))


def test_parts_of_memory_go_out_in_one_call(tmp_path, files, monkeypatch):
    calls, real = [], os.writev
    monkeypatch.setattr(os, "writev", lambda *args: (calls.append(len(args[1])), real(*args))[1])
    writer = EnviWriter(files, LAYOUT)
    writer.append_parts(VALUES[:3], VALUES[3:4], VALUES[4:9])
    assert calls[0] == 3
    opened(tmp_path, 9)


def test_a_short_write_goes_on_where_it_stopped(tmp_path, files, monkeypatch):
    real = os.writev
    monkeypatch.setattr(os, "writev", lambda file, parts: real(file, [parts[0][: max(1, len(parts[0]) // 3)]]))
    writer = EnviWriter(files, LAYOUT)
    writer.append_parts(VALUES[:3], VALUES[3:4], VALUES[4:9])
    opened(tmp_path, 9)
