"""How far a build is: TensorRT tells phases within phases, a user wants one bar."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType, ModuleType
from typing import Any

#: Called with what is being done and the share of it that is done.
Show = Callable[[str, float], None]


@dataclass
class _Phase:
    parent: str | None
    steps: int
    done: int = 0
    shown: float = 0.0


class Phases:
    """The phases that run, as ``trt.IProgressMonitor`` reports them, perhaps from several threads.

    Args:
        show: called at each report.
    """

    def __init__(self, show: Show) -> None:
        self._show, self._running = show, dict[str, _Phase]()
        self._lock = threading.Lock()

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """A phase of so many steps begins."""
        with self._lock:
            self._running[name] = _Phase(parent, max(steps, 1))
        self._report(name)

    def step(self, name: str, step: int) -> None:
        """A phase has done a step, counted from 0."""
        with self._lock:
            if name in self._running:
                self._running[name].done = step + 1
        self._report(name)

    def finish(self, name: str) -> None:
        """A phase is over; its parent reports the step that it was."""
        with self._lock:
            self._running.pop(name, None)

    def _report(self, name: str) -> None:
        with self._lock:
            while (phase := self._running.get(name)) is not None and phase.parent in self._running:
                name = str(phase.parent)
            if phase is None:
                return
            # Between the end of a phase and the step of its parent the sum falls for a moment; a bar does not go back.
            share = phase.shown = max(phase.shown, self._share(name))
        self._show(name, share)

    def _share(self, name: str) -> float:
        """A step that is itself a phase counts by its own share."""
        phase = self._running[name]
        within = sum(self._share(child) for child, other in self._running.items() if other.parent == name)
        return min((phase.done + min(within, 1.0)) / phase.steps, 1.0)


def progress_monitor(trt: ModuleType, phases: Phases, stop: threading.Event) -> Any:
    """A monitor of TensorRT's kind for ``config.progress_monitor``.

    Args:
        trt: the module ``tensorrt``.
        phases: told of everything.
        stop: once set, the build is given up at the next step.
    """

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc, name-defined]  # a class of a module that may be absent
        def __init__(self) -> None:
            super().__init__()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            phases.start(phase_name, parent_phase, num_steps)

        def phase_finish(self, phase_name: str) -> None:
            phases.finish(phase_name)

        def step_complete(self, phase_name: str, step: int) -> bool:
            phases.step(phase_name, step)
            return not stop.is_set()

    return Monitor()


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """Turns Ctrl-C into a request that the monitor passes on: an exception within TensorRT's callback would end the
    process, and without one the build would go on for minutes. Raises KeyboardInterrupt afterwards.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals reach the main thread alone
        return

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
    if stop.is_set():
        raise KeyboardInterrupt
