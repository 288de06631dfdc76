"""Progress on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def progress_bar(console: Console, title: str, shown: bool = True) -> Iterator[Callable[[int, int, str], None]]:
    """A bar with the time that is left; yields a function of steps done, steps in all, and a few words."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not shown) as progress:
        task = progress.add_task(title, total=None)

        def tell(done: int, total: int, words: str = "") -> None:
            progress.update(task, completed=done, total=total, description=words or title)

        yield tell
