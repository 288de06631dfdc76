"""HyperLeaf2024 in its layout."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from focus.exporter.commands import train
from focus.exporter.data import FolderOptions, open_windows
from focus.exporter.data._hyperleaf import WAVELENGTHS_NM, leaf_cube
from focus.exporter.model import load_checkpoint
from focus.runtime import CubeError, FocusError
from support.real_sets import write_hyperleaf

SIZE = (48, 352)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """20 leaves of 7 MB; they do not stay."""
    written = write_hyperleaf(tmp_path_factory.mktemp("hyperleaf") / "set")
    yield written
    shutil.rmtree(written)


def copy_of_table(folder: Path, to: Path, old: str = "", new: str = "") -> Path:
    """The data set with another train.csv, its images shared."""
    to.mkdir()
    (to / "images").symlink_to(folder / "images")
    (to / "train.csv").write_text((folder / "train.csv").read_text().replace(old, new))
    return to


def test_wavelengths_are_the_camera_s() -> None:
    # Entries of the Specim IQ's own table.
    table = {0: 397.32, 1: 400.20, 50: 542.68, 101: 693.62, 150: 841.18, 203: 1003.58}
    assert WAVELENGTHS_NM.size == 204
    for band, nm in table.items():
        assert WAVELENGTHS_NM[band] == pytest.approx(nm, abs=0.01)


def test_leaves_are_read_with_their_background_left_out(folder: Path) -> None:
    windows = open_windows(f"hyperleaf:{folder}", 8, SIZE, 1)
    assert windows.target_names == ("Heerup", "Kvium", "Rembrandt", "Sheriff")
    assert windows.targets.tolist() == [image % 4 for image in range(20)]
    assert windows.windows[3] == "00003.tiff"
    assert (windows.bands, windows.grid) == (204, (6, 44))
    cube = leaf_cube(folder / "images" / "00003.tiff", 65535.0)
    stored = np.asarray(cube.values)
    assert stored.shape == (204, 48, 352) and stored.dtype == np.uint16
    # Patches are 8 lines high: the first row of them has no line of the leaf but line 9-15 of the second.
    means = windows.band_means[3].reshape(6, 44, 204)
    assert np.isnan(means[0]).all() and np.isfinite(means[2, 10]).all()
    np.testing.assert_allclose(means[2, 10], stored[:, 16:24, 80:88].mean(axis=(1, 2)) / 65535.0, rtol=1e-5)
    np.testing.assert_allclose(means[2, 12, 5], stored[5, 16:24, 96:104].mean() / 65535.0, rtol=1e-5)
    assert "65535" not in windows.source and windows.source.startswith("HyperLeaf2024, 20 leaves of 16 plots, grouped")


def test_bands_are_found_wherever_they_are_stored(tmp_path: Path) -> None:
    planar = write_hyperleaf(tmp_path / "a", leaves=1)
    woven = write_hyperleaf(tmp_path / "b", leaves=1, interleaved=True)
    one, other = (leaf_cube(path / "images" / "00000.tiff", 1.0) for path in (planar, woven))
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.quality, other.quality)
    assert one.quality is not None and one.quality[20, 100] and not one.quality[0, 0]


def test_a_plot_is_never_torn_apart_and_every_cultivar_is_trained_on(folder: Path) -> None:
    targets = ("cultivar", "gsw+PhiPS2")
    for seed in range(4):
        found = [open_windows(f"hyperleaf:{folder},target={target}", 8, SIZE, seed) for target in targets]
        for windows in found:
            assert len(set(windows.groups)) == 16
            sides = set(zip(windows.groups, windows.splits.tolist(), strict=True))
            assert len(sides) == 16
            assert set(windows.splits.tolist()) == {0, 1, 2}
        # The same plots are tested on, whatever is learnt.
        np.testing.assert_array_equal(found[0].splits, found[1].splits)
        assert set(found[0].targets[found[0].of("train")].tolist()) == {0, 1, 2, 3}
    assert found[1].target_names == ("Gsw", "PhiPS2") and found[1].targets.shape == (20, 2)
    assert found[0].groups[0] == found[0].groups[16] == "plot of 1100"


def test_it_is_the_users_split_that_must_have_all_cultivars(folder: Path, tmp_path: Path) -> None:
    """Plots of one weight count as one; seed 0 keeps that of the only Sheriff from training."""
    whole = open_windows(f"hyperleaf:{folder}", 8, SIZE, 0)
    away = next(image for image in (0, 4, 8, 12) if whole.splits[image])
    rows = (folder / "train.csv").read_text().splitlines()
    for image in range(20):
        cells = rows[1 + image].split(",")
        if image % 4 == 3:
            cells[-2:] = ["1", "0"]
        if image == 3:
            cells[1], cells[-2:] = str(1100 + 37.5 * away), ["0", "1"]
        rows[1 + image] = ",".join(cells)
    told = copy_of_table(folder, tmp_path / "set")
    (told / "train.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(FocusError, match="class Sheriff has no training row"):
        open_windows(f"hyperleaf:{told}", 8, SIZE, 0)
    others = []
    for seed in range(1, 5):
        try:
            others.append(len(open_windows(f"hyperleaf:{told}", 8, SIZE, seed).windows))
        except FocusError as error:
            assert "class Sheriff has no training row" in str(error)
    assert others and set(others) == {20}


def test_a_random_split_is_refused_unless_owned_up_to(folder: Path) -> None:
    spec = f"hyperleaf:{folder},split=random"
    with pytest.raises(FocusError, match="windows of one plot into training and test; they share nearly everything"):
        open_windows(spec, 8, SIZE, 1)
    windows = open_windows(spec, 8, SIZE, 1, options=FolderOptions(leaks=True))
    assert "the split is random: windows of one plot stand on both sides, so the figures flatter" in windows.notes
    assert windows.source.endswith("random split")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("hyperleaf:", "names no path; write hyperleaf:PATH"),
        ("hyperleaf:nowhere", r"no HyperLeaf2024 in nowhere \(no train.csv\).*Kaggle competition"),
        ("hyperleaf:{},target=height", "target must be cultivar, or traits of GrainWeight, Gsw, PhiPS2, Fertilizer"),
        ("hyperleaf:{},target=cultivar+Gsw", "target must be cultivar, or traits of"),
        ("hyperleaf:{},colour=green", "no option 'colour' .*there are target=, split=, scale="),
        ("hyperleaf:{},split=odd", "split must be grouped or random, got 'odd'"),
        ("hyperleaf:{},scale=0", "scale must be a number above 0"),
    ],
)
def test_what_does_not_fit_is_named(folder: Path, spec: str, message: str) -> None:
    with pytest.raises(FocusError, match=message):
        open_windows(spec.format(folder), 8, SIZE, 1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("00019,", "00020,", "lists 00020.tiff, which is not in"),
        ("00019,", "leaf,", "ImageId must be a number, got 'leaf'"),
        ("PhiPS2", "Phi", "has no column PhiPS2"),
        (",1,0,0,0", ",1,1,0,0", "must mark one cultivar a leaf with 1"),
        ("1100.0,", "heavy,", "GrainWeight of leaf 00000 must be a number, got 'heavy'"),
    ],
)
def test_a_table_that_does_not_fit_is_named(folder: Path, tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(FocusError, match=message):
        open_windows(f"hyperleaf:{copy_of_table(folder, tmp_path / 'set', old, new)}", 8, SIZE, 1)


def test_other_images_are_named(tmp_path: Path) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "few.tiff", np.ones((30, 48, 352), np.uint16), photometric="minisblack")
    tifffile.imwrite(tmp_path / "empty.tiff", np.zeros((204, 8, 9), np.uint16), photometric="minisblack")
    with pytest.raises(CubeError, match=r"few.tiff is 30 x 48 x 352 and 0 axes match 204"):
        leaf_cube(tmp_path / "few.tiff", 1.0)
    with pytest.raises(CubeError, match=r"empty.tiff is all background"):
        leaf_cube(tmp_path / "empty.tiff", 1.0)


def test_options_of_a_manifest_are_refused(folder: Path) -> None:
    with pytest.raises(FocusError, match="--targets, --scale: for a manifest of cubes on disk"):
        open_windows(f"hyperleaf:{folder}", 8, SIZE, 1, options=FolderOptions(("water",), scale=10.0))


def test_a_training_on_it_from_the_outside(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "leaf.pt"
    options = ["--random-backbone", "--size", "48x352", "--epochs", "1", "--precision", "fp32", "--groups", "3"]
    data = ["--data", f"hyperleaf:{folder},target=Gsw", "--cache", str(tmp_path / "cache")]
    assert train.main([*data, *options, "--out", str(out)]) == 0
    assert "regression of Gsw" in capsys.readouterr().out
    assert load_checkpoint(out)[1].trained_on.startswith("HyperLeaf2024, 20 leaves of 16 plots, grouped split; ")
    assert json.loads((tmp_path / "leaf.report.json").read_text())["targets"] == ["Gsw"]
    assert len(list((tmp_path / "cache").glob("hyperleaf-*.npz"))) == 1
    assert train.main([*data[:1], f"{data[1]},split=random", *options, "--out", str(tmp_path / "b.pt")]) == 2
    said = capsys.readouterr().err
    assert "--i-know-it-leaks" in said and said.count("\n") == 1
