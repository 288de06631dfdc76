"""Windows of Jasper Ridge: a scene of its layout, and the scene itself where it is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from focus.exporter.commands import train
from focus.exporter.data import FolderOptions, WindowSet, open_windows
from focus.exporter.data._jasper import BLOCK
from focus.runtime import CubeError, FocusError
from focus.runtime.cubes import open_jasper_ridge
from support.real_sets import write_jasper
from support.shared import shared_file

SIZE = (32, 32)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jasper(tmp_path_factory.mktemp("jasper") / "jasperRidge2_R198.mat")


def corners_of(windows: WindowSet) -> np.ndarray:
    return np.array([[int(word) for word in name.split()[1::2]] for name in windows.windows])


def test_windows_have_the_shares_of_what_they_show(file: Path) -> None:
    windows = open_windows(f"jasper-ridge:{file}", 8, SIZE, 1)
    cube, abundances, _, names = open_jasper_ridge(file)
    assert windows.task == "regression" and windows.target_names == names == ("tree", "water", "dirt", "road")
    assert windows.bands == 198 and windows.grid == (4, 4)
    np.testing.assert_allclose(windows.targets.sum(axis=1), 1.0, atol=1e-5)
    line, sample = corners_of(windows)[40]
    np.testing.assert_allclose(
        windows.targets[40], abundances[:, line : line + 8, sample : sample + 8].mean(axis=(1, 2)), rtol=1e-5
    )
    # A patch of 8 samples is 2 x 2 pixels.
    pixels = np.asarray(cube.values[:, line : line + 2, sample : sample + 2]) / cube.scale
    np.testing.assert_allclose(windows.band_means[40, 0], pixels.mean(axis=(1, 2)), rtol=1e-5)


def test_the_largest_share_can_be_the_class(file: Path) -> None:
    shares = open_windows(f"jasper-ridge:{file}", 8, SIZE, 1)
    classes = open_windows(f"jasper-ridge:{file},task=class", 8, SIZE, 1)
    np.testing.assert_array_equal(classes.targets, shares.targets.argmax(axis=1))
    assert classes.target_names == shares.target_names


@pytest.mark.parametrize("seed", range(3))
def test_windows_stay_in_their_block_and_blocks_in_their_split(file: Path, seed: int) -> None:
    windows = open_windows(f"jasper-ridge:{file}", 8, SIZE, seed)
    corners = corners_of(windows)
    assert (corners // BLOCK == (corners + 7) // BLOCK).all()
    assert len(set(windows.groups)) == 16
    assert len(set(zip(windows.groups, windows.splits.tolist(), strict=True))) == 16
    shown = np.zeros((3, 100, 100), bool)
    for (line, sample), split in zip(corners, windows.splits, strict=True):
        shown[split, line : line + 8, sample : sample + 8] = True
    assert shown.any(axis=(1, 2)).all() and shown.sum(axis=0).max() == 1


def test_the_seed_chooses_the_blocks_and_a_random_split_has_to_be_owned_up_to(file: Path) -> None:
    one, other = (open_windows(f"jasper-ridge:{file}", 8, SIZE, seed) for seed in (1, 2))
    assert not np.array_equal(one.splits, other.splits)
    with pytest.raises(FocusError, match="split=random puts windows of one place into training and test"):
        open_windows(f"jasper-ridge:{file},split=random", 8, SIZE, 1)
    windows = open_windows(f"jasper-ridge:{file},split=random", 8, SIZE, 1, options=FolderOptions(leaks=True))
    assert any(note.startswith("the split is random") for note in windows.notes)


@pytest.mark.parametrize(
    ("spec", "size", "message"),
    [
        ("jasper-ridge:none.mat", SIZE, r"no file none.mat. jasperRidge2_R198.mat is a benchmark of unmixing"),
        ("jasper-ridge:{},task=age", SIZE, "task must be abundance or class"),
        ("jasper-ridge:{},zoom=1.5", SIZE, "zoom must be a whole number"),
        ("jasper-ridge:{},zoom=3", SIZE, "zoom must divide the backbone's patch 8 and --size 32 x 32, got 3"),
        ("jasper-ridge:{}", (128, 128), "32 x 32 pixels does not fit into a block of 25; give --size up to 100"),
    ],
)
def test_what_does_not_fit_is_named(file: Path, spec: str, size: tuple[int, int], message: str) -> None:
    with pytest.raises(FocusError, match=message):
        open_windows(spec.format(file), 8, size, 1)


def test_another_file_and_options_without_use_are_named(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.mat"
    other.write_bytes(b"no scene")
    with pytest.raises(CubeError, match="cannot be read as Jasper Ridge"):
        open_windows(f"jasper-ridge:{other}", 8, SIZE, 1)
    with pytest.raises(FocusError, match="--tile: for a manifest of cubes on disk"):
        open_windows(f"jasper-ridge:{file}", 8, SIZE, 1, options=FolderOptions(tile=True))


def test_a_training_on_it_from_the_outside(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--random-backbone", "--size", "32", "--epochs", "1", "--precision", "fp32", "--groups", "4"]
    assert train.main(["--data", f"jasper-ridge:{file}", *options, "--out", str(tmp_path / "ridge.pt")]) == 0
    assert "regression of tree, water, dirt, road" in capsys.readouterr().out


def test_the_scene_itself_gives_every_end_member_to_some_training() -> None:
    path = shared_file("data/jasperRidge2_R198.mat")
    windows = open_windows(f"jasper-ridge:{path}", 8, SIZE, 1)
    assert len(windows.windows) == 576
    assert (windows.targets[windows.of("train")].max(axis=0) > 0.3).all()
    assert (windows.band_means >= 0).all() and windows.band_means.max() < 1.1
