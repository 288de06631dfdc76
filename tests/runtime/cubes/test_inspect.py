"""`focus-run inspect`: what it prints, and pictures that show something."""

import argparse
import os
import time

import numpy as np
import pytest
from PIL import Image

from focus.runtime._errors import CubeError, OutputError
from focus.runtime.commands import inspect
from focus.runtime.cubes import Cube, open_cube, quicklook, subsample
from focus.runtime.cubes._preview import summarise_spectra


def run(*arguments):
    parser = argparse.ArgumentParser()
    inspect.add_arguments(parser)
    return inspect.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def picture(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_what_is_printed(tmp_path, write_envi, values, capsys):
    header = write_envi(
        tmp_path / "le[af].hdr",
        values,
        bbl=[1, 1, 0, 0, 1, 1],
        reflectance_scale_factor=4000,
        tint=12.5,
        fwhm=[4.0] * 6,
        data_ignore_value=0,
    )
    assert run(header, "--out", tmp_path / "new" / "out") == 0
    text = capsys.readouterr().out
    for expected in (
        "le[af].raw",
        "ENVI BIL",
        "6 bands x 4 lines x 5 samples",
        "uint16, little-endian",
        "400.0-1000.0 nm, 120.00 nm apart",
        "4.00-4.00 nm",
        "reflectance = stored value / 4000",
        "2 of 6: 2-3 (from 0)",
        "33.33 %",
        "12.5 ms",
        "le[af]-quicklook.png",
    ):
        assert expected in text
    written = sorted(item.name for item in (tmp_path / "new" / "out").iterdir())
    assert written == ["le[af]-quicklook.png", "le[af]-spectrum.png"]


def test_what_is_not_stated_is_said(tmp_path, write_envi, values, capsys):
    run(write_envi(tmp_path / "leaf.hdr", values, wavelength_units=None), "--out", tmp_path)
    text = capsys.readouterr().out
    assert "not stated; focus-run takes --quantity reflectance --scale S, or --calibration FILE" in text
    assert "states no unit of wavelength; taken as nm" in text


@pytest.mark.parametrize("name", ["corn-kernel-hyperspectral.raw", "jasperRidge2_R198.mat", "darkReference"])
def test_real_files(tmp_path, real_file, name, capsys):
    path = real_file(name)
    assert run(path, "--out", tmp_path) == 0
    shown = picture(tmp_path / f"{path.stem}-quicklook.png")
    assert shown.std(axis=(0, 1)).min() > 20
    assert max(shown.shape[:2]) >= 500
    drawn = picture(tmp_path / f"{path.stem}-spectrum.png")
    assert 0.02 < (drawn != 255).any(axis=-1).mean() < 0.9
    assert "MiB" in capsys.readouterr().out


def test_options_reach_the_reader(tmp_path, values):
    np.save(tmp_path / "leaf.npy", values.transpose(1, 2, 0))
    assert run(tmp_path / "leaf.npy", "--out", tmp_path, "--axes", "hwc", "--wavelengths", "400:1000") == 0
    with pytest.raises(CubeError, match="state the order with --axes"):
        run(tmp_path / "leaf.npy", "--out", tmp_path, "--wavelengths", "400:1000")


def test_a_folder_that_cannot_be(tmp_path, write_envi, values):
    header = write_envi(tmp_path / "leaf.hdr", values)
    with pytest.raises(OutputError, match=r"cannot make folder .*leaf.raw/out: Not a directory; choose another place"):
        run(header, "--out", tmp_path / "leaf.raw" / "out")


@pytest.mark.parametrize("interleave", ["bil", "bsq"])
def test_a_14_gb_file_is_sampled(tmp_path, write_envi, interleave):
    bands, lines, samples = 224, 16000, 2000
    header = write_envi(
        tmp_path / "huge.hdr", np.zeros((bands, 1, 1), np.uint16), lines=lines, samples=samples, interleave=interleave
    )
    os.truncate(tmp_path / "huge.raw", bands * lines * samples * 2)
    cube = open_cube(header)
    started = time.monotonic()
    assert subsample(cube).shape == (224, 64, 500)
    assert quicklook(cube).shape == (762, 96, 3)
    assert time.monotonic() - started < 10.0


def test_quicklook_shows_red_as_red():
    wavelengths = np.arange(400.0, 1000.0, 10.0)
    values = np.zeros((60, 2, 2), np.float32)
    values[np.abs(wavelengths - 650) < 30, 0, 0] = 1.0
    values[np.abs(wavelengths - 550) < 30, 0, 1] = 1.0
    values[np.abs(wavelengths - 450) < 30, 1, 0] = 1.0
    shown = quicklook(Cube(values, wavelengths)).astype(int)
    assert shown[0, 0].argmax() == 0
    assert shown[0, 1].argmax() == 1
    assert shown[1, 0].argmax() == 2
    assert shown[1, 1].max() == 0


def test_quicklook_of_infrared_takes_thirds_of_the_range():
    wavelengths = np.arange(1000.0, 2500.0, 10.0)
    values = np.zeros((150, 1, 4), np.float32)
    for sample, centre in enumerate((2250.0, 1750.0, 1250.0)):
        values[np.abs(wavelengths - centre) < 60, 0, sample] = 1.0
    shown = quicklook(Cube(values, wavelengths))
    assert shown[0, :3].argmax(axis=-1).tolist() == [0, 1, 2]


def test_quicklook_greys_what_is_invalid_and_skips_bad_bands():
    wavelengths = np.arange(400.0, 1000.0, 10.0)
    values = np.random.default_rng(1).random((60, 6, 6)).astype(np.float32)
    values[:, 2, 3] = np.nan
    good = np.ones(60, bool)
    good[24] = False
    values[24] = 1e9
    shown = quicklook(Cube(values, wavelengths, good_bands=good))
    assert shown[2, 3].tolist() == [96, 96, 96]
    assert shown[..., 0].std() > 30


@pytest.mark.parametrize("bands", [1, 2])
def test_very_few_bands(tmp_path, bands):
    np.save(tmp_path / "few.npy", np.random.default_rng(0).random((bands, 4, 5)))
    assert run(tmp_path / "few.npy", "--out", tmp_path, "--axes", "chw", "--wavelengths", "500:600") == 0


def test_nothing_valid_at_all(tmp_path, write_envi, values):
    header = write_envi(tmp_path / "leaf.hdr", np.zeros_like(values), data_ignore_value=0)
    assert run(header, "--out", tmp_path) == 0
    assert (picture(tmp_path / "leaf-quicklook.png") == 96).all()


def test_spectra_leave_out_what_is_invalid():
    values = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    values[1, 0, 0] = np.nan
    values[2] = np.nan
    summary = summarise_spectra(values)
    np.testing.assert_allclose(summary.mean, [1.5, 6.0, np.nan])
    np.testing.assert_allclose(summary.low[0], 0.15)
    assert summary.pixels == 4


def test_subsample_keeps_the_short_side(values, centres):
    cube = Cube(np.zeros((6, 1, 4096), np.uint16), centres)
    assert subsample(cube, values=6144).shape == (6, 1, 1024)
    assert subsample(Cube(values, centres)).shape == (6, 4, 5)
