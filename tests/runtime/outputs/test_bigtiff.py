"""BigTIFF files that grow: they open at every moment with `tifffile`, and with our own reader."""

from __future__ import annotations

import json
import os
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from PIL import Image

from focus.runtime import open_cube
from focus.runtime.outputs import BigTiffWriter, Layout, OpenFiles

FIELDS = {"wavelength": ["500", "600", "700"], "data ignore value": "nan"}


@pytest.fixture
def files(tmp_path):
    opened = OpenFiles(tmp_path)
    yield opened
    opened.close()


def values(bands, lines=130, samples=5):
    return np.random.default_rng(bands).uniform(0, 1, (lines, bands, samples)).astype(np.float32)


@pytest.mark.parametrize("bands", [1, 2, 3, 204])
def test_it_opens_at_every_moment_with_the_lines_that_it_holds(tmp_path, files, bands):
    written = values(bands)
    writer = BigTiffWriter(files, Layout("map", bands, 5, "a map", FIELDS))
    assert list(tmp_path.iterdir()) == []
    done = 0
    for stop in (1, 2, 9, 10, 130):
        writer.append(written[done:stop])
        done = stop
        expected = written[:done].transpose(0, 2, 1) if bands > 1 else written[:done, 0]
        np.testing.assert_array_equal(tifffile.imread(tmp_path / "map.tif"), expected)
        np.testing.assert_array_equal(tifffile.memmap(tmp_path / "map.tif", mode="r"), expected)
    with tifffile.TiffFile(tmp_path / "map.tif") as tiff:
        page = tiff.pages[0]
        assert tiff.is_bigtiff and len(tiff.pages) == 1 and len(page.dataoffsets) == 1
        described = json.loads(page.description)
        assert described["description"] == "a map" and described["wavelength"] == FIELDS["wavelength"]
        assert page.tags[42113].value == "nan"
        assert '<Item name="DESCRIPTION" sample="1" role="description">600 nm</Item>' in page.tags[42112].value
    if bands == 1:
        with Image.open(tmp_path / "map.tif") as picture:  # libtiff's rules, not tifffile's
            np.testing.assert_array_equal(np.asarray(picture), written[:, 0])


def test_our_reader_takes_it_as_a_cube(tmp_path, files):
    writer = BigTiffWriter(files, Layout("map", 3, 5, "a map", FIELDS))
    writer.append(values(3)[:7])
    cube = open_cube(tmp_path / "map.tif", wavelengths_nm=np.array([500.0, 600.0, 700.0]))
    np.testing.assert_array_equal(cube.values, values(3)[:7].transpose(1, 0, 2))
    assert np.isnan(cube.ignore_value)


def test_the_lines_are_there_before_the_page_says_so_and_a_torn_one_is_left_out(tmp_path, files, monkeypatch):
    calls = []
    for name in ("writev", "pwrite"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, real=real: (calls.append(name), real(*args))[1])
    writer = BigTiffWriter(files, Layout("map", 3, 5, "a map"))
    writer.append(values(3)[:4])
    calls.clear()
    writer.append(values(3)[4:7])
    assert calls == ["writev", "pwrite"]
    with (tmp_path / "map.tif").open("ab") as data:
        data.write(b"x" * 59)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "map.tif"), values(3)[:7].transpose(0, 2, 1))


def test_integers_and_lines_of_another_shape(tmp_path, files):
    writer = BigTiffWriter(files, Layout("classes", 2, 5, "", {}, np.dtype(np.int16)))
    lines = np.arange(-10, 10).reshape(2, 2, 5)
    writer.append(lines)
    writer.append(lines)
    stored = tifffile.imread(tmp_path / "classes.tif")
    assert stored.dtype == np.int16
    np.testing.assert_array_equal(stored, np.concatenate([lines, lines]).transpose(0, 2, 1))
    with pytest.raises(ValueError, match=r"lines must be \[lines, 2, 5\], got \(2, 5, 5\)"):
        writer.append(np.zeros((2, 5, 5)))


def test_names_of_any_language_are_kept(tmp_path, files):
    names = ["Mehltau, früh", "Stickstoff (µg/cm²)", "葉 <1>"]
    BigTiffWriter(files, Layout("map", 3, 5, "Größe", {"band names": names})).append(values(3))
    with tifffile.TiffFile(tmp_path / "map.tif") as tiff:
        page = tiff.pages[0]
        items = ElementTree.fromstring(page.tags[42112].value)
        assert [item.text for item in items] == names
        assert json.loads(page.description) == {"description": "Größe", "band names": names}
