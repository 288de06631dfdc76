"""The run as Prometheus metrics."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, get_args

from focus.runtime.monitor import FLAGS
from focus.runtime.serve._live import LiveSink, Phase
from focus.runtime.serve._machine import disk_free, temperatures
from focus.runtime.serve._rates import EDGES_S

if TYPE_CHECKING:
    from prometheus_client.core import HistogramMetricFamily, Metric


def metrics_text(live: LiveSink) -> tuple[bytes, str]:
    """What /metrics answers, and its content type."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(RunCollector(live))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class RunCollector:
    """Makes the metrics anew whenever they are asked for, of what the run remembers anyway."""

    def __init__(self, live: LiveSink) -> None:
        self._live = live

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        up = {flag.name for flag in self._live.monitor.flags()}
        flags = {name: float(name in up) for name in FLAGS}
        with self._live.lock:
            yield from [*self._lines(), *self._windows(), *self._state()]
        yield _labelled("monitor_flag", "1 where something makes the maps lie.", "flag", flags)
        yield from self._machine()

    def _lines(self) -> Iterator[Metric]:
        live, counts = self._live, self._live.counts
        for name, text, value in (
            ("lines_received", "Lines that arrived whole.", counts.received),
            ("lines_missing", "Lines that never arrived or were given up.", counts.missing),
            ("lines_rejected", "Lines that arrived damaged.", counts.rejected),
            ("lines_dropped", "Lines that arrived and were given up; they count as missing too.", counts.dropped),
            ("lines_mapped", "Lines whose maps are finished.", live.mapped_lines),
        ):
            yield _counter(name, text, value)
        yield _gauge("lines_underway", "Lines between ingest and map.", live.underway)
        yield _gauge("line_wait_seconds", "How long the newest line waited before it was ingested.", live.lines.wait_s)

    def _windows(self) -> Iterator[Metric]:
        live = self._live
        yield _counter("windows", "Windows that the network read.", live.window_count)
        if live.plan is not None and live.plan.bundle.task == "classification":
            counts = {name: float(live.classes[index]) for index, name in enumerate(live.plan.bundle.class_names)}
            yield _labelled_counter("windows_predicted", "Windows predicted as each class.", "class", counts)
        latest = live.scores.latest
        if latest is not None:
            yield _gauge("collapse", "1 - sum A + max A of the last window.", latest.collapse)
            yield _gauge("sink_mass", "Attention to [SINK] in the last window.", latest.sink_mass)
        yield self._latency()

    def _latency(self) -> HistogramMetricFamily:
        from prometheus_client.core import HistogramMetricFamily

        latency, total, buckets = self._live.latency, 0, []
        for edge, count in zip((*map(str, EDGES_S), "+Inf"), latency.counts, strict=True):
            total += count
            buckets.append((edge, float(total)))
        text = "From the arrival of a window's last line to its map."
        return HistogramMetricFamily("focus_map_latency_seconds", text, buckets, latency.total_s)

    def _state(self) -> Iterator[Metric]:
        live = self._live
        phases = {phase: float(phase == live.phase) for phase in get_args(Phase)}
        yield _labelled("run_phase", "1 for the phase that the run is in.", "phase", phases)
        up = live.phase == "running" and not live.silent and live.lines.silent_s is not None
        yield _gauge("camera_up", "1 while lines come.", float(up))
        yield _gauge("camera_silent_seconds", "Time since the last lines, while a segment runs.", live.silent_s)
        yield _counter("camera_losses", "How often the camera was lost.", live.losses)

    def _machine(self) -> Iterator[Metric]:
        free = disk_free(self._live.folder)
        if free is not None:
            yield _gauge("disk_free_bytes", "Free space where the results go.", free)
        yield _labelled("temperature_celsius", "Temperatures that the system tells.", "zone", temperatures())


def _counter(name: str, text: str, value: float) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    return CounterMetricFamily(f"focus_{name}", text, value)


def _labelled_counter(name: str, text: str, label: str, values: dict[str, float]) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(f"focus_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(f"focus_{name}", text, value)


def _labelled(name: str, text: str, label: str, values: dict[str, float]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(f"focus_{name}", text, labels=[label])
    for key, value in values.items():
        if not math.isnan(value):
            family.add_metric([key], value)
    return family
