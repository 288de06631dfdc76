import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from repository.tree import PACKAGES, ROOT, repository_files, source_files


def packaged_files():
    """Where a wheel must hold each source file: focus/runtime/..., without the source root's own name."""
    return {
        path.relative_to(ROOT).as_posix().partition("/")[2] for package in PACKAGES for path in source_files(package)
    }


def wheel_files(project: Path, folder: Path):
    wheel = next(WheelBuilder(str(project)).build(directory=str(folder), versions=["standard"]))
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    # What `make cubins` left here rides along; a clean clone has none.
    files = {name for name in names if ".dist-info/" not in name and "/cubins/" not in name}
    return files, [name for name in names if ".dist-info/" in name]


def test_wheel_holds_every_file_of_the_four_packages_and_the_licence(tmp_path):
    files, metadata = wheel_files(ROOT, tmp_path)
    assert files == packaged_files()
    assert {name.split("/")[1] for name in files} == {"runtime", "kernels", "calib", "exporter"}
    assert any(name.endswith("/licenses/LICENSE") for name in metadata)
    assert any(name.endswith("/entry_points.txt") for name in metadata)


def test_wheel_built_from_the_sdist_is_the_same(tmp_path):
    sdist = next(SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data") if hasattr(tarfile, "data_filter") else archive.extractall(tmp_path)
    unpacked = tmp_path / Path(sdist).name.removesuffix(".tar.gz")
    assert wheel_files(unpacked, tmp_path)[0] == packaged_files()


def test_wheel_carries_the_kernels_that_were_compiled_for_it(tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".venv*", ".git", "out", "cubins"))
    (copy / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    cubin = copy / "kernels/focus/kernels/cuda/cubins/0123/kernels-90.cubin"
    cubin.parent.mkdir(parents=True)
    cubin.write_bytes(b"cubin")
    with zipfile.ZipFile(next(WheelBuilder(str(copy)).build(directory=str(tmp_path), versions=["standard"]))) as wheel:
        assert [name for name in wheel.namelist() if "/cubins/" in name] == [
            "focus/kernels/cuda/cubins/0123/kernels-90.cubin"
        ]


def test_no_source_root_makes_focus_a_regular_package():
    found = [path for path in repository_files() if path.as_posix().endswith("/focus/__init__.py")]
    assert not found, f"{found}: focus is a namespace of four source roots (PEP 420); delete the file"


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_marked_as_typed(package):
    assert PACKAGES[package] / "py.typed" in source_files(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_source_files_stay_below_400_lines(package):
    modules = [path for path in source_files(package) if path.suffix in {".py", ".cu"}]
    assert modules
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    too_long = {name: length for name, length in lengths.items() if length >= 400}
    assert not too_long, f"split these files (name: lines): {too_long}"
