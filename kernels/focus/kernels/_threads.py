"""Threads for kernels that release the interpreter."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="focus-kernel")


# A forked child has the pool but not its threads, and would wait for them.
os.register_at_fork(after_in_child=_pool.cache_clear)


def run_together(work: Sequence[Callable[[], object]]) -> None:
    """Runs all of it and waits; the first one runs in the calling thread."""
    if not work:
        return
    waiting = [_pool(len(work) - 1).submit(task) for task in work[1:]] if len(work) > 1 else []
    work[0]()
    for task in waiting:
        task.result()
