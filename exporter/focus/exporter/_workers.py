"""Work in several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any


@contextmanager
def worker_map(workers: int) -> Iterator[Callable[..., Any]]:
    """A `map` over so many processes, results in order; 0 workers stay in this one."""
    if workers == 0:
        yield map
        return
    # A fresh interpreter a worker: forking a process that has run torch can hang.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield pool.map
