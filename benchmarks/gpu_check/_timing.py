"""Times on the device's own clock, beside a copy of as many bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from gpu_check._effort import Effort
from gpu_check._gpu import OneGpu
from gpu_check._section import Row

#: Replays before those that count.
WARM_UP = 3


@dataclass(frozen=True)
class Timed:
    """A kernel to be timed.

    Attributes:
        name: for people.
        nbytes: that must be read and written.
        works: each enqueues it once, on memory of its own; they take turns.
    """

    name: str
    nbytes: int
    works: Sequence[Callable[[], None]]


def median_ms(gpu: OneGpu, works: Sequence[Callable[[], None]], effort: Effort) -> float:
    """Of one launch. The works take turns in one recorded graph, so that the host's time to launch is not in it."""

    def some() -> None:
        for number in range(launches):
            works[number % len(works)]()

    launches = max(effort.launches, len(works))
    for work in works:  # a kernel's first launch loads it, which a recording does not allow
        work()
    gpu.queue.wait()
    replay = gpu.queue.captured(some)
    found = []
    for _ in range(WARM_UP + effort.rounds):
        start = gpu.queue.mark()
        replay()
        end = gpu.queue.mark()
        gpu.queue.wait()
        found.append(gpu.device.elapsed_ms(start, end) / launches)
    return float(np.median(found[WARM_UP:]))


def copy_ms(gpu: OneGpu, nbytes: int, pairs: int, effort: Effort) -> float:
    """Of a copy within the device that moves ``nbytes`` in all: it reads half of them and writes the other half.

    Args:
        gpu: where.
        nbytes: at least 2.
        pairs: of buffers that take turns.
        effort: how often.
    """
    half = max(nbytes // 2, 1)
    works = [
        partial(gpu.queue.copy, gpu.device.empty((half,), np.uint8), gpu.device.empty((half,), np.uint8))
        for _ in range(pairs)
    ]
    return median_ms(gpu, works, effort)


def timed_row(gpu: OneGpu, timed: Timed, effort: Effort) -> Row:
    """A kernel over its floor."""
    ours = median_ms(gpu, timed.works, effort)
    floor = copy_ms(gpu, timed.nbytes, len(timed.works), effort)
    return {
        "what": timed.name,
        "mb": round(timed.nbytes / 1e6, 3),
        "ms": ours,
        "gb_s": timed.nbytes / ours / 1e6,
        "copy_ms": floor,
        "copy_gb_s": timed.nbytes / floor / 1e6,
        "ratio": ours / floor,
    }
