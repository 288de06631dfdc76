"""docs/train-on-your-own-cubes.md: the example's folder is one that focus-train reads."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from focus.exporter.commands import train
from focus.runtime.cubes import open_cube

EXAMPLE = Path(__file__).parents[2] / "examples" / "simulated_cubes.py"


def test_its_cubes_and_list_can_be_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("simulated_cubes", EXAMPLE)
    assert spec is not None and spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    folder = tmp_path / "cubes"
    assert example.main(["--out", str(folder), "--plants", "12"]) == 0
    assert open_cube(folder / "leaf-0023.npz").shape == (51, 96, 96)
    assert open_cube(folder / "field.npz").shape == (51, 288, 192)
    options = ["--random-backbone", "--size", "32", "--epochs", "1", "--precision", "fp32", "--groups", "3"]
    for name, more in (("classes", []), ("chl", ["--targets", "chl"])):
        data = ["--data", str(folder / "leaves.csv"), *more]
        assert train.main([*data, *options, "--out", str(tmp_path / f"{name}.pt")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "classification of anthocyanin, chlorosis, healthy" in said and "regression of chl" in said
    assert "there is no column group" not in said
