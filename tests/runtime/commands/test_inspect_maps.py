"""`focus-run inspect` of what a run writes: maps of every format, whole, growing and after a kill."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from focus.runtime import open_cube
from focus.runtime._errors import CubeError
from focus.runtime.commands.run import main
from focus.runtime.cubes import write_npz
from focus.runtime.cubes._map import open_map
from focus.runtime.outputs import BigTiffWriter, EnviWriter, Layout, OpenFiles
from support.scenes import cube
from support.toy_model import WAVELENGTHS, Toy

FIELDS = {"band names": ["healthy", "sick [%]"], "data ignore value": "nan"}


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="module", params=["envi", "bigtiff"])
def folder(tmp_path_factory, request):
    """A run of 30 lines x 37 samples, a patch 4 x 4."""
    place = tmp_path_factory.mktemp(request.param)
    write_npz(cube(30, 37), place / "leaf.npz")
    model = Toy().save(place / "toy.onnx")
    arguments = ["--engine", model, "--camera", f"replay:{place / 'leaf.npz'}", "--out", place / "out", "--cube"]
    arguments += ["--backend", "onnxruntime", "--format", request.param, "--quiet"]
    assert main([str(argument) for argument in arguments]) == 0
    return place


def inspected(path, out, capsys):
    """What is printed, and the picture."""
    capsys.readouterr()
    assert main(["inspect", str(path), "--out", str(out)]) == 0
    with Image.open(out / f"{path.stem}-quicklook.png") as picture:
        return capsys.readouterr().out, np.asarray(picture.convert("RGB"))


def files(folder):
    suffix = ".tif" if (folder / "out" / "saliency.tif").exists() else ".hdr"
    return {name: folder / "out" / f"{name}{suffix}" for name in ("saliency", "scores", "saliency-cube")}


def test_maps_of_a_run_are_shown(folder, tmp_path, capsys):
    said, picture = inspected(files(folder)["saliency"], tmp_path, capsys)
    assert "1 band x 30 lines x 37 samples, without wavelengths" in said and "FOCUS heatmap M" in said
    heatmap = open_map(files(folder)["saliency"]).values
    assert f"M: {heatmap.min():.4g} to {heatmap.max():.4g}" in said
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 100

    said, _ = inspected(files(folder)["scores"], tmp_path, capsys)
    assert "3 bands x 8 lines x 10 samples" in said
    assert all(f"band {band}" in said for band in range(3)) and "water-soaked: " in said


def test_a_saliency_cube_has_its_wavelengths(folder, tmp_path, capsys):
    path = files(folder)["saliency-cube"]
    said, _ = inspected(path, tmp_path, capsys)
    assert f"{len(WAVELENGTHS)} bands x 8 lines x 10 samples" in said
    assert (tmp_path / "saliency-cube-spectrum.png").exists()
    np.testing.assert_allclose(open_cube(path).wavelengths_nm, WAVELENGTHS, atol=1e-3)
    given = np.linspace(1000.0, 1100.0, len(WAVELENGTHS))
    np.testing.assert_array_equal(open_cube(path, wavelengths_nm=given).wavelengths_nm, given)


def test_no_model_runs_over_a_map(folder, capsys):
    for name in ("saliency", "scores"):
        with pytest.raises(CubeError, match="states no wavelengths; give them with --wavelengths"):
            open_cube(files(folder)[name])
        arguments = ["--engine", folder / "toy.onnx", "--camera", f"replay:{files(folder)[name]}", "--out", "never"]
        assert main([str(argument) for argument in arguments]) == 2
        assert "states no wavelengths" in capsys.readouterr().err


@pytest.mark.parametrize(("writer", "suffix"), [(EnviWriter, ".hdr"), (BigTiffWriter, ".tif")])
@pytest.mark.parametrize("bands", [1, 2])
def test_a_map_opens_while_it_grows_and_with_a_torn_line(tmp_path, capsys, writer, suffix, bands):
    values = np.random.default_rng(bands).uniform(0, 1, (130, bands, 5)).astype(np.float32)
    values[3, :, 2] = np.nan
    opened = OpenFiles(tmp_path)
    growing = writer(opened, Layout("map", bands, 5, "a map", FIELDS))
    done = 0
    for stop in (1, 2, 9, 130):
        growing.append(values[done:stop])
        done = stop
        shown = open_map(tmp_path / f"map{suffix}")
        np.testing.assert_array_equal(shown.values, values[:done].transpose(1, 0, 2))
    assert shown.band_names == ("healthy", "sick [%]")[:bands]
    opened.close()
    with (tmp_path / ("map.tif" if suffix == ".tif" else "map.dat")).open("ab") as data:
        data.write(b"x" * 7)
    said, picture = inspected(tmp_path / f"map{suffix}", tmp_path, capsys)
    assert f"{bands} band{'s' * (bands > 1)} x 130 lines x 5 samples" in said and "0.15 % without a value" in said
    assert 1.5 < picture.shape[1] / picture.shape[0] < 5  # a long strip lies on its side, in rows


def test_what_is_ignored_has_no_colour_and_no_part_in_the_range(tmp_path, capsys):
    opened = OpenFiles(tmp_path)
    fields = {"band names": ["class"], "data ignore value": "-1"}
    writer = EnviWriter(opened, Layout("classes", 1, 4, "classes", fields, np.dtype(np.int16)))
    writer.append(np.array([[[-1, 0, 2, 7]]]))
    writer.finish()
    opened.close()
    said, _ = inspected(tmp_path / "classes.hdr", tmp_path, capsys)
    assert "class: 0 to 7, median 2, 25.00 % without a value" in said


def test_one_strong_place_leaves_colours_to_the_others(tmp_path, capsys):
    opened = OpenFiles(tmp_path)
    writer = EnviWriter(opened, Layout("m", 1, 40, "m", {"band names": ["M"]}, np.dtype(np.float32)))
    values = np.tile(np.linspace(0, 1, 40, dtype=np.float32), (40, 1, 1))
    values[20, 0, 20] = 1000
    writer.append(values)
    writer.finish()
    opened.close()
    _, picture = inspected(tmp_path / "m.hdr", tmp_path, capsys)
    lines, samples, _ = picture.shape
    assert picture[lines // 3, samples // 4 : samples // 2].astype(float).std(axis=0).max() > 20
