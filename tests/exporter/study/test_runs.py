"""Runs of every kind on tiny networks: corrupted windows, other heads, permuted labels, shortcuts, costs."""

from __future__ import annotations

import importlib.resources
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from focus.exporter.study import Backbone, Entry, Run, Scale, Store, execute, require_weights, steps_of
from focus.exporter.study._networks import permuted_labels
from focus.exporter.study._plan import Costing
from focus.exporter.study._plan_file import write_plan
from focus.exporter.study._scale import Table
from focus.exporter.study._store import METRICS, read_json, write_json
from focus.exporter.study.report import write_study_report
from focus.exporter.study.tables import TABLES, spurious
from focus.exporter.training import TrainSettings
from support.windows import small_windows

WEIGHTS = Path(str(importlib.resources.files("focus.runtime") / "models" / "leaf-vnir.pt"))
SCALE = Scale(1, 1, 8, 4, 8, 0, TrainSettings(epochs=1, groups=4, precision="fp32"), blocks=6)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, Entry]]:
    """One run of each kind, made."""
    folder = tmp_path_factory.mktemp("study")
    store = Store(folder, Backbone("focus_vit_mini_patch8", (32, 32), WEIGHTS, require_weights(WEIGHTS)))
    usual = SCALE.focus_run(1, 1).training
    permuted = replace(usual, data=replace(usual.data, permuted=True))
    shortcut = replace(usual, data=replace(usual.data, spurious=spurious.SHORTCUT_NM))
    runs = {
        "corruptions": ("focus: dead-bands 0.3", Run(usual, ("FOCUS",), corruption="dead-bands", severity=0.3)),
        "heads": ("all", Run(usual, ("FOCUS",), heads="all")),
        "sanity": ("permuted labels", Run(usual, ("FOCUS",), against=permuted)),
        "spurious": ("focus: broken", Run(shortcut, ("FOCUS",))),
        "costs": ("costs", Costing((usual, SCALE.training("prompt-cam", "full", "class", 1, 1)))),
    }
    entries = {table: Entry(table, "full, classification", row, 1, 1, run) for table, (row, run) in runs.items()}
    write_plan(store, SCALE, list(entries.values()))
    assert execute(steps_of(entries.values()), store, lambda done, total, words: None) == []
    return store, entries


def metrics(study: tuple[Store, dict[str, Entry]], table: str) -> dict:
    found = read_json(study[0].run_folder(study[1][table].run) / METRICS)
    assert found is not None
    return found


def test_dead_bands_change_the_answers_and_nothing_is_trained_for_them(study: tuple[Store, dict[str, Entry]]) -> None:
    whole, corrupted = metrics(study, "sanity"), metrics(study, "corruptions")
    assert whole["windows"]["all"] == corrupted["windows"]["all"] == 8
    assert whole["attention"]["FOCUS"]["collapse"] != corrupted["attention"]["FOCUS"]["collapse"]
    assert len(list((study[0].folder / "networks").iterdir())) == 4


def test_other_heads_make_other_maps(study: tuple[Store, dict[str, Entry]]) -> None:
    shown, every = (metrics(study, table)["attention"]["FOCUS"] for table in ("sanity", "heads"))
    assert shown["sink_others"] is not None and every["sink_others"] is None
    assert shown["collapse"] != every["collapse"]


def test_permuted_labels_are_beside_the_randomised_networks(study: tuple[Store, dict[str, Entry]]) -> None:
    found = metrics(study, "sanity")["sanity"]
    assert list(found) == ["untrained prompts", "nothing learnt", "permuted labels"]
    assert -1 <= found["permuted labels"]["M"][0] < 1
    windows = small_windows()
    permuted = permuted_labels(windows, 1)
    for split in ("train", "val"):
        before, after = windows.targets[windows.of(split)], permuted.targets[windows.of(split)]
        assert sorted(before) == sorted(after) and (before != after).any()
    np.testing.assert_array_equal(*(part.targets[windows.of("test")] for part in (windows, permuted)))


def test_a_shortcut_is_looked_for_on_the_ground_and_at_its_band(study: tuple[Store, dict[str, Entry]]) -> None:
    found = metrics(study, "spurious")["shortcut"]
    assert set(found) == {"FOCUS", "flat map"}
    assert 0 < found["flat map"]["ground"] < 1 and found["flat map"]["band"] == pytest.approx(1 / 64)


def test_costs_are_counted_where_there_is_a_network(study: tuple[Store, dict[str, Entry]]) -> None:
    found = metrics(study, "costs")["costs"]
    assert list(found) == ["plain ViT", "FOCUS", "prompt-cam", "full-spectrum-vit", "d-chag-style"]
    # Adapter, prompts, [SINK], scale and biases: C d + K G d + d + 1 + K, the last two one a class.
    assert found["FOCUS"]["trainable"] == 64 * 160 + 4 * 4 * 160 + 160 + 1 + 4
    assert found["full-spectrum-vit"]["prediction"] > 5 * found["plain ViT"]["prediction"]
    assert found["FOCUS"]["maps"] == found["FOCUS"]["prediction"]


def test_the_report_holds_them_all(study: tuple[Store, dict[str, Entry]]) -> None:
    folder = study[0].folder
    titles = [table.title for table in write_study_report(folder)]
    known = {table.name: table.title for table in TABLES}
    for table in study[1]:
        assert any(title.startswith(known[table]) for title in titles)
    text = (folder / "report.md").read_text()
    assert "| flat map |" in text and "| permuted labels |" in text and "full-spectrum-vit" in text
    assert (folder / "corruptions.png").is_file()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_table_one_has_all_pairs_and_others_every_split_once(table: Table) -> None:
    for splits, first in ((2, (11, 12)), (5, (11, 12, 13))):
        scale = replace(SCALE, seeds=3, splits=splits)
        once = {(1, split) for split in first}
        most = {(seed, split) for seed in (1, 2, 3) for split in first} | {(1, 11 + number) for number in range(splits)}
        expected = {"benchmark": most, "costs": {(1, 11)}}.get(table.name, once)
        assert {(entry.seed, entry.split) for entry in table.entries(scale)} == expected


def test_numbers_that_there_are_not_become_null(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": float("nan"), "b": [1.0, float("inf")], "c": (True, None)})
    assert read_json(tmp_path / "a.json") == {"a": None, "b": [1.0, None], "c": [True, None]}
