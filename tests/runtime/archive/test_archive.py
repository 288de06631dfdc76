"""Which cubes there are, which are left, and what the manifest keeps of them."""

from __future__ import annotations

import json
import os

import pytest

from focus.runtime import FocusError
from focus.runtime.archive import Entry, Manifest, Order, cubes_of, map_archive, pending
from focus.runtime.archive._zarr import ENTRY, MADE_WITH
from focus.runtime.pipeline import Settings
from focus.runtime.sources import SourceOptions

MADE_WITH_THIS = {"engine": "abc", "maps": {"shown": None}}


@pytest.fixture
def archive(tmp_path):
    folder = tmp_path / "archive"
    for name in ("a/leaf.hdr", "a/leaf.dat", "a/leaf-2.npz", "b/leaf.hdr", "notes.txt", ".hidden/leaf.hdr"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def order(tmp_path):
    out = tmp_path / "maps.zarr"
    return Order(tmp_path / "toy.onnx", "abc", "onnxruntime", Settings(threads=1), SourceOptions(), out, MADE_WITH_THIS)


def names(archive):
    return [cube.name for cube in cubes_of(str(archive))]


def test_a_folder_gives_the_cubes_in_it_and_below(archive):
    assert names(archive) == ["a/leaf-2.npz", "a/leaf.hdr", "b/leaf.hdr"]


def test_a_pattern_gives_what_it_names(archive):
    assert names(archive / "*" / "*.hdr") == ["a/leaf.hdr", "b/leaf.hdr"]


def test_a_table_names_paths_from_its_folder(archive):
    (archive / "cubes.csv").write_text("label,path\nx,a/leaf.hdr\ny, b/leaf.hdr\nz,gone.npz\n,\n")
    assert names(archive / "cubes.csv") == ["a/leaf.hdr", "b/leaf.hdr", "gone.npz"]
    (archive / "cubes.csv").write_text("label;path\nx;a/leaf.hdr\ny; b/leaf.hdr\n")
    assert names(archive / "cubes.csv") == ["a/leaf.hdr", "b/leaf.hdr"]


def test_a_single_file_is_an_archive_of_one(archive):
    assert names(archive / "a" / "leaf.hdr") == ["leaf.hdr"]


def test_header_and_data_of_an_envi_cube_are_its_files(archive):
    cubes = {cube.name: [file[0] for file in cube.files] for cube in cubes_of(str(archive))}
    assert cubes == {"a/leaf.hdr": ["leaf.dat", "leaf.hdr"], "a/leaf-2.npz": ["leaf-2.npz"], "b/leaf.hdr": ["leaf.hdr"]}


def test_nothing_and_two_of_one_name_are_refused(archive, tmp_path):
    with pytest.raises(FocusError, match=r"no cube in .*nowhere; give a folder, a pattern"):
        cubes_of(str(archive / "nowhere"))
    (archive / "cubes.csv").write_text("file\na/leaf.hdr\n")
    with pytest.raises(FocusError, match=r"has no column path \(it has file\)"):
        cubes_of(str(archive / "cubes.csv"))
    outside = tmp_path / "leaf.hdr"
    (archive / "cubes.csv").write_text("path\na/../a/leaf.hdr\na/leaf.hdr\n../leaf.hdr\n")
    assert names(archive / "cubes.csv") == ["a/leaf.hdr", outside.relative_to("/").as_posix()]
    (archive / "cubes.csv").write_text(f"path\n../leaf.hdr\n.{outside}\n")
    with pytest.raises(FocusError, match=r"would both be .*leaf.hdr in the results"):
        cubes_of(str(archive / "cubes.csv"))


def entry(cube, state="done", **facts):
    return Entry(cube.name, state, cube.files, **facts)


def make_group(order, found, made_with=MADE_WITH_THIS):
    folder = order.out / found.cube
    folder.mkdir(parents=True)
    facts = json.loads(found.to_json())
    (folder / "zarr.json").write_text(json.dumps({"attributes": {ENTRY: facts, MADE_WITH: made_with}}))


def test_a_manifest_remembers_and_the_last_line_of_a_cube_holds(archive, order):
    cubes = cubes_of(str(archive))
    with Manifest(order.manifest, MADE_WITH_THIS) as manifest:
        manifest.add(entry(cubes[0], "failed", error="too dark"))
        manifest.add(entry(cubes[0], windows=3))
    with Manifest(order.manifest, MADE_WITH_THIS) as manifest:
        assert manifest.entries == {cubes[0].name: entry(cubes[0], windows=3)}
    assert order.manifest.read_text().count("\n") == 3


def test_half_a_line_of_a_run_that_was_killed_is_cut_off(archive, order):
    cubes = cubes_of(str(archive))
    with Manifest(order.manifest, MADE_WITH_THIS) as manifest:
        manifest.add(entry(cubes[0]))
    whole = order.manifest.read_bytes()
    with order.manifest.open("ab") as file:
        file.write(b'{"cube":"a/le')
    with Manifest(order.manifest, MADE_WITH_THIS, write=False) as manifest:
        assert list(manifest.entries) == [cubes[0].name]
    assert order.manifest.read_bytes() != whole
    with Manifest(order.manifest, MADE_WITH_THIS) as manifest:
        assert list(manifest.entries) == [cubes[0].name]
        assert order.manifest.read_bytes() == whole
        manifest.add(entry(cubes[1]))
    assert [json.loads(line).get("cube") for line in order.manifest.read_text().splitlines()][1:] == [
        cubes[0].name, cubes[1].name,
    ]  # fmt: skip


def test_a_manifest_is_one_runs_alone_and_of_one_model(archive, order):
    cube = cubes_of(str(archive))[0]

    def opened(**other):
        return Manifest(order.manifest, {**MADE_WITH_THIS, **other})

    with opened() as manifest, pytest.raises(FocusError, match="another focus-map writes"), opened():
        pass
    with opened(engine="def") as manifest:  # nothing was made with the other one
        manifest.add(entry(cube, "failed", error="not reflectance"))
    with opened() as manifest:
        assert manifest.entries == {}
        manifest.add(entry(cube))
    with pytest.raises(FocusError, match="made with other engine; choose"), opened(engine="def"):
        pass
    with pytest.raises(FocusError, match=r"made with other maps \(shown None, now weed\); choose"):
        opened(maps={"shown": "weed"}).__enter__()
    order.manifest.write_text("cube,state\n")
    with pytest.raises(FocusError, match="is no manifest of focus-map"), opened():
        pass
    assert order.manifest.read_text() == "cube,state\n"


def test_what_is_left_is_new_changed_lost_or_to_be_tried_again(archive, order):
    first, second, third = cubes_of(str(archive))
    with Manifest(order.manifest, MADE_WITH_THIS) as manifest:
        assert pending([first, second, third], order, manifest).cubes == (first, second, third)
        for cube in (first, second):
            manifest.add(entry(cube))
            make_group(order, entry(cube))
        manifest.add(entry(third, "failed", error="too dark"))
        left = pending([first, second, third], order, manifest)
        assert (left.cubes, left.done, [found.error for found in left.failed]) == ((), 2, ["too dark"])
        assert pending([first, second, third], order, manifest, retry_failed=True).cubes == (third,)
        os.utime(second.path, ns=(0, 5))
        third.path.write_text("mended")
        (order.out / first.name / "zarr.json").unlink()
        now = cubes_of(str(archive))
        assert pending(now, order, manifest).cubes == tuple(now)


def test_maps_that_were_whole_before_their_line_was_written_are_taken(archive, order):
    first, second, third = cubes_of(str(archive))
    make_group(order, entry(first, windows=7))
    make_group(order, entry(second), made_with={**MADE_WITH_THIS, "engine": "def"})
    with Manifest(order.manifest, MADE_WITH_THIS, write=False) as manifest:
        assert pending([first, second, third], order, manifest).cubes == (second, third)
    assert not order.manifest.exists()
    with Manifest(order.manifest, MADE_WITH_THIS) as manifest:
        assert pending([first, second, third], order, manifest).cubes == (second, third)
        assert manifest.entries[first.name].windows == 7


def test_each_cube_is_in_the_manifest_as_soon_as_it_is_over(archive, order):
    cubes = cubes_of(str(archive))
    order.parts.mkdir()
    (order.parts / "half-a-group").mkdir()
    seen = []

    def share(left):
        assert not any(order.parts.iterdir())
        for cube in left:
            yield entry(cube)
            seen.append(order.manifest.read_text().splitlines()[-1])
        raise KeyboardInterrupt

    with Manifest(order.manifest, MADE_WITH_THIS) as manifest, pytest.raises(KeyboardInterrupt):
        map_archive(cubes, order, manifest, share)
    assert [json.loads(line)["cube"] for line in seen] == [cube.name for cube in cubes]
    assert not order.parts.exists()
    assert {path.name for path in order.out.iterdir()} == {"zarr.json", "a", "b"}


def test_a_store_within_the_archive_is_none_of_its_cubes(archive):
    (archive / "maps.zarr" / "a" / "leaf-2.npz").mkdir(parents=True)
    (archive / "maps.zarr" / "a" / "leaf-3.npz").write_text("x")
    assert names(archive) == ["a/leaf-2.npz", "a/leaf.hdr", "b/leaf.hdr"]
    assert names(archive / "**" / "*.npz") == ["a/leaf-2.npz"]


def test_links_are_followed_once_and_what_cannot_be_read_is_said(archive, tmp_path, monkeypatch):
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "far.npz").write_text("far")
    (archive / "c").symlink_to(disk)
    (disk / "back").symlink_to(archive)
    (disk / "self").symlink_to(disk)
    (archive / "0").symlink_to(archive / "a")
    assert names(archive) == ["a/leaf-2.npz", "a/leaf.hdr", "b/leaf.hdr", "c/far.npz"]
    for link in (disk / "back", disk / "self", archive / "0"):
        link.unlink()
    assert names(archive / "*" / "*.npz") == names(archive / "**" / "*.npz") == ["a/leaf-2.npz", "c/far.npz"]
    scandir = os.scandir

    def refuses(folder):
        if str(folder).endswith("b"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuses)
    with pytest.raises(FocusError, match=r"cannot read .*/b: Permission denied; make it readable"):
        cubes_of(str(archive))


def test_a_cube_counts_once_however_many_files_it_has(archive):
    for name in ("leaf-2.npz.hdr", "leaf-4.npy", "leaf-4.hdr", "leaf-4.png"):
        (archive / "a" / name).write_text(name)
    assert names(archive / "a") == ["leaf-2.npz", "leaf-4.npy", "leaf.hdr"]
    assert names(archive / "a" / "leaf*") == ["leaf-2.npz", "leaf-4.npy", "leaf.hdr"]
    assert names(archive / "a" / "*.dat") == ["leaf.dat"]


def test_what_describes_a_cube_is_of_its_files(archive):
    (archive / "a" / "wavelengths.csv").write_text("400\n")
    cubes = {cube.name: [file[0] for file in cube.files] for cube in cubes_of(str(archive / "a"))}
    assert cubes == {"leaf-2.npz": ["leaf-2.npz", "wavelengths.csv"], "leaf.hdr": ["leaf.dat", "leaf.hdr"]}


def test_a_group_that_is_whole_counts_also_where_the_cube_failed_before(archive, order):
    cube = cubes_of(str(archive))[0]
    with Manifest(order.manifest, MADE_WITH_THIS) as manifest:
        manifest.add(entry(cube, "failed", error="too dark"))
        make_group(order, entry(cube))
        left = pending([cube], order, manifest)
    assert (left.cubes, left.done, left.failed) == ((), 1, ())


def test_maps_of_files_that_are_no_more_go(archive, order):
    cube = cubes_of(str(archive))[0]
    make_group(order, entry(cube))
    with Manifest(order.manifest, MADE_WITH_THIS) as manifest:
        map_archive([cube], order, manifest, lambda cubes: [entry(cubes[0], "failed", error="damaged")])
    assert not (order.out / cube.name).exists()


def test_a_foreign_file_is_left_as_it_is(order):
    order.manifest.write_text('{"mine": 1}')
    with pytest.raises(FocusError, match="is no manifest of focus-map"), Manifest(order.manifest, MADE_WITH_THIS):
        pass
    assert order.manifest.read_text() == '{"mine": 1}'
    order.manifest.write_text('{"focus-map":1,"eng')
    with Manifest(order.manifest, MADE_WITH_THIS):
        assert order.manifest.read_text().endswith("\n")
