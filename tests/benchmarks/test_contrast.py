"""The contrast beside a study's maps: rows that a study has come out as it has them."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from types import SimpleNamespace

import contrast
import numpy as np
import pytest

from focus.exporter.study import Backbone, Entry, Run, Scale, Store, execute, require_weights, steps_of, write_plan
from focus.exporter.study._store import METRICS, read_json
from focus.exporter.training import TrainSettings

WEIGHTS = Path(str(importlib.resources.files("focus.runtime") / "models" / "leaf-vnir.pt"))
SCALE = Scale(1, 1, 8, 4, 16, 0, TrainSettings(epochs=1, groups=4, precision="fp32"), blocks=6)
GROUP = "full, classification"
EXPLAINERS = {"focus": ("FOCUS",), "adapted-vit": contrast.OTHERS}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, Run]]:
    folder = tmp_path_factory.mktemp("study")
    store = Store(folder, Backbone("focus_vit_mini_patch8", (64, 64), WEIGHTS, require_weights(WEIGHTS)))
    runs = {row: Run(SCALE.training(row, "full", "class", 1, 1), maps) for row, maps in EXPLAINERS.items()}
    entries = [Entry("benchmark", GROUP, row, 1, 1, run) for row, run in runs.items()]
    write_plan(store, SCALE, entries)
    assert execute(steps_of(entries), store, lambda done, total, words: None) == []
    return store, runs


def shown(text: str) -> dict[str, list[str]]:
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line.startswith("│")]
    return {name: cells for name, *cells in rows}


def test_what_a_study_has_comes_out_as_it_has_it(study, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    store, runs = study
    assert contrast.main([str(store.folder)]) == 0
    text = capsys.readouterr().out
    assert "mean of 1 splits, 1 runs" in text
    found = shown(text)
    for row, names in EXPLAINERS.items():
        metrics = read_json(store.run_folder(runs[row]) / METRICS)
        assert metrics["windows"]["scored"] > 2
        for name in names:
            wanted = [metrics["methods"][name][key][0] for key in ("auprc", "iou_leaf", "bio_5", "bio_20")]
            assert found[name] == [f"{value:.3f}" for value in wanted]
    # A flat contrast would leave the order of the patches as it is.
    assert all(found[f"{name} x D"][0] != found[name][0] for name in ("chefer", "layer-cam"))
    assert found[contrast.WEIGHTS][:2] == ["-", "-"]


def test_brightness_is_no_contrast():
    bundle = SimpleNamespace(brightness=np.array([[0.6, 0.8, 0.0]]))
    found = contrast._beyond_brightness(bundle, np.array([[0.6, 0.8, -2.0], [0.8, -0.6, 0.0]]))
    np.testing.assert_allclose(found, [[0.0, 0.0, 2.0], [0.8, 0.6, 0.0]], atol=1e-12)


def test_a_study_that_kept_no_networks_is_told(study, capsys):
    store, _ = study
    (next(store.folder.glob("networks/focus-*")) / "model.pt").unlink()
    assert contrast.main([str(store.folder)]) == 2
    assert "no longer has its networks; make its runs again" in capsys.readouterr().err
    assert contrast.main([str(store.folder), "--where", "vnir"]) == 2
    assert "has no finished runs of focus and adapted-vit on 'vnir'" in capsys.readouterr().err
