"""From raw counts to maps through one engine: checked first, then timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from focus.exporter.bench._answers import Answer, Check, check_answers
from focus.runtime.engines import DeviceEngine
from focus.runtime.pipeline import DeviceCubes
from gpu_check._case import Case, answer_of_reading, window_flops
from gpu_check._effort import Effort
from gpu_check._section import NOT_RUN, OK, WRONG, Row

#: Share of a result's largest value that may differ from float32 on the CPU, by the precision of an engine.
LIMITS = {"fp32": 1e-2, "fp16": 5e-2}

#: Batches that are compared: each of the two stages runs step by step once, then as a recorded graph.
CHECKED = 6

#: Batches before those that are timed.
WARM_UP = 5


@dataclass
class Found:
    """What became of an engine.

    Attributes:
        rows: a batch each.
        batch_1_ms: raw counts in the pinned buffer to maps, p50.
        whole_ms: the same with the counts' way there out of ordinary memory, p50.
        tflop_s: of the largest batch, on cubes that are on the GPU.
    """

    rows: list[Row] = field(default_factory=list)
    batch_1_ms: float | None = None
    whole_ms: float | None = None
    tflop_s: float | None = None


def measure_engine(name: str, make: Callable[[int], DeviceEngine], case: Case, effort: Effort) -> Found:
    """Runs one engine at every batch.

    Args:
        name: of the engine.
        make: gives one for a batch, not yet entered.
        case: what it reads.
        effort: how often.
    """
    found = Found()
    for batch in effort.batches:
        with make(batch) as engine:
            row, timed = _measured(engine, case, batch, effort)
        found.rows.append({"what": name, "batch": batch, **row})
        if not timed:
            continue
        found.tflop_s = row["tflop_s"]
        if batch == 1:
            found.batch_1_ms, found.whole_ms = row["p50_ms"], row["p50_ms"] + row["write_ms"]
    return found


def _measured(engine: DeviceEngine, case: Case, batch: int, effort: Effort) -> tuple[Row, bool]:
    if engine.batch != batch:
        return {"state": NOT_RUN, "says": f"it takes {engine.batch} windows at once"}, False
    cubes = DeviceCubes(engine, case.source)
    check = _checked(cubes, case, batch, LIMITS[engine.precision])
    if not check.passed:
        return {"state": WRONG, "off_by": str(check)}, False
    passes = max(3, effort.passes // batch)
    write, sent = _one_after_the_other(cubes, case, batch, passes)
    computed = _compute_ms(engine, cubes, min(passes, effort.rounds))
    return {
        "state": OK,
        "off_by": check.worst,
        "p50_ms": float(np.median(sent)),
        "p99_ms": float(np.percentile(sent, 99)),
        "write_ms": float(np.median(write)),
        "cubes_s": _overlapped(cubes, batch, passes),
        "compute_ms": computed,
        "tflop_s": batch * window_flops(case.bundle) / computed / 1e9,
    }, True


def _checked(cubes: DeviceCubes, case: Case, batch: int, limit: float) -> Check:
    found, wanted = [], []
    for first in range(0, CHECKED * batch, batch):
        numbers = [number % len(case.cubes) for number in range(first, first + batch)]
        cubes.stage()[:] = case.cubes[numbers]
        cubes.send()
        found += [answer_of_reading(reading) for reading in cubes.read()]
        wanted += [case.answers["focus"][number] for number in numbers]
    return check_answers([_alike(answer) for answer in found], wanted, limit, "torch in float32 on the CPU")


def _alike(answer: Answer) -> Answer:
    """Not a number differs from everything, which a maximum would pass over."""
    return Answer(*(None if part is None or not np.isfinite(part).all() else part for part in answer))


def _one_after_the_other(cubes: DeviceCubes, case: Case, batch: int, passes: int) -> tuple[list[float], list[float]]:
    """Times in ms of writing the counts into the pinned buffer, and from there to the maps on the host."""
    write, sent = [], []
    for number in range(WARM_UP + passes):
        given = case.cubes[[(number + place) % len(case.cubes) for place in range(batch)]]
        start = time.perf_counter()
        cubes.stage()[:] = given
        written = time.perf_counter()
        cubes.send()
        cubes.read()
        sent.append(1e3 * (time.perf_counter() - written))
        write.append(1e3 * (written - start))
    return write[WARM_UP:], sent[WARM_UP:]


def _overlapped(cubes: DeviceCubes, batch: int, passes: int) -> float:
    """Cubes a second where the next batch is uploaded while one is computed; the counts are in the buffers already."""
    cubes.stage()
    cubes.send()
    start = time.perf_counter()
    for _ in range(passes):
        cubes.stage()
        cubes.send()
        cubes.read()
    seconds = time.perf_counter() - start
    cubes.read()
    return passes * batch / seconds


def _compute_ms(engine: DeviceEngine, cubes: DeviceCubes, rounds: int) -> float:
    """Median of a pass over counts that are on the GPU, maps back on the host, on the device's clock."""
    again = cubes._passes[0]
    found = []
    for _ in range(WARM_UP + rounds):
        start = engine.queue.mark()
        again()
        end = engine.queue.mark()
        engine.queue.wait()
        found.append(engine.device.elapsed_ms(start, end))
    return float(np.median(found[WARM_UP:]))
