"""Making the steps of a study, one after the other or several at once."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from typing import NamedTuple

import torch

from focus.exporter._workers import end_with_parent
from focus.exporter.study._plan import Entry, Training
from focus.exporter.study._steps import Step, is_done, make
from focus.exporter.study._store import Store

#: Called with steps done, steps in all, and a few words on the one that is being made.
Progress = Callable[[int, int, str], None]

KILLED = "its process, or the one beside it, was killed; is there memory for so many --jobs?"


def steps_of(entries: Iterable[Entry]) -> list[Step]:
    """Every step that the entries need, each once and after its trainings; of all tables one pair of seed and split
    after the other, so that a study that is stopped has whole ones.
    """
    found: dict[Step, None] = {}
    for entry in sorted(entries, key=lambda entry: (entry.seed, entry.split)):
        found.update(dict.fromkeys(entry.run.trainings))
        found[entry.run] = None
    return list(found)


def unmade(steps: Sequence[Step], store: Store) -> list[Step]:
    """What is to be made of some steps: neither what is done, nor a training whose runs all are. So a study can be gone
    on with when only its runs were kept.
    """
    missing = [step for step in steps if not is_done(step, store)]
    runs = [step for step in steps if not isinstance(step, Training)]
    served = {training for run in runs for training in run.trainings}
    needed = {training for run in missing if not isinstance(run, Training) for training in run.trainings}
    return [step for step in missing if step not in served or step in needed]


class Failure(NamedTuple):
    """A step that could not be made, and why; or one that waits for it."""

    step: Step
    why: str


def execute(
    steps: Sequence[Step], store: Store, progress: Progress, *, jobs: int = 1, threads: int = 1
) -> list[Failure]:
    """Makes what is not made yet. What fails is left out with all that needs it; the same call tries again.

    Args:
        steps: from ``steps_of``.
        jobs: processes; 1 stays in this one.
        threads: of each of them.
    Returns: what is missing now.
    """
    waiting = unmade(steps, store)
    done = len(steps) - len(waiting)
    if jobs > 1:
        return _at_once(waiting, done, store, progress, jobs, threads)
    _settle(threads)
    failed: dict[Step, Failure] = {}
    for place, step in enumerate(waiting, start=done):
        why = _why_not(step, failed)
        if why is None:
            progress(place, len(steps), step.name)
            why = _made(step, store, lambda words, at=place: progress(at, len(steps), words))  # type: ignore[misc]
        if why is not None:
            failed[step] = Failure(step, why)
    progress(len(steps), len(steps), "done")
    return list(failed.values())


def _at_once(
    waiting: list[Step], done: int, store: Store, progress: Progress, jobs: int, threads: int
) -> list[Failure]:
    """A step begins when its trainings are done, the first one first. Where a process is killed, what was running fails
    and others go on in new processes.
    """
    total = done + len(waiting)
    failed: dict[Step, Failure] = {}
    while waiting:
        running: dict[Future[str | None], Step] = {}
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin, (threads,)) as pool:
            try:
                while waiting or running:
                    for step in list(waiting):
                        reason = _why_not(step, failed)
                        if reason is not None:
                            waiting.remove(step)
                            failed[step] = Failure(step, reason)
                    for step in _ready(waiting, running.values())[: jobs - len(running)]:
                        running[pool.submit(_made, step, store)] = step
                        waiting.remove(step)
                    words = ", ".join(one.name for one in running.values())
                    progress(total - len(waiting) - len(running), total, words)
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        step, why = running[future], future.result()
                        del running[future]
                        if why is not None:
                            failed[step] = Failure(step, why)
            except BrokenExecutor:
                if not running:
                    raise
                failed |= {step: Failure(step, KILLED) for step in running.values()}
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    progress(total, total, "done")
    return list(failed.values())


def _ready(waiting: Sequence[Step], running: Iterable[Step]) -> list[Step]:
    untrained = {step for step in (*waiting, *running) if isinstance(step, Training)}
    return [step for step in waiting if isinstance(step, Training) or not untrained & set(step.trainings)]


def _why_not(step: Step, failed: Mapping[Step, Failure]) -> str | None:
    """The training that a step waits for in vain, or None."""
    needed = () if isinstance(step, Training) else step.trainings
    return next((f"its training {one.name} failed" for one in needed if one in failed), None)


def _made(step: Step, store: Store, tell: Callable[[str], None] | None = None) -> str | None:
    """Makes a step; why it could not, or None. One fault must not cost a study of many hours."""
    name = step.name
    try:
        make(step, store, lambda part, whole, words: tell(f"{name}: {words}") if tell is not None else None)
    except Exception as error:
        return " ".join(str(error).split()) or type(error).__name__
    return None


def _begin(threads: int) -> None:
    """In a process of its own."""
    end_with_parent()
    _settle(threads)


def _settle(threads: int) -> None:
    torch.set_num_threads(threads)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
