"""What the page is told, as plain values for JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.pipeline import Plan
from focus.runtime.serve._live import LiveSink
from focus.runtime.serve._machine import disk_free, temperatures
from focus.runtime.serve._scores import Bin


def plain(values: NDArray[Any], digits: int = 4) -> list[float | None]:
    """Numbers short enough to send often; what is not finite becomes None, which JSON can say."""
    return [number(value, digits) for value in values.tolist()]


def number(value: float | None, digits: int = 4) -> float | None:
    """One such number."""
    return float(f"{value:.{digits}g}") if value is not None and math.isfinite(value) else None


def plan_view(live: LiveSink) -> dict[str, Any]:
    """What does not change during a run; only ``run`` and ``phase`` before it has started."""
    with live.lock:
        plan, strip, run, phase = live.plan, live.strip, live.run, live.phase
    if plan is None or strip is None:
        return {"run": run, "phase": phase}
    bundle = plan.bundle
    return {
        "run": run,
        "phase": phase,
        "model": bundle.name,
        "source": plan.source.name,
        "task": bundle.task,
        "targets": [{"name": target.name, "unit": target.unit} for target in bundle.targets],
        "wavelengths_nm": plain(bundle.wavelengths, 6),
        "groups": [{"name": group.name, "first": group.first, "stop": group.stop} for group in bundle.groups],
        "mean": plain(np.array(bundle.mean)),
        "deviation": plain(np.array(bundle.deviation)),
        "patch": bundle.backbone.patch,
        "samples": plan.source.samples,
        "columns": _columns(plan),
        "factor": strip.factor,
        "width": strip.width,
        "most_rows": strip.most,
    }


def _columns(plan: Plan) -> int:
    """Patches across that lie in the scene."""
    return -(-plan.source.samples // plan.bundle.backbone.patch)


def tick_view(live: LiveSink, after: int) -> dict[str, Any]:
    """What changes: health, curves, and the points of the plots after a given one.

    Args:
        live: the run.
        after: number of the last point that the asker knows; -1 for none.
    """
    with live.lock:
        run, highest, latest = live.run, live.highest, live.scores.latest
        bins = live.scores.after(after)
        last_row = live.strip.last if live.strip is not None else -1
    now = None if latest is None else {
        "scores": plain(latest.scores),
        "predicted": latest.predicted,
        "shown": latest.shown,
        "curve": plain(latest.curve),
        "highest": plain(highest),
        "sink_mass": number(latest.sink_mass),
        "collapse": number(latest.collapse),
    }  # fmt: skip
    return {
        "run": run,
        "last_row": last_row,
        "now": now,
        "bins": [_bin_view(kept) for kept in bins],
        **state_view(live),
    }


def _bin_view(kept: Bin) -> dict[str, Any]:
    return {
        "number": kept.number,
        "utc_s": round(kept.utc_s, 3),
        "segment": kept.segment,
        "scores": plain(kept.scores),
    }


def state_view(live: LiveSink) -> dict[str, Any]:
    """How the run is: its phase, the raised flags, and the numbers that say whether all is well."""
    flags = [{"name": flag.name, "message": flag.message} for flag in live.monitor.flags()]
    with live.lock:
        counts, lines = live.counts, live.lines
        state = {
            "phase": live.phase,
            "reason": live.reason,
            "losses": live.losses,
            "silent": live.silent,
            "silent_s": round(live.silent_s, 1),
            "flags": flags,
        }
        health = {
            "lines_per_s": round(lines.rate.per_second(), 1),
            "windows_per_s": round(live.window_rate.per_second(), 1),
            "received": counts.received,
            "missing": counts.missing,
            "rejected": counts.rejected,
            "dropped": counts.dropped,
            "underway": live.underway,
            "wait_s": number(lines.wait_s),
            "windows": live.window_count,
            "latency_s": {f"p{percent}": number(live.latency.percentile(percent)) for percent in (50, 99)},
        }
    machine = {"disk_free_bytes": disk_free(live.folder), "temperatures_c": temperatures()}
    return {**state, "health": {**health, **machine}}


def health_answer(live: LiveSink) -> tuple[int, dict[str, Any]]:
    """For /healthz: 200 while the run is alive and lines come, else 503 and why."""
    with live.lock:
        phase, reason, silent, silent_s = live.phase, live.reason, live.silent, live.silent_s
        begun, windows = live.lines.silent_s is not None, live.window_count
    why = {
        "starting": "no line has come yet",
        "running": f"no line for {silent_s:.0f} s" if silent else "" if begun else "no line has come yet",
        "lost": f"the camera is lost: {reason}",
        "ended": "the run has ended" + (f": {reason}" if reason else ""),
        "failed": f"the run failed: {reason}",
    }[phase]
    answer = {"status": "unavailable" if why else "ok", "phase": phase, "windows": windows}
    return (503, {**answer, "why": why}) if why else (200, answer)


def place_view(live: LiveSink, row: int, column: int) -> dict[str, Any] | None:
    """Spectrum, saliency by band and scores of one patch; None if it is not known any more, or not yet.

    ``saliency`` is T there, or, where the run does not make T, the curve B of the window around it, and ``saliency_of``
    is ``place`` or ``window``. ``reflectance`` is None where nothing was measured, or the band means stay on a GPU.
    """
    with live.lock:
        plan = live.plan
        place = live.strip.place(row) if live.strip is not None else None
        curve = None if place is None else live.scores.curve_at(place.number, column)
    if plan is None or place is None or not 0 <= column < place.scores.shape[1]:
        return None
    patch = plan.bundle.backbone.patch
    measured = bool(np.isfinite(place.heatmap[column]))
    saliency = curve if place.cube is None else place.cube[:, column]
    means = place.band_means if measured else None
    return {
        "row": row,
        "column": column,
        "segment": place.segment,
        "line": place.line,
        "sample": column * patch,
        "measured": measured,
        "heat": number(float(place.heatmap[column])),
        "scores": plain(place.scores[:, column]),
        "saliency": None if saliency is None or not measured else plain(saliency),
        "saliency_of": "window" if place.cube is None else "place",
        "reflectance": None if means is None else plain(_reflectance(plan, means[column])),
    }


def _reflectance(plan: Plan, standardised: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(standardised * np.array(plan.bundle.deviation) + np.array(plan.bundle.mean), np.float64)
