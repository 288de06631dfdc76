"""docs/corn-kernel.md: a real camera's raw counts through the shipped model, as its commands say."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from focus.calib.commands import main as calib
from focus.runtime.commands.run import main as run
from support.shared import shared_file


def test_raw_counts_to_maps(tmp_path: Path) -> None:
    corn = shared_file("data/corn-kernel-hyperspectral.hdr")
    rig, out = tmp_path / "corn.focuscal", tmp_path / "corn"
    white = ["--white", str(corn), "--average-samples", "--panel", "0.3"]
    assert calib(["reference", *white, "--out", str(rig)]) == 0
    camera = ["--camera", f"replay:{corn}", "--calibration", str(rig), "--resample"]
    assert run([*camera, "--cube", "--out", str(out), "--quiet"]) == 0
    facts = json.loads((out / "run.json").read_text())
    assert facts["summary"]["lines"] == 31 and facts["summary"]["samples"] == 43
    heatmap = np.fromfile(out / "saliency.dat", "<f4").reshape(31, 43)
    assert np.isfinite(heatmap).all() and np.ptp(heatmap) > 0
    cube = np.fromfile(out / "saliency-cube.dat", "<f4")
    assert cube.size == 204 * 4 * 6  # patches of 8 samples
    with (out / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 204 and float(rows[0]["wavelength_nm"]) == pytest.approx(400.0)


def test_counts_are_not_taken_for_reflectance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corn = shared_file("data/corn-kernel-hyperspectral.hdr")
    assert run(["--camera", f"replay:{corn}", "--resample", "--out", str(tmp_path / "corn")]) == 2
    assert "--quantity reflectance" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_dark_reference_of_another_sensor_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corn, dark = shared_file("data/corn-kernel-hyperspectral.hdr"), shared_file("data/darkReference.hdr")
    assert calib(["reference", "--white", str(corn), "--dark", str(dark), "--out", str(tmp_path / "rig.focuscal")]) == 2
    message = capsys.readouterr().err
    assert "1600" in message and "43" in message
    assert not list(tmp_path.iterdir())
