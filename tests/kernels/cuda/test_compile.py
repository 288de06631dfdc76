"""NVRTC compiles the kernels for every architecture; a GPU is not needed for that."""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from focus.kernels.cuda import DeviceError
from focus.kernels.cuda import _compile as compile_module
from focus.kernels.cuda._compile import ARCHITECTURES, Compiled, compiled, kernel_image, nvrtc_version, source_hash

KERNELS = 20
USAGE = re.compile(
    r"properties for (\w+)\s*ptxas[ .]*(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
)


@pytest.mark.slow
def test_no_architecture_spills_or_uses_local_memory():
    # Compilers before 13.2, as torch for Python 3.10 and JetPack 6 bring them, need more registers for the widest loads
    # up to sm_90 (docs/gpu.md).
    old = nvrtc_version() < (13, 2)
    with ThreadPoolExecutor(2) as threads:
        for architecture, found in zip(ARCHITECTURES, threads.map(compiled, ARCHITECTURES), strict=True):
            usage = {name: max(map(int, numbers)) for name, *numbers in USAGE.findall(found.log)}
            assert len(usage) == KERNELS, found.log
            wide = {name for name in usage if name.startswith("ingest_") and name.endswith("_8")}
            most = 200 if old and architecture <= 90 else 0
            for name, size in usage.items():
                assert size <= (most if name in wide else 0), f"sm_{architecture}, {name}:\n{found.log}"
            assert found.image.startswith(b"\x7fELF")


def test_a_newer_architecture_gets_ptx_for_the_driver_to_finish():
    found = compiled(990)
    assert b".target sm_" in found.image and b"ingest_uint16_8" in found.image
    assert bytes([32])[0] == 32  # Python has one such object, and NVRTC writes into what it is given


def test_what_was_compiled_is_kept(tmp_path, monkeypatch):
    made = []

    def once(architecture: int) -> Compiled:
        made.append(architecture)
        return Compiled(b"image", "")

    def cache(key: str):
        (tmp_path / key).mkdir(exist_ok=True)
        return tmp_path / key

    monkeypatch.setattr(compile_module, "compiled", once)
    assert [kernel_image(87, 13, cache) for _ in range(2)] == [b"image"] * 2
    assert made == [87]
    kernel_image(90, 99, cache)
    monkeypatch.setattr(compile_module, "nvrtc_version", lambda: (99, 0))
    kernel_image(90, 99, cache)
    monkeypatch.setattr(compile_module, "source_hash", lambda: "0" * 64)
    kernel_image(90, 99, cache)
    assert made == [87, 90, 90, 90]
    assert len(list(tmp_path.iterdir())) == 4


def test_what_is_shipped_needs_no_compiler(tmp_path, monkeypatch):
    monkeypatch.setattr(compile_module, "SHIPPED", tmp_path)
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    folder = tmp_path / f"{source_hash()[:16]}-cuda13"
    folder.mkdir()
    (folder / "kernels-90.cubin").write_bytes(b"shipped")
    assert kernel_image(90, 13) == kernel_image(90, 14) == b"shipped"
    with pytest.raises(DeviceError, match=r"NVRTC is missing .*; pip install \"focus-hsi\[gpu\]\""):
        kernel_image(87, 13)
    with pytest.raises(DeviceError, match="NVRTC is missing"):
        kernel_image(90, 12)  # an older driver does not load what CUDA 13 compiled


def test_a_compiler_that_is_newer_than_the_driver_is_refused(monkeypatch):
    monkeypatch.setattr(compile_module, "nvrtc_version", lambda: (13, 2))
    with pytest.raises(
        DeviceError, match=r"NVRTC 13\.2 makes kernels that this driver, of CUDA 12, does not load.*cuda12"
    ):
        kernel_image(87, 12)


def test_too_old():
    with pytest.raises(DeviceError, match=r"GPUs of compute capability 3\.5 are too old for this NVRTC"):
        compiled(35)


def test_a_folder_that_cannot_be_written_does_not_stop_it(tmp_path, monkeypatch):
    monkeypatch.setattr(compile_module, "compiled", lambda architecture: Compiled(b"image", ""))
    assert kernel_image(90, 13, lambda key: tmp_path / "missing") == b"image"


def test_a_full_disk_does_not_stop_it(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compile_module, "compiled", lambda architecture: Compiled(b"image", ""))
    monkeypatch.setattr(Path, "replace", full)
    assert kernel_image(90, 13, lambda key: tmp_path) == b"image"
    assert not list(tmp_path.iterdir())
