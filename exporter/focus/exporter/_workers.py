"""Work in several processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any


def end_with_parent() -> None:
    """Ends this worker when the process that started it is gone, killed or not: nobody waits for what it makes, and a
    second start of the same work would meet it.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def worker_map(workers: int) -> Iterator[Callable[..., Any]]:
    """A `map` over so many processes, results in order; 0 workers stay in this one."""
    if workers == 0:
        yield map
        return
    # A fresh interpreter a worker: forking a process that has run torch can hang.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), end_with_parent) as pool:
        yield pool.map
