"""Cubes on disk as a data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from focus.exporter.data import FolderOptions, folder_windows, open_windows, parse_size, read_manifest
from focus.exporter.data._folder import stamps
from focus.kernels import ingest
from focus.runtime import CubeError, FocusError
from focus.runtime.cubes import Cube, open_cube, write_npz

WAVELENGTHS = np.linspace(400.0, 1000.0, 12)
SIZE = (16, 16)


def write_cube(path: Path, values: np.ndarray | None = None, **fields: object) -> None:
    if values is None:
        values = np.random.default_rng(len(path.name)).uniform(0.05, 0.6, (12, 16, 16)).astype(np.float32)
    wavelengths = fields.pop("wavelengths", WAVELENGTHS)
    write_npz(Cube(values, wavelengths, quantity=fields.pop("quantity", "reflectance"), **fields), path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = []
    for index in range(12):
        write_cube(tmp_path / f"leaf{index}.npz")
        rows.append(f"leaf{index}.npz,{'sick' if index % 2 else 'sound'},{index * 0.5},plot{index // 2}")
    (tmp_path / "all.csv").write_text("path,label,water,plot\n" + "\n".join(rows) + "\n")
    return tmp_path


def manifest(folder: Path, text: str) -> Path:
    path = folder / "leaves.csv"
    path.write_text(text)
    return path


def test_windows_are_ingested_with_names_and_classes(folder: Path) -> None:
    path = manifest(folder, "path,label,split\nleaf0.npz,b,train\nleaf1.npz,a,train\nleaf2.npz,a,test\n")
    windows = folder_windows(path, FolderOptions(), 4, SIZE, seed=1)
    assert windows.target_names == ("a", "b")
    assert windows.targets.tolist() == [1, 0, 0]
    assert windows.splits.tolist() == [0, 0, 2]
    assert windows.windows == ("leaf0.npz", "leaf1.npz", "leaf2.npz")
    cube = open_cube(folder / "leaf1.npz")
    expected = ingest(cube.values, 4, windows.composite_weights)
    np.testing.assert_array_equal(windows.band_means[1], expected.band_means)
    np.testing.assert_allclose(windows.composite[1], expected.composite, rtol=1e-3)
    assert windows.notes[0].startswith("there is no column group, so every cube counts as one of its own")
    assert windows.notes[1:] == (
        "nothing in the test split is of b: the report says nothing of how well it is told",
        "there is no validation window: the last epoch is kept; a column split names some, and more groups give some",
    )


def test_split_by_group_keeps_groups_whole_and_depends_on_the_seed(folder: Path) -> None:
    text = (folder / "all.csv").read_text().replace("plot\n", "group\n", 1)
    path = manifest(folder, text)
    found = read_manifest(path, ("water",), seed=1)
    for group in set(found.groups):
        assert len({split for own, split in zip(found.groups, found.splits, strict=True) if own == group}) == 1
    assert {0, 1, 2} == set(found.splits.tolist())
    again = read_manifest(path, ("water",), seed=1)
    np.testing.assert_array_equal(found.splits, again.splits)
    assert any(not np.array_equal(found.splits, read_manifest(path, ("water",), seed).splits) for seed in range(2, 6))


def test_split_without_groups_keeps_every_class_in_training(folder: Path) -> None:
    found = read_manifest(folder / "all.csv", (), seed=1)
    assert set(found.values[found.splits == 0].tolist()) == {0, 1}
    assert set(found.values[found.splits == 2].tolist()) == {0, 1}


def test_a_group_on_both_sides_is_refused_by_name(folder: Path) -> None:
    rows = "leaf0.npz,a,train,plot7\nleaf1.npz,b,train,plot8\nleaf2.npz,a,test,plot7\n"
    with pytest.raises(FocusError, match=r"group plot7 is in train and in test; put all of a group into one split"):
        read_manifest(manifest(folder, f"path,label,split,group\n{rows}"), (), seed=1)


def test_a_cube_on_both_sides_is_refused(folder: Path) -> None:
    rows = "leaf0.npz,a,train,x\nleaf1.npz,b,train,y\nleaf0.npz,a,test,z\n"
    with pytest.raises(FocusError, match=r"leaf0.npz is in train and in test"):
        read_manifest(manifest(folder, f"path,label,split,group\n{rows}"), (), seed=1)


def test_a_cube_is_the_same_however_it_is_spelled(folder: Path) -> None:
    for name in ("big.hdr", "big.img"):
        (folder / name).touch()
    (folder / "link.npz").symlink_to(folder / "leaf0.npz")
    for one, other in (
        ("big.hdr", "big.img"),
        ("leaf0.npz", f"../{folder.name}/./leaf0.npz"),
        ("leaf0.npz", "link.npz"),
    ):
        rows = f"{one},a,train\nleaf1.npz,b,train\n{other},a,test\n"
        with pytest.raises(FocusError, match=f"cube {one} is in train and in test; put all of a cube into one split"):
            read_manifest(manifest(folder, f"path,label,split\n{rows}"), (), seed=1)
    rows = "".join(f"leaf{index}.npz,a\n./leaf{index}.npz,a\n" for index in range(8))
    found = read_manifest(manifest(folder, f"path,label\n{rows}leaf9.npz,b\n"), (), seed=1)
    assert found.splits[0:16:2].tolist() == found.splits[1:16:2].tolist() and set(found.splits.tolist()) == {0, 1, 2}


def test_a_cube_in_place_of_the_list_is_named(folder: Path) -> None:
    with pytest.raises(FocusError, match=r"is not a CSV text file .*expected a list of cubes"):
        read_manifest(folder / "leaf0.npz", (), seed=1)


def test_lines_are_counted_as_an_editor_does(folder: Path) -> None:
    path = manifest(folder, "path,label\n\n\nleaf0.npz,a\nleaf1.npz,\n")
    with pytest.raises(FocusError, match="line 5 has no label"):
        read_manifest(path, (), seed=1)


def test_torn_groups_are_taken_where_the_user_knows_it_and_said(folder: Path) -> None:
    rows = "leaf0.npz,a,train,plot7\nleaf1.npz,b,train,plot8\nleaf2.npz,a,test,plot7\n"
    found = read_manifest(manifest(folder, f"path,label,split,group\n{rows}"), (), seed=1, leaks=True)
    assert found.splits.tolist() == [0, 0, 2]
    assert found.notes == (
        "the split is random: windows of one group stand on both sides, so the figures flatter",
        "nothing in the test split is of b: the report says nothing of how well it is told",
    )
    whole = read_manifest(manifest(folder, f"path,label,split,group\n{rows.replace('test', 'train')}"), (), seed=1)
    assert whole.notes == ()


@pytest.mark.parametrize(
    ("text", "targets", "message"),
    [
        ("path,label\n", (), "lists no cube"),
        ("", (), "has no column path"),
        ("file,label\nleaf0.npz,a\n", (), r"has no column path \(it has file, label\)"),
        ("path,kind\nleaf0.npz,a\n", (), "has no column label .* --targets"),
        ("path,label\nleaf0.npz,a\n", ("water",), "has no column water"),
        ("path,label\nleaf0.npz,a\nleaf1.npz,\n", (), "line 3 has no label"),
        ("path,label\nleaf0.npz,a\nnowhere.npz,b\n", (), "no file nowhere.npz; paths are relative to"),
        ("path,label\nleaf0.npz,a\nleaf1.npz,a\n", (), "a single class, a"),
        ("path,label,split\nleaf0.npz,a,train\nleaf1.npz,b,test\n", (), "class b has no training row"),
        ("path,label,split\nleaf0.npz,a,train\nleaf1.npz,b,later\n", (), "line 3: split must be train, val, test"),
        ("path,water\nleaf0.npz,1\nleaf1.npz,nan\n", ("water",), "line 3: water must be a number, got 'nan'"),
        ("path,water\nleaf0.npz,1\nleaf1.npz,wet\n", ("water",), "line 3: water must be a number, got 'wet'"),
        ("path,water\nleaf0.npz,1\nleaf1.npz,1\n", ("water",), "water is 1 in every training row"),
        ('path,label\nleaf0.npz,"a\n', (), "is not a CSV text file"),
        (
            "path,label\nleaf0.npz,a\nleaf1.npz,b\n./leaf0.npz,b\n",
            (),
            "lines 2 and 4 are both of cube leaf0.npz, and say label a and b; remove one",
        ),
        (
            "path,water\nleaf0.npz,1\nleaf0.npz,2\n",
            ("water",),
            "lines 2 and 3 are both of cube leaf0.npz, and say water 1 and 2; remove one",
        ),
    ],
)
def test_a_manifest_that_does_not_fit_is_named(folder: Path, text: str, targets: tuple[str, ...], message: str) -> None:
    with pytest.raises(FocusError, match=message):
        read_manifest(manifest(folder, text), targets, seed=1)


def test_a_manifest_that_is_missing_or_no_text_is_named(folder: Path) -> None:
    with pytest.raises(FocusError, match=r"no manifest .*nothing\.csv"):
        read_manifest(folder / "nothing.csv", (), seed=1)
    with pytest.raises(FocusError, match="is not a CSV text file"):
        read_manifest(folder / "leaf0.npz", (), seed=1)


def test_semicolons_and_decimal_commas_are_read(folder: Path) -> None:
    found = read_manifest(manifest(folder, "path;water\nleaf0.npz;1,5\nleaf1.npz;2,25\n"), ("water",), seed=1)
    assert found.values.ravel().tolist() == [1.5, 2.25]


def test_what_a_list_says_twice_or_nearly_twice_is_told(folder: Path) -> None:
    rows = "".join(f"leaf{index}.npz,{'Rust' if index % 2 else 'rust'},{index}\n" for index in range(6))
    said = "line 8 lists a cube that stood above; what is listed twice weighs twice"
    text = f"path,label,group\n{rows}leaf0.npz,rust,0\n"
    found = read_manifest(manifest(folder, text), (), seed=1)
    spelled = "Rust and rust are two classes, as they are spelled; if they are one, spell them alike"
    assert found.notes == (said, spelled)
    found = read_manifest(manifest(folder, text.replace("Rust", "other") + "leaf1.npz,other,1\n"), (), seed=1)
    assert found.notes == ("line 8 and 1 more list cubes that stood above; what is listed twice weighs twice",)


def test_a_class_that_nothing_tests_is_told(folder: Path) -> None:
    rows = "".join(f"leaf{index}.npz,{'abc'[index % 2]},{index}\n" for index in range(6))
    found = read_manifest(manifest(folder, f"path,label,group\n{rows}leaf6.npz,c,6\nleaf7.npz,d,7\n"), (), seed=1)
    assert found.notes == ("nothing in the test split is of c, d: the report says nothing of how well it is told",)


def test_fewer_than_two_training_windows_are_refused(folder: Path) -> None:
    path = manifest(folder, "path,water,split\nleaf0.npz,1,train\nleaf1.npz,2,test\n")
    with pytest.raises(FocusError, match=r"1 training window\(s\), at least 2 are needed"):
        folder_windows(path, FolderOptions(("water",)), 4, SIZE, seed=1)


def test_other_bands_are_refused_or_resampled(folder: Path) -> None:
    write_cube(folder / "other.npz", np.full((20, 16, 16), 0.25, np.float32), wavelengths=np.linspace(390, 1010, 20))
    path = manifest(folder, "path,label,split\nleaf0.npz,a,train\nleaf1.npz,b,train\nother.npz,b,test\n")
    with pytest.raises(CubeError, match=r"other.npz has 20 bands of 390-1010 nm, leaf0.npz 12 bands .* --resample-to"):
        folder_windows(path, FolderOptions(), 4, SIZE, seed=1)
    found = folder_windows(path, FolderOptions(resample_to="first"), 4, SIZE, seed=1)
    np.testing.assert_allclose(found.band_means[2], 0.25, atol=1e-6)
    spaced = folder_windows(path, FolderOptions(resample_to="450:900:10"), 4, SIZE, seed=1)
    np.testing.assert_allclose(spaced.wavelengths_nm, np.linspace(450, 900, 10))
    with pytest.raises(CubeError, match="--resample-to 300:900:10"):
        folder_windows(path, FolderOptions(resample_to="300:900:10"), 4, SIZE, seed=1)
    with pytest.raises(FocusError, match="FIRST or START:STOP:COUNT"):
        folder_windows(path, FolderOptions(resample_to="many"), 4, SIZE, seed=1)


def test_quantity_is_never_guessed(folder: Path) -> None:
    values = np.full((12, 16, 16), 3000, np.uint16)
    for name in ("plain.npz", "other.npz"):
        write_cube(folder / name, values, quantity=None)
    write_cube(folder / "counts.npz", values, quantity="counts")
    path = manifest(folder, "path,label,split\nleaf0.npz,a,train\nplain.npz,b,train\n")
    with pytest.raises(CubeError, match=r"plain.npz holds a quantity that it does not state.*--quantity reflectance"):
        folder_windows(path, FolderOptions(), 4, SIZE, seed=1)
    stated = FolderOptions(quantity="reflectance", scale=10_000.0)
    path = manifest(folder, "path,label,split\nplain.npz,a,train\nplain.npz,a,train\nother.npz,b,train\n")
    np.testing.assert_allclose(folder_windows(path, stated, 4, SIZE, seed=1).band_means, 0.3, rtol=1e-6)
    path = manifest(folder, "path,label,split\nleaf0.npz,a,train\ncounts.npz,b,train\n")
    with pytest.raises(CubeError, match="says that it holds counts"):
        folder_windows(path, stated, 4, SIZE, seed=1)


def test_a_small_cube_is_centred_and_masked_and_a_large_one_cropped(folder: Path) -> None:
    write_cube(folder / "small.npz", np.full((12, 8, 8), 0.2, np.float32))
    large = np.full((12, 24, 24), 0.9, np.float32)
    large[:, 4:20, 4:20] = 0.4
    write_cube(folder / "large.npz", large)
    path = manifest(folder, "path,label,split\nsmall.npz,a,train\nlarge.npz,b,train\n")
    found = folder_windows(path, FolderOptions(), 4, SIZE, seed=1)
    means = found.band_means[0].reshape(4, 4, 12)
    assert np.isnan(means[0]).all()
    assert np.isnan(means[:, 3]).all()
    np.testing.assert_allclose(means[1:3, 1:3], 0.2, rtol=1e-6)
    assert np.isfinite(found.composite).all()
    np.testing.assert_allclose(found.band_means[1], 0.4, rtol=1e-6)


def test_tiles_inherit_the_label_and_stay_in_one_split(folder: Path) -> None:
    write_cube(folder / "scene.npz", np.random.default_rng(0).uniform(0, 1, (12, 40, 37)).astype(np.float32))
    path = manifest(folder, "path,label,split\nscene.npz,a,train\nleaf1.npz,b,train\n")
    found = folder_windows(path, FolderOptions(tile=True), 4, SIZE, seed=1)
    # The border column of 5 samples is too thin to be a tile; the border row of 8 lines is half a window.
    assert found.windows == (
        "scene.npz [0, 0]", "scene.npz [0, 16]", "scene.npz [16, 0]", "scene.npz [16, 16]", "scene.npz [32, 0]",
        "scene.npz [32, 16]", "leaf1.npz [0, 0]",
    )  # fmt: skip
    assert found.targets.tolist() == [0] * 6 + [1]
    assert set(found.groups) == {"scene.npz", "leaf1.npz"}


def test_a_cube_thinner_than_half_a_window_gives_tiles_too(folder: Path) -> None:
    write_cube(folder / "strip.npz", np.random.default_rng(0).uniform(0, 1, (12, 7, 35)).astype(np.float32))
    path = manifest(folder, "path,label,split\nstrip.npz,a,train\nleaf1.npz,b,train\n")
    found = folder_windows(path, FolderOptions(tile=True), 4, SIZE, seed=1)
    # 7 x 16 samples twice; 7 x 3 are left out.
    assert found.windows == ("strip.npz [0, 0]", "strip.npz [0, 16]", "leaf1.npz [0, 0]")
    alone = manifest(folder, "path,label,split\nleaf0.npz,a,train\nleaf1.npz,b,test\n")
    with pytest.raises(FocusError, match="class b has no training row"):
        folder_windows(alone, FolderOptions(tile=True), 4, SIZE, seed=1)
    single = manifest(folder, "path,water,split\nleaf0.npz,1,train\nleaf1.npz,2,test\n")
    for tile, words in ((True, "list more cubes$"), (False, "list more cubes or use --tile$")):
        with pytest.raises(FocusError, match=words):
            folder_windows(single, FolderOptions(("water",), tile=tile), 4, SIZE, seed=1)


def test_a_window_without_a_valid_sample_is_refused(folder: Path) -> None:
    write_cube(folder / "empty.npz", np.full((12, 16, 16), np.nan, np.float32))
    path = manifest(folder, "path,label,split\nleaf0.npz,a,train\nempty.npz,b,train\n")
    with pytest.raises(CubeError, match=r"empty\.npz has no valid sample"):
        folder_windows(path, FolderOptions(), 4, SIZE, seed=1)


def test_the_cache_notices_a_changed_cube(folder: Path) -> None:
    path = manifest(folder, "path,label,split\nleaf0.npz,a,train\nleaf1.npz,b,train\n")
    cache = folder / "cache"
    first = open_windows(str(path), 4, SIZE, seed=1, cache=cache)
    write_cube(folder / "leaf1.npz", np.full((12, 16, 16), 0.5, np.float32))
    second = open_windows(str(path), 4, SIZE, seed=1, cache=cache)
    np.testing.assert_array_equal(first.band_means[0], second.band_means[0])
    np.testing.assert_allclose(second.band_means[1], 0.5, rtol=1e-6)
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize(("text", "size"), [("128", (128, 128)), ("48x352", (48, 352))])
def test_sizes_are_read(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "12.5", "8x8x8", "ax8", "-8"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="--size must be one number or LINESxSAMPLES"):
        parse_size(text)


def test_what_a_file_says_of_its_values_is_not_overruled(folder: Path) -> None:
    values = np.full((12, 16, 16), 0.4, np.float32)
    write_cube(folder / "says.npz", values)
    write_cube(folder / "percent.npz", values * 100, scale=100.0)
    write_cube(folder / "silent.npz", values * 10_000, quantity=None)
    rows = "says.npz,a,train\npercent.npz,b,train\nsilent.npz,a,train\n"
    stated = FolderOptions(quantity="reflectance", scale=10_000.0)
    windows = folder_windows(manifest(folder, f"path,label,split\n{rows}"), stated, 4, SIZE, seed=1)
    np.testing.assert_allclose(windows.band_means, 0.4, rtol=1e-5)


def test_a_scale_goes_with_a_quantity_and_integers_need_one(folder: Path) -> None:
    with pytest.raises(ValueError, match="--scale goes with --quantity reflectance"):
        folder_windows(folder / "all.csv", FolderOptions(scale=10.0), 4, SIZE, seed=1)
    for index in range(12):
        write_cube(folder / f"leaf{index}.npz", np.full((12, 16, 16), 700, np.uint16), quantity=None)
    stated = FolderOptions(quantity="reflectance")
    with pytest.raises(ValueError, match=r"leaf0.npz holds integers: give --scale S, too"):
        folder_windows(folder / "all.csv", stated, 4, SIZE, seed=1)
    found = folder_windows(folder / "all.csv", replace(stated, scale=1000.0), 4, SIZE, seed=1)
    np.testing.assert_allclose(found.band_means, 0.7, rtol=1e-5)


def test_what_describes_a_cube_belongs_to_its_stamp(folder: Path) -> None:
    """Else a cache would outlive a corrected header."""
    before = stamps([folder / "leaf0.npz"])
    (folder / "leaf0.npz.hdr").write_text("ENVI")
    assert stamps([folder / "leaf0.npz"]) != before
