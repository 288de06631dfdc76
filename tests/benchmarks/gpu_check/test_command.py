"""The whole of ``make gpu-check`` on the GPU that the host plays, on tiny shapes."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from repository.tree import ROOT

from gpu_check import _end_to_end
from gpu_check._case import VIT_B, make_case
from gpu_check._effort import Effort
from gpu_check._main import main
from gpu_check._offers import Offer
from gpu_check._stand_in import TorchStandIn
from support.host_driver import HostDriver, played_driver

TINY = Effort(
    few_shapes=True, cube=(6, 16, 20), patch=4, batches=(1, 2), launches=2, rounds=2, passes=3, peer_passes=2, matrix=16
)


class Played(TorchStandIn):
    """On the host, in the memory of the played GPU."""

    driver: HostDriver

    def place(self):
        return torch.device("cpu")

    def tensor_of(self, array):
        return torch.from_numpy(self.driver.view(array))

    def on_queue(self):
        return nullcontext()

    def enqueue(self):
        self.driver._do(self.queue.handle, super().enqueue)


@pytest.fixture(scope="module")
def mini():
    return make_case(
        replace(VIT_B, name="mini", title="mini", backbone="focus_vit_mini_patch8", size=32, bands=12, groups=3)
    )


@pytest.fixture
def tiny(monkeypatch, mini):
    """Everything in the least size that it works with."""
    monkeypatch.setattr("gpu_check._effort.QUICK", TINY)
    monkeypatch.setattr(_end_to_end, "make_case", lambda: mini)
    monkeypatch.setattr("gpu_check._sanitizer.sanitizer_path", lambda: None)
    with played_driver() as driver:
        monkeypatch.setattr(Played, "driver", driver, raising=False)

        def offers(made, folder, index, tell):
            return [
                Offer("an engine that is broken", lambda batch: 1 / 0),
                Offer("torch, played", lambda batch: Played(made.net, made.case.bundle, batch)),
            ]

        monkeypatch.setattr(_end_to_end, "offers", offers)
        yield driver


def test_all_steps_and_the_report(tiny, tmp_path, capsys):
    out = tmp_path / "benchmarks"
    assert main(["--quick", "--seed", "7", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "Kernels against the reference: ok, all as the reference, seed 7" in said.out
    assert "an engine that is broken: ZeroDivisionError" in said.err
    assert sorted(path.name for path in out.iterdir()) == ["gpu-this-host.json", "gpu-this-host.md"]
    found = json.loads((out / "gpu-this-host.json").read_text())
    sections = {section["name"]: section for section in found["sections"]}
    assert list(sections) == ["kernels", "callers", "times", "end_to_end", "sanitizer"]
    assert sections["sanitizer"]["note"].startswith("compute-sanitizer is not installed")
    assert sections["callers"]["state"] == "not run"  # no library here has a GPU of its own
    assert "pycuda is not installed" in sections["callers"]["note"]
    assert all(row["ratio"] > 0 for row in sections["times"]["rows"] if "copy_ms" in row)
    states = [row["state"] for row in sections["end_to_end"]["rows"]]
    assert states == ["failed", "ok", "ok"]
    goals = {goal["name"]: goal for goal in found["goals"]}
    assert goals["batch_1_ms"]["value"] > 0
    assert goals["ingest_over_copy"]["met"] is False
    assert goals["naive_over_ours"]["met"] is None  # torch sees no GPU
    page = (out / "gpu-this-host.md").read_text()
    assert "# this host" in page and "**not met**" in page and "not measured" in page
    assert "| torch, played | ok | " in page
    assert not tiny.held


def mutant(kernel: str, change):
    """A driver whose launches of a kernel are changed: ``change(launch, number of the launch)``."""

    class Mutant(HostDriver):
        launches = 0

        def _cuLaunchKernel(self, name, *arguments):
            if not name.decode().startswith(kernel):
                return super()._cuLaunchKernel(name, *arguments)
            self.launches += 1
            return change(lambda: super(Mutant, self)._cuLaunchKernel(name, *arguments), self.launches, self)

    return Mutant()


def nothing(launch, number, driver):
    return (driver.CUresult.CUDA_SUCCESS,)


def every_other_time(launch, number, driver):
    return launch() if number % 2 else nothing(launch, number, driver)


def one_more(launch, number, driver):
    """Adds to the last array that was made: T, or the figures of a window."""
    answer = launch()
    address, raw = list(driver.held.items())[-1]
    start = address - raw.ctypes.data
    raw[start : start + 4].view(np.float32)[:] += 1
    return answer


@pytest.mark.parametrize(
    ("kernel", "change", "words"),
    [
        ("saliency", nothing, "poison left in"),
        ("ingest", nothing, "poison left in"),
        ("window", every_other_time, "varies from launch to launch"),
        ("window", one_more, "contrast: 1 of"),
    ],
)
def test_a_wrong_kernel_is_noticed(kernel, change, words, capsys, tmp_path):
    with played_driver(mutant(kernel, change)):
        code = main(["--only", "kernels", "times", "--quick", "--seed", "1", "--out", str(tmp_path)])
    said = capsys.readouterr()
    assert code == 1
    assert words in said.out
    assert f"gpu-check: Kernels against the reference: wrong: wrong: {kernel}" in said.err
    [_, times] = json.loads((tmp_path / "gpu-this-host.json").read_text())["sections"]
    assert (times["state"], times["note"]) == ("not run", "the kernels are wrong, so nothing is timed")


def test_right_kernels_alone_write_nothing(capsys):
    with played_driver():
        assert main(["--only", "kernels", "--quick", "--seed", "3"]) == 0
    assert "wrote" not in capsys.readouterr().out


def test_without_a_gpu_there_is_one_line(tmp_path, capsys):
    with played_driver(HostDriver(gpus=0)):
        assert main(["--quick", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and said.err.startswith("gpu-check: there is no GPU 0")
    assert not said.out and not list(tmp_path.iterdir())


def test_steps_are_left_out_when_the_time_is_over(capsys):
    with played_driver():
        assert main(["--only", "kernels", "times", "--limit-s", "0"]) == 0
    assert "kernels: not run, the 0 s of --limit-s are over" in capsys.readouterr().out


#: Stands for a machine that has only what the kernels and torch need.
LITTLE = """
import importlib.abc, runpy, sys
here = {"numpy", "numba", "llvmlite", "pydantic", "pydantic_core", "annotated_types", "typing_inspection",
        "typing_extensions", "cuda", "focus", "gpu_check"}
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        top = name.partition(".")[0]
        if path is None and top not in here and top not in sys.stdlib_module_names and not top.startswith("_"):
            raise ModuleNotFoundError(f"No module named {top!r}", name=top)
sys.meta_path.insert(0, Absent())
sys.argv = sys.argv[1:]
sys.path.insert(0, "")
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("words", [["--help"], ["--gpu", "99"]])
def test_it_starts_where_little_is_installed(words):
    command = [sys.executable, "-c", LITTLE, str(ROOT / "benchmarks" / "gpu_check" / "__main__.py"), *words]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    if words == ["--help"]:
        assert done.returncode == 0 and "--only STEP" in done.stdout
    else:
        assert done.returncode == 2 and done.stderr.startswith("gpu-check: ") and done.stderr.count("\n") == 1
