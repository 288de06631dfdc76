"""Libraries: absent, installed, loading, broken; each told from the others."""

from __future__ import annotations

import os
import sys

import pytest

from focus.runtime.doctor._child import look
from focus.runtime.doctor._packages import LIBRARIES, Library, _package, package_facts


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of modules that this Python and its children see first."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    )
    return folder


def put(site, name, code, *, version=None):
    package = site / name
    package.mkdir()
    (package / "__init__.py").write_text(code)
    if version is not None:
        about = site / f"{name.replace('-', '_')}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


TENSORRT = next(library for library in LIBRARIES if library.name == "tensorrt")


def test_every_loaded_library_has_its_look():
    from focus.runtime.doctor._imports import LOOKS

    assert {library.name for library in LIBRARIES if library.loaded} == set(LOOKS)


def test_the_libraries_of_this_environment():
    found = {package.name: package for package in package_facts()}
    assert found["onnxruntime"].state == "loads"
    assert "CPUExecutionProvider" in found["onnxruntime"].details
    assert found["torch"].state == "installed"
    assert found["torch"].version.startswith("2.")


def test_a_library_that_loads(site):
    put(site, "tensorrt", "print('noise of its own')\n__version__ = '10.3.0'", version="10.3.0")
    found = _package(TENSORRT, look)
    assert (found.state, found.version, found.reason) == ("loads", "10.3.0", None)


def test_a_library_without_metadata_loads_too(site):
    put(site, "tensorrt", "__version__ = '10.3.0'")
    assert _package(TENSORRT, look).state == "loads"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ImportError('libnvinfer.so.10: cannot open shared object file')", "libnvinfer.so.10: cannot open"),
        ("import os; os.abort()", "crashed (SIGABRT)"),
        ("import sys; sys.stderr.write('a license is needed'); sys.exit(7)", "a license is needed"),
        ("import os; os._exit(3)", "ended with 3 and said nothing"),
    ],
)
def test_a_library_that_does_not_load_is_broken_and_not_absent(site, code, reason):
    put(site, "tensorrt", code, version="10.3.0")
    found = _package(TENSORRT, look)
    assert (found.state, found.version) == ("broken", "10.3.0")
    assert reason in found.reason


def test_metadata_without_a_module_is_broken(site):
    put(site, "openvino-of-nobody", "", version="1.0")
    library = Library("openvino-of-nobody", "no_such_module", ("openvino-of-nobody",), loaded=True)
    found = _package(library, look)
    assert (found.state, found.reason) == ("broken", "its module no_such_module is missing")


def test_an_absent_library_is_not_even_looked_for():
    def never(module, name):
        raise AssertionError("a process was started")

    found = _package(Library("absent", "no_such_module", ("no-such-distribution",), loaded=True), never)
    assert (found.state, found.version) == ("absent", None)


def test_cuda_of_another_package_is_not_cuda_bindings():
    library = Library("cuda-bindings-of-nobody", "sys", ("no-such-distribution",), loaded=True)._replace(module="cuda")
    answer = {"error": "ModuleNotFoundError: No module named 'cuda.bindings'"}
    assert _package(library, lambda module, name: answer).state == "absent"


def test_both_packages_of_onnxruntime_are_said(site):
    put(site, "onnxruntime-gpu", "", version="1.20.0")
    found = {package.name: package for package in package_facts()}["onnxruntime"]
    assert found.state == "loads"
    assert "overwrite each other" in found.reason


def test_a_library_that_hangs_is_left(site):
    put(site, "tensorrt", "import time; time.sleep(60)")
    assert look("_imports", "tensorrt", 1.0) == {"error": "no answer within 1 s"}


def test_a_folder_beside_the_user_is_no_library(tmp_path, monkeypatch):
    put(tmp_path, "onnxruntime", "raise RuntimeError('the user has a folder of this name')")
    monkeypatch.chdir(tmp_path)
    assert look("_imports", "onnxruntime")["version"][0].isdecimal()


def test_a_python_that_cannot_start(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert "No such file" in look("_imports", "onnxruntime")["error"]
