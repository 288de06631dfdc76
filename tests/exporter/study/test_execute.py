"""Several steps at once: a run waits for its trainings, and what fails takes with it what needs it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from focus.exporter.study import Backbone, Run, Scale, Store, execute, unmade
from focus.exporter.study import _execute as executing
from focus.exporter.study._plan import Training
from focus.exporter.study._steps import Step, folder_of
from focus.exporter.study._store import FACTS, write_json
from focus.exporter.training import TrainSettings

SCALE = Scale(2, 1, 8, 4, 8, 0, TrainSettings(), blocks=6)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads in the place of processes, which would need seconds to start."""
    monkeypatch.setattr(executing, "ProcessPoolExecutor", lambda jobs, context, begin, given: ThreadPoolExecutor(jobs))


def steps_for(seeds: tuple[int, ...]) -> list[Step]:
    found: list[Step] = []
    for seed in seeds:
        other = SCALE.training("se-cnn", "full", "class", seed, 1)
        found += [SCALE.focus_run(seed, 1).training, SCALE.focus_run(seed, 1), other, Run(other)]
    return found


@pytest.mark.usefixtures("threads")
def test_a_run_waits_for_its_trainings_and_two_steps_go_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Step] = []
    together = threading.Barrier(2, timeout=20)

    def make(step: Step, store: Store, tell: object) -> None:
        if isinstance(step, Training) and step.network == "focus":
            together.wait()  # both seeds' trainings must be under way, or this breaks
        assert isinstance(step, Training) or set(step.trainings) <= set(made)
        made.append(step)

    monkeypatch.setattr(executing, "make", make)
    steps, told = steps_for((1, 2)), []
    # Networks of other rates than FOCUS' share its training, which says the sensor.
    assert steps[2].own_settings.lr != steps[0].own_settings.lr and steps[3].trainings == (steps[2], steps[0])
    # FOCUS' trainings first, so that they are the two that begin.
    steps = [steps[0], steps[4], *steps[1:4], *steps[5:]]
    store = Store(tmp_path, Backbone("focus_vit_mini_patch8", (32, 32), tmp_path, "0"))
    failed = execute(steps, store, lambda done, total, words: told.append((done, total)), jobs=2)
    assert failed == [] and set(made) == set(steps) and len(made) == 8
    assert told[0] == (0, 8) and told[-1] == (8, 8) and told == sorted(told)


@pytest.mark.usefixtures("threads")
def test_a_process_that_is_killed_takes_what_was_running_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Step] = []
    steps = steps_for((1, 2))
    whole = executing._made

    def killed_once(step: Step, store: Store, tell: object = None) -> str | None:
        if step == steps[0]:
            raise BrokenProcessPool("A process in the process pool was terminated abruptly")
        return whole(step, store)

    monkeypatch.setattr(executing, "_made", killed_once)
    monkeypatch.setattr(executing, "make", lambda step, store, tell: made.append(step))
    store = Store(tmp_path, Backbone("focus_vit_mini_patch8", (32, 32), tmp_path, "0"))
    failed = dict(execute(steps, store, lambda done, total, words: None, jobs=2))
    assert failed[steps[0]] == executing.KILLED
    assert failed[steps[1]] == f"its training {steps[0].name} failed"
    # The other seed is made by new processes.
    assert set(steps[4:]) <= set(made) and not set(steps[4:]) & set(failed)


@pytest.mark.usefixtures("threads")
def test_what_fails_takes_its_runs_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Step] = []

    def make(step: Step, store: Store, tell: object) -> None:
        if isinstance(step, Training) and step.network == "focus":
            raise RuntimeError("out of\n memory")
        made.append(step)

    monkeypatch.setattr(executing, "make", make)
    steps = steps_for((1,))
    store = Store(tmp_path, Backbone("focus_vit_mini_patch8", (32, 32), tmp_path, "0"))
    failed = execute(steps, store, lambda done, total, words: None, jobs=2)
    # The CNN is trained, but its run takes sensor and standardisation from FOCUS.
    assert made == [steps[2]]
    assert dict(failed) == {
        steps[0]: "out of memory",
        steps[1]: f"its training {steps[0].name} failed",
        steps[3]: f"its training {steps[0].name} failed",
    }


def _made(step: Step, store: Store) -> Path:
    folder = folder_of(step, store)
    folder.mkdir(parents=True)
    return folder


def test_a_training_is_not_made_for_runs_that_are_kept(tmp_path: Path) -> None:
    steps = steps_for((1,))
    store = Store(tmp_path, Backbone("focus_vit_mini_patch8", (32, 32), tmp_path, "0"))
    assert unmade(steps, store) == steps
    write_json(_made(steps[3], store) / FACTS, {})
    assert unmade(steps, store) == steps[:2]  # FOCUS is still to be measured
    write_json(_made(steps[1], store) / FACTS, {})
    assert unmade(steps, store) == []
    write_json(_made(steps[0], store) / FACTS, {})  # what it cost, without its weights
    assert unmade(steps[:1], store) == steps[:1]
    (folder_of(steps[0], store) / "model.pt").touch()
    assert unmade(steps[:1], store) == []


def test_a_worker_ends_with_its_parent_and_has_its_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[object] = []

    def pool(jobs: int, context: object, begin: Callable[..., None], given: tuple[int, ...]) -> ThreadPoolExecutor:
        begin(*given)
        return ThreadPoolExecutor(jobs)

    monkeypatch.setattr(executing, "ProcessPoolExecutor", pool)
    monkeypatch.setattr(executing, "end_with_parent", lambda: begun.append("ends"))
    monkeypatch.setattr(executing.torch, "set_num_threads", begun.append)
    monkeypatch.setattr(executing, "make", lambda step, store, tell: None)
    store = Store(tmp_path, Backbone("focus_vit_mini_patch8", (32, 32), tmp_path, "0"))
    assert execute(steps_for((1,)), store, lambda *words: None, jobs=2, threads=3) == []
    assert begun == ["ends", 3]
