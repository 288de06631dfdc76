"""Tomato BLS in its layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from focus.exporter.commands import train
from focus.exporter.data import FolderOptions, open_windows
from focus.exporter.data._tomato_names import tomato_files
from focus.runtime import CubeError, FocusError
from support.real_sets import TOMATO_BANDS, write_tomato

SIZE = (16, 16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tomato(tmp_path_factory.mktemp("tomato") / "set")


def test_names_tell_camera_stage_and_what_is_no_leaf(tmp_path: Path) -> None:
    names = {
        "0dai_2hr_swir_bc_run1": ("swir", "leaf", "0dai_2hr_bc_run1", "2 h"),
        "3dai_VISNIR_bc_run2": ("visnir", "leaf", "3dai_bc_run2", "3 d"),
        "before inoculation_visnir_run1": ("visnir", "leaf", "before_inoculation_run1", "before"),
        "tomato_bi_swir_run1": ("swir", "leaf", "tomato_bi_run1", "before"),
        "3dai_white_swir": ("swir", "white", "3dai_white", "3 d"),
        "cloth_visnir": ("visnir", "cloth", "cloth", ""),
    }
    (tmp_path / "below").mkdir()
    for name in names:
        (tmp_path / "below" / f"{name}.bil.hdr").write_text("ENVI\n")
    (tmp_path / "notes.hdr").write_text("no camera in this name\n")
    found = {file.header.name.removesuffix(".bil.hdr"): file[1:] for file in tomato_files(tmp_path)}
    assert found == names


def test_recordings_are_read_with_plants_as_groups(folder: Path) -> None:
    windows = open_windows(f"tomato-bls:{folder}", 8, SIZE, 1)
    assert windows.target_names == ("healthy", "inoculated")
    assert len(windows.windows) == 16 and len(set(windows.groups)) == 8
    np.testing.assert_allclose(windows.wavelengths_nm, TOMATO_BANDS["visnir"], atol=0.01)
    for name, label, means in zip(windows.windows, windows.targets, windows.band_means, strict=True):
        assert label == (0 if name.startswith("before") else 1)
        assert means.mean() == pytest.approx(0.5 if label == 0 else 0.2, abs=0.01)
    # A plant is there before and after, and both stand on one side.
    assert len(set(zip(windows.groups, windows.splits.tolist(), strict=True))) == 8
    assert set(windows.splits.tolist()) == {0, 1, 2}


def test_stages_can_be_the_classes_and_recordings_be_cut(folder: Path) -> None:
    spec = f"tomato-bls:{folder},label=stage,sensor=swir"
    windows = open_windows(spec, 8, SIZE, 1, options=FolderOptions(tile=True))
    assert windows.target_names == ("before", "3 d")
    # 40 x 24 samples: two whole tiles, three halves, and a quarter of one that is left out.
    assert len(windows.windows) == 16 * 5
    assert len(set(zip(windows.groups, windows.splits.tolist(), strict=True))) == 8


def test_counts_become_reflectance_by_their_references(tmp_path: Path) -> None:
    counts = write_tomato(tmp_path / "counts", counts=True)
    reflectance = write_tomato(tmp_path / "set")
    found = open_windows(f"tomato-bls:{counts},panel=1", 8, SIZE, 1)
    wanted = open_windows(f"tomato-bls:{reflectance}", 8, SIZE, 1)
    # White stands 2000 counts above dark; a count is 1/2000 of reflectance.
    np.testing.assert_allclose(found.band_means, wanted.band_means, atol=1e-3)
    panel = open_windows(f"tomato-bls:{counts},panel=0.5", 8, SIZE, 1)
    np.testing.assert_allclose(panel.band_means, 0.5 * found.band_means, rtol=1e-5)
    for suffix in ("", ".hdr"):
        (counts / f"white_visnir.bil{suffix}").unlink()
    with pytest.raises(CubeError, match=r"holds counts and needs one white reference of visnir, there are: none"):
        open_windows(f"tomato-bls:{counts}", 8, SIZE, 1)


def test_both_cameras_are_joined_only_where_their_frames_are_alike(folder: Path, tmp_path: Path) -> None:
    windows = open_windows(f"tomato-bls:{folder},sensor=joined", 8, SIZE, 1)
    visnir, swir = TOMATO_BANDS["visnir"], TOMATO_BANDS["swir"]
    np.testing.assert_allclose(windows.wavelengths_nm, [*visnir[visnir < swir[0]], *swir], atol=0.01)
    assert any("equal frames do not prove that they show the same places" in note for note in windows.notes)
    apart = write_tomato(tmp_path / "set", frames=((40, 24), (30, 16)))
    with pytest.raises(CubeError, match="have frames of 40 x 24 and 30 x 16; they must be registered to one grid"):
        open_windows(f"tomato-bls:{apart},sensor=joined", 8, SIZE, 1)


def test_without_a_table_of_plants_only_an_owned_up_random_split_is_taken(tmp_path: Path) -> None:
    folder = write_tomato(tmp_path / "set")
    (folder / "plants.csv").unlink()
    with pytest.raises(FocusError, match=r"plants.csv is missing: file names of Tomato BLS do not tell which plant"):
        open_windows(f"tomato-bls:{folder}", 8, SIZE, 1)
    with pytest.raises(FocusError, match="split=random puts windows of one plant into training and test"):
        open_windows(f"tomato-bls:{folder},split=random", 8, SIZE, 1)
    windows = open_windows(f"tomato-bls:{folder},split=random", 8, SIZE, 1, options=FolderOptions(leaks=True))
    assert any(note.startswith("the split is random") for note in windows.notes)
    (folder / "plants.csv").write_text("recording,plant\n3dai_bc_run0,1\n")
    with pytest.raises(FocusError, match="has no row for recording 3dai_bc_run1; name its plant"):
        open_windows(f"tomato-bls:{folder}", 8, SIZE, 1)


def test_it_is_the_users_split_that_must_have_all_classes(tmp_path: Path) -> None:
    """Where seed 0 keeps both plants from before inoculation out of training, other seeds do not suffer for it."""
    folder = write_tomato(tmp_path / "set")
    spec = f"tomato-bls:{folder}"
    whole = open_windows(spec, 8, SIZE, 0)
    held_out = {group.split()[1] for group, split in zip(whole.groups, whole.splits, strict=True) if split}
    assert len(held_out) == 2
    for path in folder.glob("before*"):
        if path.name.split(".")[0][-1] not in held_out:
            path.unlink()
    with pytest.raises(FocusError, match="class healthy has no training row"):
        open_windows(spec, 8, SIZE, 0)
    assert len(open_windows(spec, 8, SIZE, 1).windows) == 10


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("tomato-bls:nowhere", r"no visnir recording of Tomato BLS in nowhere.*Ag Data Commons"),
        ("tomato-bls:{},sensor=xray", "sensor must be visnir, swir, joined .*got 'xray'"),
        ("tomato-bls:{},label=height", "label must be infected, stage"),
    ],
)
def test_what_does_not_fit_is_named(folder: Path, spec: str, message: str) -> None:
    with pytest.raises(FocusError, match=message):
        open_windows(spec.format(folder), 8, SIZE, 1)


def test_a_name_without_a_stage_is_named(tmp_path: Path) -> None:
    folder = write_tomato(tmp_path / "set")
    for suffix in ("", ".hdr"):
        (folder / f"3dai_visnir_bc_run0.bil{suffix}").rename(folder / f"later_visnir_bc_run0.bil{suffix}")
    (folder / "plants.csv").write_text((folder / "plants.csv").read_text() + "later_bc_run0,0\n")
    with pytest.raises(FocusError, match=r"later_visnir_bc_run0\.bil\.hdr: the name tells no stage"):
        open_windows(f"tomato-bls:{folder}", 8, SIZE, 1)


def test_a_training_on_it_from_the_outside(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--random-backbone", "--size", "16", "--epochs", "1", "--precision", "fp32", "--groups", "3"]
    assert train.main(["--data", f"tomato-bls:{folder}", *options, "--out", str(tmp_path / "bls.pt")]) == 0
    assert "classification of healthy, inoculated" in capsys.readouterr().out
