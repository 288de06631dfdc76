"""The progress line of a run."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from typing_extensions import Self


class RunProgress:
    """A line on stderr: lines done, cubes/s, time left. Nothing is drawn where stderr is no terminal.

    Args:
        lines: lines to come, or None for an endless stream.
    """

    def __init__(self, lines: int | None) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.completed:.0f}" + ("" if lines is None else "/{task.total:.0f}")),
            TextColumn("{task.fields[rate]:.1f} cubes/s"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("getting ready", total=lines, rate=0.0)

    def __enter__(self) -> Self:
        self._start = time.perf_counter()
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, lines: int, windows: int) -> None:
        """Moves the line on."""
        rate = windows / max(time.perf_counter() - self._start, 1e-9)
        self._progress.update(self._task, description="lines", completed=lines, rate=rate)

    def say(self, message: str) -> None:
        """Prints a line above the progress."""
        self._progress.console.print(message, highlight=False, markup=False, soft_wrap=True)
