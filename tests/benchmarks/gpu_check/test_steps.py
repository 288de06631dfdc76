"""The steps of ``make gpu-check`` one by one, with what a machine may answer."""

from __future__ import annotations

import stat
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from focus.exporter.bench._answers import Answer
from focus.exporter.bench._numpy_maps import inputs_from_cube, maps_from_attention, reflectance, scores_from_logits
from focus.exporter.bench._specs import ModelSpec
from focus.runtime.engines import OnnxRuntimeEngine
from gpu_check._callers import Missing, check_callers
from gpu_check._case import CUBES, VIT_B, Case, make_case, source_facts, window_flops
from gpu_check._cubes import random_cubes
from gpu_check._effort import Effort
from gpu_check._end_to_end import section_of, through_engines
from gpu_check._goals import targets
from gpu_check._latency import Found
from gpu_check._offers import Offer
from gpu_check._peers import GradCam, Naive, measure_peer
from gpu_check._report import slug
from gpu_check._sanitizer import TOOLS, sanitize
from support.host_driver import played_driver
from support.host_engines import HostOrt
from support.toy_model import Toy

FEW = Effort(few_shapes=True, batches=(1, 3), rounds=2, passes=4)


def quiet(words: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """The toy model's file, and a case whose answers are ONNX Runtime's and NumPy's."""
    model = Toy(patch=4, rows=4, columns=4)
    path = model.save(tmp_path_factory.mktemp("toy") / "toy.onnx")
    spec = ModelSpec("toy", "toy", "", 16, bands=len(model.wavelengths_nm))
    cubes, rig = random_cubes(np.random.default_rng(5), CUBES, spec)
    answers = []
    with OnnxRuntimeEngine(path) as engine:
        for cube in cubes:
            given = inputs_from_cube(reflectance(cube, rig.dark, rig.gain), engine.bundle)
            said = engine.infer(*(np.ascontiguousarray(part[None], np.float32) for part in given))
            scores = scores_from_logits(said.logits[0])
            shown = int(scores.argmax())
            maps = maps_from_attention(said.attention[0, :, shown], given.band_means, engine.bundle, shown)
            answers.append(Answer(scores, *maps))
        bundle = engine.bundle
    return path, Case("toy", bundle, source_facts(spec, model.wavelengths_nm, rig), cubes, {"focus": answers})


def test_from_raw_to_maps_through_an_engine(toy):
    path, case = toy
    with played_driver():
        found, rows = through_engines([Offer("ours", lambda batch: HostOrt(path, batch))], case, FEW, quiet)
    assert [(row["batch"], row["state"]) for row in rows] == [(1, "ok"), (3, "ok")]
    assert max(row["off_by"] for row in rows) < 1e-4
    assert found.whole_ms > found.batch_1_ms > 0 and found.tflop_s > 0
    peers = [{"what": "naive", "state": "ok", "p50_ms": 4 * found.whole_ms}]
    section = section_of(case, found, rows, peers, rate=2 * found.tflop_s)
    assert section.state == "ok"
    assert section.figures["naive_over_ours"] == pytest.approx(4)
    assert section.figures["batch_share_of_matrix_rate"] == pytest.approx(0.5)


def test_what_is_wrong_is_not_timed(toy):
    path, case = toy
    swapped = Case("toy", case.bundle, case.source, case.cubes, {"focus": case.answers["focus"][::-1]})
    with played_driver():
        found, rows = through_engines([Offer("ours", lambda batch: HostOrt(path, batch))], swapped, FEW, quiet)
    assert [row["state"] for row in rows] == ["wrong", "wrong"]
    assert "from torch in float32 on the CPU" in rows[0]["off_by"]
    assert not any("p50_ms" in row for row in rows)
    section = section_of(swapped, found, rows, [], rate=1.0)
    assert section.state == "wrong" and not section.figures


def test_without_any_engine_the_step_has_failed(toy):
    found, rows = through_engines([Offer("none", lambda batch: 1 / 0)], toy[1], FEW, quiet)
    assert section_of(toy[1], found, rows, [], None).state == "failed"


@pytest.fixture(scope="module")
def mini():
    return make_case(ModelSpec("mini", "mini", "focus_vit_mini_patch8", size=32, bands=12, groups=3))


@pytest.mark.parametrize("kind", [torch.float32, torch.float16])
@pytest.mark.parametrize("peer", [Naive, GradCam])
def test_peers_answer_as_in_float32(mini, peer, kind):
    row = measure_peer(lambda: peer(mini, kind, torch.device("cpu")), kind, mini, passes=2)
    assert row["state"] == "ok", row
    assert row["off_by"] < (1e-4 if kind is torch.float32 else 2e-2)
    assert row["p99_ms"] >= row["p50_ms"] > 0


def test_grad_cam_without_its_package_says_so(mini, monkeypatch):
    monkeypatch.setattr("gpu_check._peers.find_spec", lambda name: None)
    row = measure_peer(lambda: GradCam(mini, torch.float32, torch.device("cpu")), torch.float32, mini, passes=1)
    assert row["what"] == "Grad-CAM, written out with hooks, torch FP32" and row["state"] == "ok"


def test_a_peer_that_is_wrong_or_fails_is_not_timed(mini):
    naive = Naive(mini, torch.float32, torch.device("cpu"))
    naive.answers = naive.answers[::-1]
    assert measure_peer(lambda: naive, torch.float32, mini, passes=1)["state"] == "wrong"

    def fails():
        raise RuntimeError("CUDA out of memory")

    row = measure_peer(fails, torch.float32, mini, passes=1)
    assert (row["state"], row["off_by"]) == ("failed", "RuntimeError: CUDA out of memory")


def test_operations_of_the_network_are_those_of_a_vit_b():
    facts = Toy().bundle()
    backbone = facts.backbone.model_copy(update={"patch": 16, "rows": 16, "columns": 16, "width": 768, "blocks": 12})
    bundle = facts.model_copy(update={"backbone": backbone})
    assert 40e9 < window_flops(bundle) < 43e9
    assert VIT_B.size == 256


def test_streams_of_callers():
    @contextmanager
    def good(index):
        yield 42

    @contextmanager
    def absent(index):
        raise Missing("it is not installed")
        yield 0

    @contextmanager
    def breaks_afterwards(index):
        yield 43
        raise RuntimeError("its own work fails")

    with played_driver() as driver:
        section = check_callers(0, 1, quiet, {"good": good, "absent": absent})
        assert "of stream 42" in driver.contexts
        assert section.state == "ok"
        assert [row["state"] for row in section.rows] == ["ok", "not run"]
        section = check_callers(0, 1, quiet, {"bad": breaks_afterwards})
    assert section.state == "wrong" and "its own work fails" in section.rows[0]["says"]


SANITIZER = """#!/bin/sh
case "$2" in
  racecheck) echo "========= Error: Race reported"; echo "========= ERROR SUMMARY: 1 error"; exit 77;;
  synccheck) echo "========= Error: Device not supported"; exit 1;;
esac
echo "$@" >> "$(dirname "$0")/calls"
echo "========= ERROR SUMMARY: 0 errors"
"""


def test_the_sanitizer_runs_each_tool_over_the_kernels(tmp_path, monkeypatch):
    program = tmp_path / "compute-sanitizer"
    program.write_text(SANITIZER)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    section = sanitize(0, 5, 60.0, quiet)
    assert {row["tool"]: row["state"] for row in section.rows} == dict(
        zip(TOOLS, ("ok", "wrong", "ok", "not run"), strict=True)
    )
    assert section.state == "wrong"
    says = {row["tool"]: row["says"] for row in section.rows}
    assert says["racecheck"].startswith("Error: Race reported") and says["synccheck"] == "Error: Device not supported"
    call = (tmp_path / "calls").read_text().splitlines()[0]
    assert call.startswith("--tool memcheck --error-exitcode 77") and "--only kernels --quick --seed 5" in call


def test_goals_that_were_not_measured_say_so():
    goals = {goal.name: goal for goal in targets({"batch_1_ms": 1.2, "naive_over_ours": 4.0})}
    assert goals["batch_1_ms"].met is True
    assert goals["naive_over_ours"].met is False
    assert goals["saliency_over_copy"].met is None
    assert Found().tflop_s is None
    assert slug("NVIDIA H100 80GB HBM3") == "nvidia-h100-80gb-hbm3"
