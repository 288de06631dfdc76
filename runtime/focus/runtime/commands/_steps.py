"""The progress line of work in several steps."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from typing_extensions import Self


class Steps:
    """A line on stderr for the step that runs: a bar, the time passed, the time left where the step's length is known.
    Nothing is drawn where stderr is no terminal.

    Args:
        console: to draw on in place of stderr.
    """

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            TextColumn("passed,"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            # Captured output belongs to whoever captured it.
            redirect_stdout=False,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, step: str, done: float = 0.0, total: float | None = None) -> None:
        """Moves the line on; a step of unknown length has no total."""
        if step not in self._tasks:
            for task in self._tasks.values():
                self._progress.remove_task(task)
            self._tasks = {step: self._progress.add_task(step, total=total)}
        self._progress.update(self._tasks[step], completed=done, total=total)
