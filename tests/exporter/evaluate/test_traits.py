"""Maps of a regression are held against the bands that tell the trait, and the leaf."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from focus.exporter.commands import train
from focus.exporter.commands.eval import main
from focus.exporter.data import open_windows
from focus.exporter.evaluate import samples_of

TRAITS = "sim:full,scenes=8,val=2,test=4,bands=32,task=chl+ewt"
TINY = ["--random-backbone", "--size", "32", "--epochs", "1", "--precision", "fp32", "--groups", "4"]


@pytest.fixture(autouse=True)
def without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spawned worker a test would cost more than the scenes."""
    import focus.exporter.data as data
    import focus.exporter.evaluate._data as evaluated

    opened, simulated = data.open_windows, evaluated.simulate_windows
    monkeypatch.setattr(data, "open_windows", lambda *args, **options: opened(*args, **options, workers=0))
    monkeypatch.setattr(
        evaluated, "simulate_windows", lambda *args, **options: simulated(*args, **{**options, "workers": 0})
    )


def test_a_window_is_about_one_trait_in_turn_and_its_place_is_the_leaf() -> None:
    windows = open_windows(TRAITS, 8, (32, 32), 1, workers=0)
    samples = samples_of(windows)
    assert [sample.label for sample in samples] == [0, 1, 0, 1]
    for sample, index in zip(samples, windows.of("test"), strict=True):
        np.testing.assert_array_equal(sample.informative, windows.truth.trait_information[index, sample.label])
        np.testing.assert_array_equal(sample.lesion, sample.leaf)
        np.testing.assert_array_equal(sample.values, windows.targets[index])


def test_a_regression_is_evaluated_from_the_outside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, out = tmp_path / "traits.pt", tmp_path / "eval"
    assert train.main(["--data", TRAITS, *TINY, "--out", str(model)]) == 0
    arguments = ["run", "--ckpt", str(model), "--data", TRAITS, "--threads", "1", "--out", str(out)]
    assert main(arguments) == 0
    found = json.loads((out / "results.json").read_text())
    assert set(found["answers"]["FOCUS"]) == {"chl", "ewt"}
    assert 1 <= found["windows"]["scored"] <= 4
    row = found["methods"]["FOCUS"]
    assert "iou_leaf" not in row and 0 <= row["bio_5"][0] <= 1 and row["iou"][0] > 0
    assert (out / "report.png").stat().st_size > 10_000
    assert "R2 of chl" in (out / "report.md").read_text()
    capsys.readouterr()
    assert main([*arguments[:4], "sim:full,bands=32,task=ewt", *arguments[5:]]) == 2
    assert "tells chl, ewt; give --data sim:full,task=chl+ewt" in capsys.readouterr().err
