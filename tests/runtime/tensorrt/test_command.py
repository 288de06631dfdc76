"""``focus-build``: what it prints, what it writes, and what it refuses, with a builder that writes a few bytes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from focus.runtime.commands.build import main
from focus.runtime.engines import OnnxRuntimeEngine
from focus.runtime.tensorrt import BatchProfile, GpuFacts, _build
from focus.runtime.tensorrt._plan import Built
from support.toy_model import Toy

ORIN = GpuFacts("Orin", "8.7", "12.6")


class Off(OnnxRuntimeEngine):
    """Says nearly what it should: logits are off by a share of the largest."""

    def infer(self, band_means: Any, composite: Any) -> Any:
        found = super().infer(band_means, composite)
        return found._replace(logits=found.logits + 0.5 * np.abs(found.logits).max())


@pytest.fixture
def onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Toy().save(tmp_path / "toy.onnx")


@pytest.fixture
def machine(onnx: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine with TensorRT 10.3 whose plans answer as their ONNX file does."""
    found = SimpleNamespace(engine=OnnxRuntimeEngine, options=None)
    monkeypatch.setattr(_build, "tensorrt_module", lambda: SimpleNamespace(__version__="10.3.0"))
    monkeypatch.setattr("focus.runtime.tensorrt.gpu_facts", lambda: ORIN)
    monkeypatch.setenv("FOCUS_CACHE", str(onnx.parent / "cache"))

    def built(trt: Any, file: Path, options: Any, timings: Path, show: Any) -> Built:
        found.options = options
        return Built(b"plan", options.batch or BatchProfile(), ("a tactic\nwas slow",))

    monkeypatch.setattr(_build, "built_plan", built)
    monkeypatch.setattr("focus.runtime.engines.TensorRTEngine", lambda plan: found.engine(onnx), raising=False)
    return found


def run(*more: str) -> int:
    return main(["--onnx", "toy.onnx", "--engine", "toy.plan", *more])


def test_it_says_what_it_did(machine: SimpleNamespace, onnx: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == "building for Orin (8.7) with TensorRT 10.3.0: toy.onnx, fp32"
    assert lines[1] == ("checked on 8 windows (simulated leaves) against toy.onnx itself in ONNX Runtime on the CPU")
    assert lines[-1] == "wrote toy.plan (0.0 MB) and toy.plan.json"
    figures = {line.rsplit("  ", 2)[0].strip() for line in lines[2:-1]}
    for words in ("agreement of the class", "Spearman correlation of M", "overlap of the top-5 bands"):
        assert any(line.startswith(words) for line in figures)
    assert said.err == "TensorRT warns: a tactic was slow\n"
    facts = json.loads(Path("toy.plan.json").read_text())
    assert facts["gpu_name"] == "Orin" and facts["check"]["passed"] and facts["check"]["spearman"] > 0.99


def test_options_reach_the_builder(machine: SimpleNamespace) -> None:
    words = ["--batch", "1,4,8", "--workspace", "256", "--optimisation-level", "1", "--version-compatible"]
    assert run(*words, "--hardware-compatible", "--precision", "fp32") == 0
    assert machine.options.model_dump() == {
        "batch": {"least": 1, "best": 4, "most": 8},
        "workspace_mib": 256,
        "optimisation_level": 1,
        "hardware_compatible": True,
        "version_compatible": True,
    }


def test_a_plan_that_fails_its_check(machine: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    machine.engine = Off
    before = sorted(Path().iterdir())
    assert run() == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("focus-build: the largest difference of a logit from toy.onnx itself in ONNX Runtime on the")
    assert "above --most-logits 0.02; an FP16 DINOv3 lost its accuracy on 10.3 (NVIDIA/TensorRT#4723); nothing" in said
    assert [path for path in sorted(Path().iterdir()) if path.name != "cache"] == before
    assert run("--keep-anyway") == 0
    assert "the plan is kept, as --keep-anyway asks" in capsys.readouterr().err
    assert json.loads(Path("toy.plan.json").read_text())["check"]["passed"] is False
    assert run("--most-logits", "0.6", "--overwrite") == 0


def test_real_windows_and_an_fp32_reference(machine: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    from focus.runtime.cubes import write_npz
    from support.scenes import cube

    write_npz(cube(lines=24, samples=32), Path("leaf.npz"))
    Toy().save(Path("single.onnx"))
    assert run("--data", "leaf.npz", "--windows", "3", "--reference", "single.onnx") == 0
    assert "checked on 3 windows (leaf.npz) against single.onnx (FP32) in ONNX Runtime" in capsys.readouterr().out


def half(path: Path) -> None:
    Toy().save(path, bundle=Toy().bundle().model_copy(update={"precision": "fp16"}).model_dump_json())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--onnx", "none.onnx"], "no model file none.onnx"),
        (["--engine", "toy.onnx"], "--engine must name a file that ends in .plan or .engine, got toy.onnx"),
        (["--engine", "none/toy.plan"], "there is no folder none; make it first"),
        (["--engine", "there.plan"], "there.plan exists; choose another --engine, or replace it with --overwrite"),
        (
            ["--precision", "fp16"],
            "toy.onnx is fp32, not fp16: TensorRT takes its types from the ONNX file; fp16",
        ),
        (["--batch", "8,1"], "--batch must be a number such as 1, or MIN,OPT,MAX such as 1,4,8, got '8,1'"),
        (["--workspace", "0"], "--workspace must be 1 MiB or more, got 0"),
        (["--optimisation-level", "6"], "--optimisation-level must be 0 to 5, got 6"),
        (["--windows", "0"], "--windows must be 1 or more, got 0"),
        (["--least-top5", "90"], "--least-top5 is a share, up to 1, got 90"),
        (["--data", "none.hdr"], "no file none.hdr; --data takes cubes, a CSV manifest"),
        (["--reference", "half.onnx"], "--reference half.onnx is fp16; give the FP32 export of the same model"),
        (["--reference", "other.onnx"], "--reference other.onnx is another model than toy.onnx"),
    ],
)
def test_wrong_input_is_one_line_and_code_2(
    machine: SimpleNamespace, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("there.plan").write_bytes(b"")
    half(Path("half.onnx"))
    Toy(classes=("one", "two")).save(Path("other.onnx"))
    before = sorted(Path().iterdir())
    assert run(*words) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and said.startswith("focus-build: ")
    assert sorted(Path().iterdir()) == before


def test_hardware_compatible_needs_ampere(
    machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("focus.runtime.tensorrt.gpu_facts", lambda: GpuFacts("Tesla T4", "7.5", "12.6"))
    assert run("--hardware-compatible") == 2
    assert "run on Ampere (8.0) and newer, Tesla T4 is 7.5; leave the option out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("tensorrt", 'tensorrt is not installed; run pip install "focus-hsi[tensorrt]"'),
        ("cuda.bindings", 'needs the package cuda-bindings, which is not installed; pip install "focus-hsi[gpu]"'),
    ],
)
def test_missing_packages_are_named(
    missing: str, message: str, onnx: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__="10.3.0"))
    monkeypatch.setitem(sys.modules, missing, None)
    assert run() == 2
    assert message in capsys.readouterr().err


def test_a_package_without_its_libraries(
    onnx: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (onnx.parent / "tensorrt.py").write_text(
        "raise ImportError('libnvinfer.so.10: cannot open shared object file: No such file')"
    )
    monkeypatch.syspath_prepend(str(onnx.parent))
    assert run() == 2
    said = capsys.readouterr().err
    assert "tensorrt is installed, but does not load (libnvinfer.so.10: cannot open" in said and said.count("\n") == 1


def test_a_folder_that_cannot_be_written(
    machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_given: Any, **_named: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_build.tempfile, "TemporaryDirectory", refuse)
    assert run() == 2
    assert "No space left on device; choose another --engine" in capsys.readouterr().err
