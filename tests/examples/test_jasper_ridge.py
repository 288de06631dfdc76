"""docs/jasper-ridge.md: the example runs from a real scene to maps; its full figures are in the document."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from support.shared import shared_file

EXAMPLE = Path(__file__).parents[2] / "examples" / "jasper_ridge.py"


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("jasper_ridge", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_windows_of_the_two_halves_never_meet() -> None:
    module = example()
    from focus.runtime.cubes import open_jasper_ridge

    scene = module.Scene(*open_jasper_ridge(shared_file("data/jasperRidge2_R198.mat")))
    windows = module.windows_of(scene)
    samples = np.array([int(name.split()[-1]) for name in windows.windows])
    assert (samples[windows.of("train")] + module.WINDOW <= 50).all()
    assert (samples[windows.of("test")] >= 50).all()
    # Road (3) dominates no window of the left half; docs/jasper-ridge.md says what follows.
    assert set(windows.targets[windows.of("train")].tolist()) == {0, 1, 2}
    share = scene.abundances[windows.targets[0], :8, :8].mean()
    assert share == pytest.approx(scene.abundances[:, :8, :8].mean(axis=(1, 2)).max())


@pytest.mark.slow
def test_from_the_scene_to_maps(tmp_path: Path) -> None:
    data, weights = (
        shared_file("data/jasperRidge2_R198.mat"),
        shared_file("weights/vit_small_patch14_dinov2.safetensors"),
    )
    options = ["--data", str(data), "--weights", str(weights), "--out", str(tmp_path), "--epochs", "3"]
    assert example().main(options) == 0
    found = json.loads((tmp_path / "jasper.json").read_text())
    assert found["map"]["right half accuracy"] > found["map"]["always the commonest class"] + 0.15
    assert (tmp_path / "jasper-maps.png").stat().st_size > 20_000
    assert (tmp_path / "jasper-curves.png").stat().st_size > 20_000
