"""Whether INT8 pays on this processor: the same window through every engine that is installed."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from math import inf
from pathlib import Path
from statistics import median

from focus.runtime._processor import has_bf16
from focus.runtime.agreement import NetInput
from focus.runtime.engines import Engine, OnnxRuntimeEngine, OpenVinoEngine

#: Each way is timed alone, because the threads of one engine keep spinning while the next one runs; twice, so that a
#: pause of the machine does not decide.
PASSES, WARM_UP, LEAST_RUNS, SECONDS = 2, 3, 6, 1.0

#: INT8 must be this much faster to pay; less is the noise of timing.
WORTH = 1.05

PRECISIONS = ("FP32", "bf16", "INT8")


@dataclass(frozen=True)
class Speed:
    """Median milliseconds a window.

    Attributes:
        milliseconds: of each engine, by precision (``PRECISIONS``); what an engine cannot do is absent.
    """

    milliseconds: Mapping[str, Mapping[str, float]]

    @property
    def fastest_float(self) -> tuple[float, str]:
        """Milliseconds and name of the fastest float way."""
        return min(
            (ms, f"{engine} {precision}")
            for engine, row in self.milliseconds.items()
            for precision, ms in row.items()
            if precision != "INT8"
        )

    @property
    def fastest_int8(self) -> tuple[float, str]:
        """Milliseconds and name of the fastest INT8 way."""
        return min((row["INT8"], f"{engine} INT8") for engine, row in self.milliseconds.items())

    @property
    def verdict(self) -> str:
        """One sentence for the user."""
        (exact, way), (coarse, int8_way) = self.fastest_float, self.fastest_int8
        figures = f"{int8_way} {coarse:.1f} ms, {way} {exact:.1f} ms"
        if exact >= WORTH * coarse:
            return f"INT8 pays on this processor: {figures}, {exact / coarse:.2f} times as fast"
        return f"INT8 does not pay on this processor: {figures}; run the FP32 file here"


def measured_speed(
    exact: Path, coarse: Path, window: NetInput, threads: int | None, progress: Callable[[int, int], None] | None = None
) -> Speed:
    """Times both files, one window at a time; of two passes the better median counts.

    Args:
        exact: the FP32 file; coarse: the INT8 file.
        window: what is run.
        threads: within one pass; None takes the cores this process may use.
        progress: called with timings done and timings in all.
    """
    ways = _ways(exact, coarse, threads)
    table: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="focus-calib-") as folder, _cache_in(folder):
        for done in range(PASSES * len(ways)):
            engine, precision, start = ways[done % len(ways)]
            row = table.setdefault(engine, {})
            row[precision] = min(row.get(precision, inf), _median_ms(start(), window))
            if progress is not None:
                progress(done + 1, PASSES * len(ways))
    return Speed(table)


def _ways(exact: Path, coarse: Path, threads: int | None) -> list[tuple[str, str, Callable[[], Engine]]]:
    """Engine, precision, and how to open it; bf16 only where the processor computes it itself."""
    ways: list[tuple[str, str, Callable[[], Engine]]] = [
        ("ONNX Runtime", "FP32", lambda: OnnxRuntimeEngine(exact, threads)),
        ("ONNX Runtime", "INT8", lambda: OnnxRuntimeEngine(coarse, threads)),
    ]
    if find_spec("openvino") is not None:
        ways.append(("OpenVINO", "FP32", lambda: OpenVinoEngine(exact, threads, precision="fp32")))
        if has_bf16():
            ways.append(("OpenVINO", "bf16", lambda: OpenVinoEngine(exact, threads, precision="bf16")))
        ways.append(("OpenVINO", "INT8", lambda: OpenVinoEngine(coarse, threads)))
    return ways


def _median_ms(engine: Engine, window: NetInput) -> float:
    given = window.band_means[None], window.composite[None]
    times: list[float] = []
    with engine:
        for _ in range(WARM_UP):
            engine.infer(*given)
        while len(times) < LEAST_RUNS or sum(times) < 1e3 * SECONDS:
            begin = time.perf_counter()
            engine.infer(*given)
            times.append(1e3 * (time.perf_counter() - begin))
    return median(times)


@contextlib.contextmanager
def _cache_in(folder: str) -> Iterator[None]:
    """What is compiled for the timing must not push the user's models out of their cache."""
    before = os.environ.get("FOCUS_CACHE")
    os.environ["FOCUS_CACHE"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["FOCUS_CACHE"]
        else:
            os.environ["FOCUS_CACHE"] = before
