"""Time and memory against the number of bands: the shape of the paper's Figure 5.

Every point is a process of its own, under a limit of time and one of memory. A point that the smaller ones show to take
too long is not run in full; where its blocks all cost the same, one of them is run, which gives the peak memory and L
times its time as the estimate.
"""

from __future__ import annotations

from pathlib import Path

from focus.exporter.bench._flops import Sizes, pass_flops
from focus.exporter.bench._machine import free_memory_gb
from focus.exporter.bench._prepared import Prepared
from focus.exporter.bench._rounds import OK, TOO_LONG, Row, Tell, statistics
from focus.exporter.bench._settings import BenchSettings
from focus.exporter.bench._specs import SweepSpec
from focus.exporter.bench._worker import TooLong, Worker

#: Time for the runs of a point, and how many at most.
POINT_S, MOST_RUNS = 4.0, 10

#: A first pass that is shorter is not counted, but followed by another: it also makes room in memory.
SHORT_S = 20.0

#: One block may take so many times the limit of a pass, to get an estimate.
BLOCK_SHARE = 2.0

#: Loading and the check before the first pass.
START_LIMIT_S = 180.0


def measure_sweep(spec: SweepSpec, folder: Path, settings: BenchSettings, tell: Tell) -> list[Row]:
    """One row a number of bands, in rising order.

    Args:
        spec: which peer.
        folder: from ``prepare``.
    """
    backbone = Prepared(folder).bundle.backbone
    sizes = Sizes(backbone.rows * backbone.columns, backbone.width, backbone.blocks)
    most = Prepared(folder).spec.bands
    rows: list[Row] = []
    seconds_a_flop: float | None = None
    for bands in sorted(bands for bands in settings.bands if bands <= most):
        flops = pass_flops(spec.name, bands, sizes)
        foreseen = None if seconds_a_flop is None else seconds_a_flop * flops
        tell(f"{spec.name}: {bands} bands" + ("" if foreseen is None else f", foreseen {foreseen:.2g} s a pass"))
        row: Row = {"name": spec.name, "model": Prepared(folder).spec.name, "what": spec.what, "bands": bands}
        if foreseen is None or foreseen <= settings.pass_limit_s:
            row |= _point(spec, folder, bands, None, settings)
        else:
            row |= _too_long(spec, folder, bands, sizes.blocks, foreseen, settings)
        if row["state"] != OK:
            tell(f"{spec.name}: {bands} bands: {row['state']}: {row.get('note', '')}")
        if "check" in row:  # measured, whole or in part
            measured_ms = row["median_ms"] if row["state"] == OK else row["estimated_ms"]
            seconds_a_flop = 1e-3 * measured_ms / flops
        rows.append(row)
    return rows


def _too_long(spec: SweepSpec, folder: Path, bands: int, blocks: int, foreseen: float, settings: BenchSettings) -> Row:
    """A point whose pass would take too long: marked, with an estimate from one block where that is possible."""
    limit = settings.pass_limit_s
    row: Row = {
        "state": TOO_LONG,
        "estimated_ms": 1e3 * foreseen,
        "note": f"estimated {foreseen:.0f} s from fewer bands, over the limit of {limit:.0f} s",
    }
    if not spec.one_block or foreseen / blocks > BLOCK_SHARE * limit:
        return row
    one = _point(spec, folder, bands, 1, settings)
    if one["state"] != OK:
        return one
    seconds = 1e-3 * one["median_ms"] * blocks
    return {
        **row,
        "estimated_ms": 1e3 * seconds,
        "peak_mb": one["peak_mb"],
        "check": one["check"],
        "note": f"estimated {seconds:.0f} s from one of {blocks} blocks, over the limit of {limit:.0f} s",
    }


def _point(spec: SweepSpec, folder: Path, bands: int, blocks: int | None, settings: BenchSettings) -> Row:
    memory = settings.memory_limit_gb or free_memory_gb()
    limit_s = settings.pass_limit_s * (1.0 if blocks is None else BLOCK_SHARE)
    job = {
        "folder": str(folder),
        "peer": spec.peer,
        "options": {"bands": bands} if blocks is None else {"bands": bands, "blocks": blocks},
        "threads": settings.threads,
        "memory_limit_gb": memory,
    }
    with Worker(job, folder / f"{spec.name}-{bands}.log") as worker:
        try:
            row = worker.ready(START_LIMIT_S)
            if row["state"] != OK:
                return row
            times = worker.time(1, warm=False, limit_s=limit_s)
            if "state" not in times and (more := _more_runs(times["times_ms"][0])):
                times = worker.time(more, warm=False, limit_s=2 * POINT_S + limit_s)
            if "state" in times:
                return row | times
            return row | statistics(times["times_ms"], {}) | worker.end()
        except TooLong as error:
            return {"state": TOO_LONG, "note": f"a pass {error}"}


def _more_runs(first_ms: float) -> int:
    """How many passes follow a first one."""
    least = 1 if 1e-3 * first_ms < SHORT_S else 0
    return min(max(int(1e3 * POINT_S / first_ms), least), MOST_RUNS)
