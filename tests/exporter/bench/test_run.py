"""All rows in their own processes, on a tiny ViT. Nothing here asks how long anything took."""

import json
import math
from dataclasses import replace

import pytest
from rich.console import Console

from focus.exporter.bench import ROWS, SWEEP
from focus.exporter.bench._bench import run_bench, write_json
from focus.exporter.bench._plot import write_plot
from focus.exporter.bench._rounds import measure_rows
from focus.exporter.bench._table import tables_from_result

#: Quantising takes as long as all the other rows together; it has a test of its own.
SLOW = "focus_int8"


@pytest.fixture(scope="module")
def result(settings, prepared, tmp_path_factory):
    rows = tuple(name for name in settings.rows if name != SLOW)
    found = run_bench(replace(settings, rows=rows), lambda words: None)
    path = tmp_path_factory.mktemp("result") / "bench.json"
    write_json(found, path)
    write_plot(found, path.with_suffix(".png"))
    assert path.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"
    return json.loads(path.read_text())


def by_name(result):
    return {row["name"]: row for row in result["rows"] if "bands" not in row}


def test_every_row_is_there_right_and_timed(result):
    rows = by_name(result)
    assert set(rows) == {row.name for row in ROWS} - {SLOW} | {"focus_run", "focus_run_long"}
    assert not {name: row.get("note") for name, row in rows.items() if row["state"] != "ok"}
    for row in rows.values():
        assert row["model"] == "tiny"
        assert row["median_ms"] > 0
        assert row["peak_mb"] > 20


@pytest.mark.slow
def test_the_quantised_row_runs(settings, prepared):
    (spec,) = [row for row in ROWS if row.name == SLOW]
    (row,) = measure_rows("tiny", prepared, [spec], settings, lambda words: None)
    assert row["state"] == "ok", row["note"]
    assert row["precision"] == "int8"


def test_rows_are_checked_against_what_they_should_say(result):
    for row in by_name(result).values():
        if not row["name"].startswith("focus_run"):
            check = row["check"]
            assert check["differences"], row["name"]
            assert max(check["differences"].values()) <= check["limit"] < 1


def test_raw_to_maps_rows_give_scores_heatmap_and_curve_and_say_where_the_time_goes(result):
    rows = by_name(result)
    for name in ("naive_ort", "torch_focus", "focus_ort", "focus_openvino"):
        assert set(rows[name]["check"]["differences"]) == {"scores", "heatmap", "curve"}
        stages = rows[name]["stages_ms"]
        assert set(stages) == {"ingest", "graph", "saliency"}
        assert sum(stages.values()) <= 1.5 * rows[name]["median_ms"]
    assert set(rows["gradcam"]["check"]["differences"]) == {"scores", "heatmap"}


def test_edge_rows_leave_torch_out_and_so_stay_small(result):
    rows = by_name(result)
    assert rows["focus_ort"]["peak_mb"] < 0.5 * rows["torch_focus"]["peak_mb"]


def test_the_sweep_has_a_point_for_every_peer(result):
    points = [(row["name"], row["bands"], row["state"]) for row in result["rows"] if "bands" in row]
    assert points == [(spec.name, 8, "ok") for spec in SWEEP]


def test_the_record_names_machine_settings_and_models(result):
    assert {"processor", "cores", "flags", "os", "python", "versions", "commit"} <= set(result["machine"])
    assert result["machine"]["versions"]["onnxruntime"]
    assert result["settings"]["threads"] == 1
    assert "work" not in result["settings"]
    assert result["models"][0]["weights"] == "random"


def test_ratios_are_there_and_follow_from_the_rows(result):
    ratios, rows = result["ratios"], by_name(result)
    wanted = {
        "raw_to_maps_over_plain_vit", "graph_over_plain_vit", "naive_over_focus", "gradcam_over_focus",
        "ingest_over_copy", "saliency_ms", "focus_run_peak_mb", "long_run_peak_mb", "long_run_peak_over_short",
        "time_saved_against_vanilla", "memory_saved_against_vanilla", "start_to_first_map_s",
    }  # fmt: skip
    assert wanted <= set(ratios)
    assert {target["name"] for target in result["targets"]} == wanted
    assert ratios["ingest_over_copy"] == pytest.approx(rows["ingest"]["median_ms"] / rows["copy"]["median_ms"])
    assert 0 < ratios["start_to_first_map_s"] <= 1e-3 * rows["focus_run"]["median_ms"] + 1
    assert all(value is None or math.isfinite(value) for value in ratios.values())
    assert rows["focus_run_long"]["cubes"] == 25
    assert rows["focus_run_long"]["short_cubes"] == 20


def test_tables_hold_every_row_and_target(result):
    console = Console(width=200, record=True, quiet=False, file=None)
    with console.capture() as caught:
        for table in tables_from_result(result):
            console.print(table)
    text = caught.get()
    assert all(row["name"] in text for row in result["rows"])
    assert all(target["says"] in text for target in result["targets"])
