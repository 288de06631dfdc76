"""Plans that do not fit are refused before TensorRT sees them, each with what is wrong and the command that helps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from focus.runtime import BundleError
from focus.runtime._files import file_sha256
from focus.runtime.tensorrt import (
    BatchProfile,
    BuildOptions,
    PlanFacts,
    read_sidecar,
    require_fits,
    sidecar_path,
    write_sidecar,
)
from support.toy_model import Toy

H100, ORIN = ("NVIDIA H100 80GB HBM3", "9.0"), ("Orin", "8.7")
REBUILD = "build it again here: focus-build --onnx toy.onnx --engine toy.plan --overwrite"


def facts(plan: Path, **changes: object) -> PlanFacts:
    whole = {
        "bundle": Toy().bundle(),
        "plan": plan.name,
        "plan_sha256": file_sha256(plan),
        "plan_bytes": plan.stat().st_size,
        "onnx": "toy.onnx",
        "onnx_sha256": "0" * 64,
        "tensorrt_version": "10.3.0",
        "cuda_version": "12.6",
        "gpu_name": H100[0],
        "compute_capability": H100[1],
        "precision": "fp16",
        "batch": BatchProfile(),
        "options": BuildOptions(),
    }
    return PlanFacts.model_validate(whole | changes)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "toy.plan"
    path.write_bytes(b"a plan of some length")
    write_sidecar(path, facts(path))
    return path


def fits(plan: Path, version: str = "10.3.0", gpu: tuple[str, str] = H100, **changes: object) -> None:
    require_fits(facts(plan, **changes), file_sha256(plan), version, *gpu)


def test_it_comes_back_as_it_was_written(plan: Path) -> None:
    assert sidecar_path(plan).name == "toy.plan.json"
    assert read_sidecar(plan) == facts(plan)
    content = json.loads(sidecar_path(plan).read_text())
    assert content["bundle"]["name"] == "toy" and content["schema_version"] == 1
    fits(plan)


def test_a_missing_sidecar(plan: Path) -> None:
    sidecar_path(plan).unlink()
    with pytest.raises(BundleError, match=r"there is no toy\.plan\.json beside .*copy it along, or build the plan"):
        read_sidecar(plan)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["bundle"].update(schema_version=2), r"\(bundle\.schema_version: Input should be 1\)"),
        (lambda c: c.update(schema_version=2), r"\(schema_version: Input should be 1\)"),
        (lambda c: c.pop("gpu_name"), r"\(gpu_name: Field required\)"),
        (lambda c: c.update(colour="red"), r"\(colour: Extra inputs are not permitted\)"),
        (lambda c: c["batch"].update(least=9), r"must not fall"),
    ],
)
def test_a_sidecar_of_another_schema(plan: Path, change, said: str) -> None:
    content = json.loads(sidecar_path(plan).read_text())
    change(content)
    sidecar_path(plan).write_text(json.dumps(content))
    with pytest.raises(BundleError, match=said) as caught:
        read_sidecar(plan)
    assert "build the plan again: focus-build --onnx" in str(caught.value)


def test_a_damaged_sidecar(plan: Path) -> None:
    whole = sidecar_path(plan).read_bytes()
    sidecar_path(plan).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BundleError, match=r"toy\.plan\.json does not hold the facts .*build the plan again"):
        read_sidecar(plan)
    sidecar_path(plan).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BundleError, match=r"cannot read .*toy\.plan\.json"):
        read_sidecar(plan)


@pytest.mark.parametrize("content", [b"a plan of some", b"", b"a plan of some lengtH", b"ONNX in its place"])
def test_a_changed_or_cut_off_plan(plan: Path, content: bytes) -> None:
    kept = read_sidecar(plan)
    plan.write_bytes(content)
    with pytest.raises(BundleError) as caught:
        require_fits(kept, file_sha256(plan), "10.3.0", *H100)
    assert str(caught.value) == (
        "toy.plan is not the plan that its toy.plan.json describes: it was changed, cut off, or replaced since it was "
        f"built; copy both files again, or {REBUILD}"
    )


@pytest.mark.parametrize("version", ["10.3.1", "10.13.0", "11.4.0.106"])
def test_another_version(plan: Path, version: str) -> None:
    with pytest.raises(BundleError) as caught:
        fits(plan, version)
    assert str(caught.value) == f"toy.plan was built by TensorRT 10.3.0, here is {version}; {REBUILD}"


def test_a_version_compatible_plan_runs_on_newer_releases_of_its_major_version(plan: Path) -> None:
    options = BuildOptions(version_compatible=True)
    fits(plan, "10.3.0", options=options)
    fits(plan, "10.13.2", options=options)
    for version in ("10.2.0", "11.4.0.106"):
        with pytest.raises(BundleError, match=r"here is .* --version-compatible --overwrite \(a version-compat"):
            fits(plan, version, options=options)


@pytest.mark.parametrize("gpu", [ORIN, ("NVIDIA H200", "9.0"), (H100[0], "8.0")])
def test_another_gpu(plan: Path, gpu: tuple[str, str]) -> None:
    with pytest.raises(BundleError) as caught:
        fits(plan, gpu=gpu)
    assert str(caught.value) == (
        f"toy.plan was built for NVIDIA H100 80GB HBM3 (compute capability 9.0), here is {gpu[0]} ({gpu[1]}); {REBUILD}"
    )


def test_a_hardware_compatible_plan_runs_from_ampere_on(plan: Path) -> None:
    options = BuildOptions(hardware_compatible=True)
    for gpu in (("NVIDIA A100", "8.0"), ORIN, ("NVIDIA RTX 5090", "12.0")):
        fits(plan, gpu=gpu, options=options)
    with pytest.raises(BundleError, match=r"here is Tesla T4 \(7\.5\); .*--hardware-compatible --overwrite \(a hard"):
        fits(plan, gpu=("Tesla T4", "7.5"), options=options)
    with pytest.raises(BundleError, match=r"was built by TensorRT 10\.3\.0"):
        fits(plan, "10.4.0", gpu=ORIN, options=options)


def test_the_command_that_rebuilds_has_the_options_that_matter(plan: Path) -> None:
    kept = facts(plan, batch=BatchProfile.from_text("1,4,8"), options=BuildOptions(hardware_compatible=True))
    assert kept.rebuild == (
        "focus-build --onnx toy.onnx --engine toy.plan --batch 1,4,8 --hardware-compatible --overwrite"
    )
