"""The Python way gives what the command gives."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import focus.runtime
from focus.runtime import BundleError, Calibration, CubeError, Model, MonitorWarning, OutputError, explain
from focus.runtime.commands.run import main
from focus.runtime.cubes import Provenance, write_npz
from support.scenes import cube
from support.toy_model import WAVELENGTHS, Toy


@pytest.fixture
def path(tmp_path):
    return Toy().save(tmp_path / "toy.onnx")


def test_explains_as_the_command_does(tmp_path, path):
    scene = cube(30, 37)
    explanation = explain(scene, Model.from_path(path), with_cube=True)
    assert explanation.predicted == max(explanation.scores, key=explanation.scores.get)
    assert explanation.heatmap.shape == (30, 37) and explanation.cube.shape == (12, 8, 10)
    np.testing.assert_array_equal(explanation.wavelengths_nm, WAVELENGTHS)
    results = explanation.save(tmp_path / "saved")
    assert {file.name for file in (tmp_path / "saved").iterdir()} == set(results.files)

    write_npz(scene, tmp_path / "leaf.npz")
    out = tmp_path / "command"
    uri = f"replay:{tmp_path}/leaf.npz"
    assert main(["--engine", str(path), "--camera", uri, "--out", str(out), "--cube", "--quiet"]) == 0
    for name in ("saliency.dat", "saliency.hdr", "scores.dat", "saliency-cube.dat", "curve.csv", "quicklook.png"):
        assert (out / name).read_bytes() == (tmp_path / "saved" / name).read_bytes(), name
    np.testing.assert_array_equal(np.fromfile(out / "saliency.dat", "<f4").reshape(30, 37), explanation.heatmap)
    shown = [float(line.split(",")[2]) for line in (out / "curve.csv").read_text().splitlines()[1:]]
    np.testing.assert_allclose(shown, explanation.curve, rtol=1e-5)
    with pytest.raises(OutputError, match="exists and is not empty"):
        explanation.save(tmp_path / "saved")


def test_a_file_is_opened(tmp_path, path):
    scene = cube(12, 16)
    write_npz(scene, tmp_path / "leaf.npz")
    expected = explain(scene, Model.from_path(path)).heatmap
    for name in (tmp_path / "leaf.npz", str(tmp_path / "leaf.npz")):
        np.testing.assert_array_equal(explain(name, Model.from_path(path)).heatmap, expected)
    with pytest.raises(CubeError, match=r"cannot open .*none\.npz: No such file"):
        explain(tmp_path / "none.npz", Model.from_path(path))


def test_what_would_make_the_maps_lie_is_warned_of(tmp_path, path):
    forced = Model.from_path(Toy(sink_score=6.0).save(tmp_path / "forced.onnx"))
    with pytest.warns(MonitorWarning) as said:
        explanation = explain(cube(12, 16), forced)
    assert [str(one.message) for one in said] == list(explanation.warnings)
    assert [line.partition(" ")[0] for line in explanation.warnings] == ["sink_mass", "collapse"]
    assert {one.filename for one in said} == {__file__}
    assert explain(cube(12, 16), Model.from_path(path)).warnings == ()


def test_what_was_explained_is_not_overwritten(tmp_path, path):
    write_npz(cube(12, 16), tmp_path / "leaf.npz")
    given = ["--engine", str(path), "--camera", f"replay:{tmp_path}/leaf.npz", "--record", "--quiet"]
    assert main([*given, "--out", str(tmp_path / "out")]) == 0
    explanation = explain(tmp_path / "out" / "raw.hdr", Model.from_path(path))
    with pytest.raises(OutputError, match=r"raw.dat is read, and would go with what .*out holds"):
        explanation.save(tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "raw.dat").is_file()


def test_bands_that_are_not_measured_are_said(tmp_path, path, capsys):
    good = np.arange(12) % 12 < 9
    scene = cube(12, 16, good_bands=good)
    with pytest.warns(
        MonitorWarning, match=r"3 of the model's 12 bands, from 855 to 945 nm, are bad bands of cube: the"
    ):
        explanation = explain(scene, Model.from_path(path))
    assert len(explanation.warnings) == 1
    write_npz(scene, tmp_path / "leaf.npz")
    given = [
        "--engine",
        str(path),
        "--camera",
        f"replay:{tmp_path}/leaf.npz",
        "--quiet",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(given) == 0
    assert "focus-run: warning: 3 of the model's 12 bands, from 855 to 945 nm" in capsys.readouterr().err
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["source"]["unmeasured_nm"] == WAVELENGTHS[9:].tolist()


def test_models_and_calibrations_may_be_files(tmp_path, path):
    rig = Calibration(np.zeros((12, 1), np.float32), np.full((12, 1), 0.001, np.float32), WAVELENGTHS, 1.0)
    rig.save(tmp_path / "rig.focuscal")
    raw = cube(12, 16, values=(cube(12, 16).values * 1000).astype(np.uint16), quantity="counts")
    expected = explain(raw, Model.from_path(path), calibration=rig).heatmap
    np.testing.assert_array_equal(explain(raw, path, calibration=tmp_path / "rig.focuscal").heatmap, expected)
    np.testing.assert_array_equal(explain(raw, str(path), calibration=f"{tmp_path}/rig.focuscal").heatmap, expected)
    with pytest.raises(TypeError, match="explain takes a Cube or a file's name, got ndarray"):
        explain(raw.values, path)


def test_choices(path):
    model = Model.from_path(path)
    shown = explain(cube(12, 16), model, shown="water-soaked")
    assert {reading.shown for reading in shown.readings} == {2} and shown.cube is None
    raw = cube(12, 16, values=np.full((12, 12, 16), 500, np.uint16), quantity="counts")
    rig = Calibration(np.full((12, 1), 100, np.float32), np.full((12, 1), 0.001, np.float32), WAVELENGTHS, 1.0)
    assert np.ptp(explain(raw, model, calibration=rig).heatmap) < 1e-3
    with pytest.raises(CubeError, match="holds raw counts"):
        explain(raw, model)
    fine = cube(12, 16, values=np.full((30, 12, 16), 0.4, np.float32), wavelengths_nm=np.linspace(430, 970, 30))
    with pytest.raises(BundleError, match="reads 12 bands, cube has 30; resample it"):
        explain(fine, model)
    assert explain(fine, model, resample=True).heatmap.shape == (12, 16)


def test_public_names_are_there_and_importing_draws_nothing():
    for name in focus.runtime.__all__:
        assert getattr(focus.runtime, name).__name__ == name
    assert dir(focus.runtime) == sorted(focus.runtime.__all__)
    with pytest.raises(AttributeError, match=r"module 'focus\.runtime' has no attribute 'nothing'"):
        _ = focus.runtime.nothing
    code = "import sys; from focus.runtime import explain; print('matplotlib' in sys.modules, 'torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "False False\n"


def test_the_words_of_a_header_are_known_there_too(path):
    """Counts at the upper end of their words, as a recording of ours says of itself."""
    held = cube(30, 37)
    counts = np.rint(np.clip(held.values, 0, 1) * 1000).astype(np.uint16)
    facts = {"bit depth": "12", "bit shift": "4"}
    calibration = Calibration(np.zeros((12, 37), np.float32), np.full((12, 37), 1e-3, np.float32), WAVELENGTHS, 0.98)
    shifted = replace(held, values=counts << 4, quantity="counts", provenance=Provenance(fields=facts))
    plain = replace(held, values=counts, quantity="counts")
    found, wanted = (explain(one, Model.from_path(path, 1), calibration=calibration) for one in (shifted, plain))
    np.testing.assert_array_equal(found.heatmap, wanted.heatmap)


def test_windows_of_which_nothing_is_known_are_told_of_there_too(tmp_path, path):
    known = np.ones((30, 37), bool)
    known[:, 8:] = False
    scene = cube(30, 37, quality=known)
    found = explain(scene, Model.from_path(path))
    assert found.summary.skipped > 0
    found.save(tmp_path / "saved")
    monitor = json.loads((tmp_path / "saved" / "run.json").read_text())["monitor"]
    assert monitor["windows"] == found.summary.windows + found.summary.skipped
