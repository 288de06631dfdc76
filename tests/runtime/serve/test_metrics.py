"""What Prometheus reads."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from focus.runtime.pipeline import LineCounts
from focus.runtime.serve import LiveSink, _metrics
from focus.runtime.serve._machine import disk_free, temperatures
from focus.runtime.serve._metrics import metrics_text
from support.live import PATCH, ROWS, SATURATED, Feed, Raised, summary


def read(live):
    """Values by name and labels."""
    text, kind = metrics_text(live)
    assert kind.startswith("text/plain")
    families = list(text_string_to_metric_families(text.decode()))
    assert all(family.documentation and family.name.startswith("focus_") for family in families)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_a_run(tmp_path):
    live = LiveSink(tmp_path, Raised(SATURATED))
    feed = Feed(live)
    feed.rows(2 * ROWS)
    found = read(live)
    lines = 2 * ROWS * PATCH
    assert found["focus_lines_received_total",] == found["focus_lines_mapped_total",] == lines
    assert found["focus_lines_missing_total",] == found["focus_lines_dropped_total",] == 0
    assert found["focus_windows_total",] == 2
    assert found["focus_windows_predicted_total", "healthy"] == found["focus_windows_predicted_total", "chlorosis"] == 1
    assert found["focus_windows_predicted_total", "water-soaked"] == 0
    assert found["focus_collapse",] == 0.5 and found["focus_sink_mass",] == 0.25
    assert found["focus_map_latency_seconds_count",] == found["focus_map_latency_seconds_bucket", "+Inf"] == 2
    assert found["focus_run_phase", "running"] == 1 and found["focus_run_phase", "lost"] == 0
    assert found["focus_camera_up",] == 1
    assert found["focus_monitor_flag", "saturated"] == 1 and found["focus_monitor_flag", "collapse"] == 0
    assert found["focus_disk_free_bytes",] > 0


def test_counters_never_fall_over_segments(tmp_path):
    live = LiveSink(tmp_path)
    feed = Feed(live)
    feed.rows(ROWS)
    live.finish(summary(LineCounts(received=ROWS * PATCH)))
    live.camera_lost("no route")
    lost = read(live)
    assert lost["focus_camera_up",] == 0 and lost["focus_camera_losses_total",] == 1
    assert lost["focus_run_phase", "lost"] == 1
    feed.restart()
    feed.rows(ROWS)
    found = read(live)
    assert found["focus_lines_received_total",] == 2 * ROWS * PATCH
    assert found["focus_windows_total",] == 2
    falling = {name for name in lost if name[0].endswith(("_total", "_count", "_bucket")) and found[name] < lost[name]}
    assert not falling


def test_before_the_start(tmp_path):
    found = read(LiveSink(tmp_path))
    assert found["focus_run_phase", "starting"] == 1 and found["focus_camera_up",] == 0
    assert ("focus_collapse",) not in found


def test_machine(tmp_path, monkeypatch):
    for number, (name, text) in enumerate([("cpu", "48500"), ("cpu", "51000"), ("asleep", "")]):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "type").write_text(name + "\n")
        (zone / "temp").write_text(text)
    found = temperatures(tmp_path)
    assert found == {"cpu": 48.5, "cpu 1": 51.0}
    assert temperatures(tmp_path / "none") == {}
    assert disk_free(tmp_path / "a" / "b") == pytest.approx(disk_free(tmp_path), rel=0.2)
    monkeypatch.setattr(_metrics, "temperatures", lambda: found)
    assert read(LiveSink(tmp_path))["focus_temperature_celsius", "cpu 1"] == 51


def test_docs_name_every_metric(tmp_path):
    from pathlib import Path

    live = LiveSink(tmp_path, Raised(SATURATED))
    Feed(live).rows(ROWS)
    text = (Path(__file__).parents[3] / "docs" / "live.md").read_text(encoding="utf-8")
    names = {family.name for family in text_string_to_metric_families(metrics_text(live)[0].decode())}
    assert len(names) > 15
    assert not [name for name in names if f"`{name}" not in text]
