"""focus-run: what it writes, and the one line that it says when it cannot."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from focus.runtime import Calibration, open_cube
from focus.runtime.commands.run import main
from focus.runtime.cubes import write_npz as _write_npz
from focus.runtime.sources import source_from_uri
from support.scenes import cube, reflectance
from support.toy_model import WAVELENGTHS, Toy

ALWAYS = {
    "overview.png", "overlay.png", "quicklook.png", "curve.png", "curve.csv", "windows.csv", "run.json",
    "saliency.dat", "saliency.hdr", "scores.dat", "scores.hdr",
}  # fmt: skip


def write_npz(path, scene):
    _write_npz(scene, path)


@pytest.fixture(autouse=True)
def coarse_pictures(monkeypatch):
    """Drawing is most of a small run's time; what is drawn does not depend on the resolution."""
    from focus.runtime.outputs import _pictures

    monkeypatch.setattr(_pictures, "DPI", 50)


@pytest.fixture
def model(tmp_path):
    return Toy().save(tmp_path / "toy.onnx")


@pytest.fixture
def leaf(tmp_path):
    path = tmp_path / "leaf.npz"
    write_npz(path, cube(30, 37))
    return path


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_writes_everything(tmp_path, model, leaf, capsys):
    out = tmp_path / "out" / "leaf"
    assert main(["--engine", str(model), "--camera", f"replay:{leaf}", "--out", str(out), "--cube"]) == 0
    assert {path.name for path in out.iterdir()} == ALWAYS | {"saliency-cube.dat", "saliency-cube.hdr"}
    assert sorted(path.name for path in out.parent.iterdir()) == ["leaf"]

    heatmap = open_envi(out / "saliency.hdr")
    assert heatmap.shape == (1, 30, 37) and np.isfinite(heatmap).all() and heatmap.std() > 0
    scores = open_envi(out / "scores.hdr")
    assert scores.shape == (3, 8, 10)
    np.testing.assert_allclose(scores.sum(axis=0), 1, rtol=1e-5)
    assert "band names = {healthy, chlorosis, water-soaked}" in (out / "scores.hdr").read_text()
    saliency = open_cube(out / "saliency-cube.hdr")
    np.testing.assert_allclose(saliency.wavelengths_nm, WAVELENGTHS)
    # M, interpolated at a patch's four middle samples and averaged, is nearly the patch's own sum over bands.
    patches = saliency.values.sum(axis=0)
    middle = heatmap[0, :28, :36].reshape(7, 4, 9, 4)[:, 1:3, :, 1:3].mean(axis=(1, 3))
    assert np.corrcoef(middle.ravel(), patches[:7, :9].ravel())[0, 1] > 0.98

    for name in ("overview.png", "overlay.png", "curve.png"):
        with Image.open(out / name) as picture:
            assert min(picture.size) > 100
    with Image.open(out / "quicklook.png") as picture:
        assert picture.size == (37, 30)
    said = capsys.readouterr().out
    assert "30 lines x 37 samples" in said and f"look at {out / 'overview.png'} first" in said


def open_envi(header):
    """Reads BIL float32 without our own reader."""
    fields = dict(line.split(" = ", 1) for line in header.read_text().splitlines()[1:])
    shape = [int(fields[key]) for key in ("lines", "bands", "samples")]
    assert (fields["interleave"], fields["data type"], fields["data ignore value"]) == ("bil", "4", "nan")
    return np.fromfile(header.with_suffix(".dat"), "<f4").reshape(shape).transpose(1, 0, 2)


def test_tables_and_record_agree(tmp_path, model, leaf):
    out = tmp_path / "out"
    assert main(["--engine", str(model), "--camera", f"replay:{leaf}", "--out", str(out), "--quiet"]) == 0
    record = json.loads((out / "run.json").read_text())
    windows, curve = rows(out / "windows.csv"), rows(out / "curve.csv")
    assert len(windows) == record["summary"]["windows"] == sum(record["summary"]["class_counts"].values())
    names = ["healthy", "chlorosis", "water-soaked"]
    for row in windows:
        scores = [float(row[f"score {name}"]) for name in names]
        assert sum(scores) == pytest.approx(1, abs=1e-4)
        assert row["predicted"] == row["shown"] == names[int(np.argmax(scores))]
        assert 0 <= float(row["sink_mass"]) <= float(row["collapse"]) <= 1.0001
        assert int(row["last_sequence"]) == int(row["first_line"]) + int(row["lines"]) - 1 < 30
        assert row["utc_first"] <= row["utc_last"]
        top = [float(wavelength) for wavelength in row["top_bands_nm"].split()]
        assert len(set(top)) == 5 and set(top) <= set(WAVELENGTHS)
    shown = [float(row["curve"]) for row in curve]
    of_class = [max(float(row[key]) for key in row if key.startswith("curve ")) for row in curve]
    assert shown == of_class and curve[0]["group"] == "VIS"
    assert {path.name for path in out.iterdir()} == set(record["files"]) == ALWAYS
    assert record["source"]["sha256"] == subprocess.run(
        [sys.executable, "-c", f"import hashlib;print(hashlib.sha256(open({str(leaf)!r},'rb').read()).hexdigest())"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    counts = {"first_sequence": 0, "received": 30, "missing": 0, "rejected": 0, "dropped": 0}
    assert record["summary"]["counts"] == counts
    assert (record["state"], record["ended"]) == ("complete", None)
    assert record["calibration"] is None and record["model"]["name"] == "toy"
    assert record["utc_start"] <= record["utc_end"] and record["versions"]["numpy"] == np.__version__


def test_positions_are_attached_by_time(tmp_path, model, leaf):
    # A recording without times is taken as if it came now.
    now = time.time()
    track = "".join(f"{now + second:.3f},{50 + second / 2},{8 - second / 2},100\n" for second in range(-2, 60))
    (tmp_path / "gps.csv").write_text("utc,lat,lon,alt\n" + track + "later,1,2,3\n")
    given = ["--engine", str(model), "--camera", f"replay:{leaf}", "--quiet", "--record"]
    assert main([*given, "--out", str(tmp_path / "out"), "--gps", str(tmp_path / "gps.csv")]) == 0
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    placed = record["positions"]
    assert (placed["source"], placed["fixes"], placed["bad_lines"]) == (str(tmp_path / "gps.csv"), 62, 1)
    assert placed["windows_placed"] == placed["windows"] == 16
    for row in rows(tmp_path / "out" / "raw.lines.csv"):
        seconds = int(row["utc_ns"]) / 1e9 - now
        assert float(row["lat"]) == pytest.approx(50 + seconds / 2, abs=2e-3) and row["position"].strip() == "known"
    for row in rows(tmp_path / "out" / "windows.csv"):
        assert float(row["lat"]) + float(row["lon"]) == pytest.approx(58) and float(row["alt"]) == 100
    # The recording is read as before, with its positions from the same file, and no others.
    again = ["--engine", str(model), "--camera", f"replay:{tmp_path / 'out' / 'raw.hdr'}", "--quiet"]
    assert main([*again, "--out", str(tmp_path / "again"), "--gps", str(tmp_path / "gps.csv")]) == 0
    assert (tmp_path / "again" / "windows.csv").read_bytes() == (tmp_path / "out" / "windows.csv").read_bytes()


def test_a_simulation_is_scored_against_its_truth(tmp_path, capsys):
    from focus.runtime.simulate import CLASS_NAMES, vnir_204

    wavelengths = vnir_204().wavelengths_nm
    # Reads whatever differs from a dark patch, which is enough to be scored.
    read = np.tile(np.where(wavelengths > 700, 0.05, 0.0), (4, 1)) * np.arange(1, 5)[:, None]
    toy = Toy(wavelengths_nm=wavelengths, patch=8, rows=4, columns=4, classes=CLASS_NAMES, read=read)
    model = toy.save(tmp_path / "sim.onnx")
    out = tmp_path / "out"
    uri = "sim:leaves=2,samples=64,leaf=64,seed=3,lost=0.05"
    assert main(["--engine", str(model), "--camera", uri, "--out", str(out)]) == 0
    record = json.loads((out / "run.json").read_text())
    counts = record["summary"]["counts"]
    assert counts["missing"] > 0 and counts["received"] + counts["missing"] == record["summary"]["lines"]
    assert "all" in record["lesion_iou"] and all(0 <= value <= 1 for value in record["lesion_iou"].values())
    assert record["calibration"]["simulated"] is True and record["calibration"]["sha256"]
    truth = np.fromfile(out / "truth.dat", "<i2").reshape(record["summary"]["lines"], 2, 64)
    assert set(np.unique(truth[:, 0])) <= {-1, 0, 1, 2, 3} and (truth[:, 0] >= 0).any()
    assert "lesion IoU" in capsys.readouterr().out
    masked = np.isnan(open_envi(out / "saliency.hdr")[0]).all(axis=1)
    assert masked.sum() == counts["missing"]


def test_counts_with_a_calibration_equal_reflectance(tmp_path, model):
    real = reflectance(24, 20)
    rng = np.random.default_rng(1)
    dark, white = rng.uniform(90, 110, (12, 20)), rng.uniform(2e4, 4e4, (12, 20))
    raw = np.rint(real * (white - dark)[:, None] + dark[:, None]).astype(np.uint16)
    write_npz(tmp_path / "raw.npz", cube(values=raw, quantity="counts"))
    write_npz(tmp_path / "real.npz", cube(values=real))
    gain = (1 / (white - dark)).astype(np.float32)
    Calibration(dark.astype(np.float32), gain, WAVELENGTHS, panel=1.0).save(tmp_path / "rig.focuscal")
    base = ["--engine", str(model), "--quiet"]
    given = ["--calibration", str(tmp_path / "rig.focuscal")]
    assert main([*base, "--camera", f"replay:{tmp_path}/raw.npz", "--out", str(tmp_path / "a"), *given]) == 0
    assert main([*base, "--camera", f"replay:{tmp_path}/real.npz", "--out", str(tmp_path / "b")]) == 0
    a, b = (open_envi(tmp_path / name / "saliency.hdr") for name in "ab")
    np.testing.assert_allclose(a, b, rtol=2e-2)
    record = json.loads((tmp_path / "a" / "run.json").read_text())
    assert record["calibration"]["sha256"] == Calibration.load(tmp_path / "rig.focuscal").sha256


def test_resamples_when_asked(tmp_path, model):
    fine = np.linspace(420, 980, 60)
    values = np.repeat(reflectance(16, 18, bands=1), 60, axis=0)
    write_npz(tmp_path / "fine.npz", cube(values=values, wavelengths_nm=fine))
    base = ["--engine", str(model), "--quiet", "--camera", f"replay:{tmp_path}/fine.npz"]
    assert main([*base, "--out", str(tmp_path / "a"), "--resample"]) == 0
    write_npz(tmp_path / "coarse.npz", cube(values=values[:12]))
    base[-1] = f"replay:{tmp_path}/coarse.npz"
    assert main([*base, "--out", str(tmp_path / "b")]) == 0
    a, b = (open_envi(tmp_path / name / "saliency.hdr") for name in "ab")
    np.testing.assert_allclose(a, b, rtol=1e-4)


def test_a_simulation_is_resampled_too(tmp_path, model):
    options = ["--engine", str(model), "--quiet", "--camera", "sim:leaves=1,samples=32,leaf=32", "--resample"]
    assert main([*options, "--out", str(tmp_path / "sim")]) == 0
    record = json.loads((tmp_path / "sim" / "run.json").read_text())
    assert record["source"]["resampled"] is True and record["source"]["sensor"] == "vnir-204"


class Bad:
    """Runs that must say one line, exit with 2 and leave nothing behind."""

    def __init__(self, tmp_path, capsys):
        self.root, self.capsys = tmp_path / "work", capsys
        self.root.mkdir()
        self.model = Toy().save(self.root / "toy.onnx")
        self.leaf = self.root / "leaf.npz"
        write_npz(self.leaf, cube(20, 20))

    def says(self, *arguments, code=2, **replaced):
        given = {"engine": self.model, "camera": f"replay:{self.leaf}", "out": self.root / "new" / "out", **replaced}
        flags = [item for key, value in given.items() for item in (f"--{key}", str(value))]
        before = sorted(self.root.rglob("*"))
        assert main([*flags, *arguments]) == code
        assert sorted(self.root.rglob("*")) == before
        said = self.capsys.readouterr()
        assert said.err.count("\n") == 1 and said.err.startswith("focus-run: ") and said.out == ""
        return said.err


@pytest.fixture
def bad(tmp_path, capsys):
    return Bad(tmp_path, capsys)


def test_bad_models(bad):
    assert "no model file" in bad.says(engine=bad.root / "absent.onnx")
    broken = bad.root / "broken.onnx"
    broken.write_bytes(b"not an onnx")
    assert "is not a readable ONNX model" in bad.says(engine=broken)
    other = Toy().save(bad.root / "other.onnx", metadata=False)
    assert "is an ONNX file but not a FOCUS model" in bad.says(engine=other)
    damaged = Toy().save(bad.root / "damaged.onnx", bundle='{"name": 1}')
    assert "the model's bundle is not valid" in bad.says(engine=damaged)


def test_a_file_in_the_place_of_an_option(bad, capsys):
    checkpoint = bad.root / "model.pt"
    checkpoint.write_bytes((40).to_bytes(8, "little") + b'{"__metadata__": {}}'.ljust(40))
    said = bad.says(engine=checkpoint)
    assert f"model.pt is a checkpoint, no ONNX model; focus-export --ckpt {checkpoint} --onnx FOCUS.onnx" in said
    assert main([str(bad.leaf), "--out", str(bad.root / "new")]) == 2
    assert f"{bad.leaf} is a file; did you mean --camera replay:{bad.leaf}, or inspect?" in capsys.readouterr().err


def test_the_share_of_valid_samples_is_not_of_what_pads_a_window(tmp_path, model):
    write_npz(tmp_path / "small.npz", cube(7, 9))
    given = [
        "--engine",
        str(model),
        "--camera",
        f"replay:{tmp_path}/small.npz",
        "--quiet",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(given) == 0
    (row,) = rows(tmp_path / "out" / "windows.csv")
    assert (row["lines"], row["samples"], row["valid_share"]) == ("7", "9", "1.0000")


def test_bad_cubes(bad):
    assert "cannot open" in bad.says(camera=f"replay:{bad.root}/absent.hdr")
    write_npz(bad.root / "few.npz", cube(values=reflectance(20, 20, bands=9), wavelengths_nm=WAVELENGTHS[:9]))
    said = bad.says(camera=f"replay:{bad.root}/few.npz")
    assert "model toy has other bands, and few.npz cannot be resampled: band 9 (855.0 nm) lies outside the" in said
    many = np.linspace(WAVELENGTHS[0], WAVELENGTHS[-1], 30)
    write_npz(bad.root / "many.npz", cube(values=reflectance(20, 20, bands=30), wavelengths_nm=many))
    said = bad.says(camera=f"replay:{bad.root}/many.npz")
    assert "model toy reads 12 bands, many.npz has 30; resample it with --resample (the model covers" in said
    write_npz(bad.root / "moved.npz", cube(20, 20, wavelengths_nm=WAVELENGTHS + 20))
    assert "model toy has band 0 at 450 nm, moved.npz at 470 nm" in bad.says(camera=f"replay:{bad.root}/moved.npz")
    write_npz(bad.root / "short.npz", cube(values=reflectance(20, 20, bands=9), wavelengths_nm=WAVELENGTHS[:9]))
    assert "outside the sensor's range" in bad.says("--resample", camera=f"replay:{bad.root}/short.npz")
    write_npz(bad.root / "raw.npz", cube(20, 20, quantity="counts"))
    assert "raw.npz holds raw counts; give --calibration" in bad.says(camera=f"replay:{bad.root}/raw.npz")
    write_npz(bad.root / "empty.npz", cube(values=np.full((12, 20, 20), np.nan, np.float32)))
    assert "empty.npz has no valid sample" in bad.says(camera=f"replay:{bad.root}/empty.npz")


def test_bad_calibrations(bad):
    write_npz(bad.root / "raw.npz", cube(20, 20, quantity="counts"))
    raw = f"replay:{bad.root}/raw.npz"
    rig = bad.root / "rig.focuscal"
    assert "no calibration file" in bad.says("--calibration", str(rig), camera=raw)
    Calibration(np.zeros((12, 9), np.float32), np.ones((12, 9), np.float32), WAVELENGTHS, 1.0).save(rig)
    assert "bands x 9 samples, raw.npz has 12 bands x 20 samples" in bad.says("--calibration", str(rig), camera=raw)
    Calibration(np.zeros((12, 1), np.float32), np.ones((12, 1), np.float32), WAVELENGTHS, 1.0, exposure_ms=8.0).save(
        rig
    )
    assert "raw.npz does not say its exposure; say it with --exposure MS" in bad.says(
        "--calibration", str(rig), camera=raw
    )
    assert "is for 8 ms, raw.npz is exposed for 4 ms" in bad.says(
        "--calibration", str(rig), "--exposure", "4", camera=raw
    )
    rig.write_bytes(rig.read_bytes()[:-5])
    assert "is damaged (its checksum does not match)" in bad.says("--calibration", str(rig), camera=raw)


def test_bad_choices(bad):
    assert "unknown source 'x'" in bad.says(camera="x")
    assert "cannot read /dev/no-camera: No such file" in bad.says(camera="/dev/no-camera")
    assert "is no video device, FIFO or Unix socket; a recording is read with replay:" in bad.says(camera=bad.leaf)
    assert "has no class 'rust'; it has healthy" in bad.says("--class", "rust")
    assert "--overlap must be 0 to 2 patches" in bad.says("--overlap", "3")
    assert "--threads must be 1 or more" in bad.says("--threads", "0")
    assert "--batch must be 1 or more, got 0" in bad.says("--batch", "0")
    assert "unknown backend 'tf'; there are openvino, onnxruntime" in bad.says("--backend", "tf")
    assert "--bit-depth must be 1 to 32, got 0" in bad.says("--bit-depth", "0")
    assert "--bit-shift must be 0 to 16, got 17" in bad.says("--bit-shift", "17")
    assert "--exposure must be milliseconds, more than 0, got -3" in bad.says("--exposure", "-3")
    assert "leave out --bit-depth" in bad.says("--bit-depth", "12", camera="sim:")
    assert "--scale goes with --quantity reflectance" in bad.says("--scale", "2")
    for free in ("900000TB", "900000.1TB"):
        said = bad.says("--min-free", free)
        assert f"the disk of {bad.root}" in said and ".part" not in said
    assert "unrecognized arguments: --frobnicate; see focus-run --help" in bad.says("--frobnicate")


def test_a_command_that_is_none(capsys):
    assert main(["bogus", "--out", "x"]) == 2
    said = capsys.readouterr().err
    assert said == (
        "focus-run: unknown command 'bogus'; commands are inspect, cameras, camera-sim; see focus-run --help\n"
    )


def test_bad_places(bad, monkeypatch):
    occupied = bad.root / "occupied"
    occupied.mkdir()
    (occupied / "thesis.tex").write_text("x")
    assert "exists and is not empty; choose another --out" in bad.says(out=occupied)
    assert "holds no run" in bad.says("--overwrite", out=occupied)
    assert "cannot write into" in bad.says(out=bad.leaf / "out")


@pytest.mark.parametrize("name", ["saliency.dat", "windows.csv", "overview.png", "run.json", "curve.csv", "scores.hdr"])
def test_a_disk_that_fills_up_leaves_nothing(bad, monkeypatch, name):
    real_open, real_path_open = os.open, Path.open

    def full(path, flags, *args, **kwargs):
        wanted = str(path).endswith(name) or f".{name}." in str(path)  # a file, or what is to become it
        return real_open("/dev/full" if wanted and flags & os.O_RDWR else path, flags & ~os.O_EXCL, *args, **kwargs)

    def full_path(self, mode="r", *args, **kwargs):
        wanted = self.name == name and "w" in mode
        return real_path_open(Path("/dev/full") if wanted else self, mode, *args, **kwargs)

    monkeypatch.setattr(os, "open", full)
    monkeypatch.setattr(Path, "open", full_path)
    said = bad.says("--quiet")
    assert "cannot write " in said and f"{name}: No space left on device; free some space or choose another" in said


def test_what_goes_wrong_while_running_is_one(bad, monkeypatch):
    from focus.runtime.engines import OnnxRuntimeEngine

    def broken(self, means, composite):
        raise RuntimeError("the engine\nfell over")

    monkeypatch.setattr(OnnxRuntimeEngine, "infer", broken)
    assert "RuntimeError: the engine fell over; set FOCUS_DEBUG=1" in bad.says(code=1, backend="onnxruntime")

    def interrupted(self, means, composite):
        raise KeyboardInterrupt

    monkeypatch.setattr(OnnxRuntimeEngine, "infer", interrupted)
    assert bad.says(code=1, backend="onnxruntime") == "focus-run: interrupted\n"


def test_an_earlier_run_is_replaced_only_when_asked(tmp_path, model, leaf):
    arguments = ["--engine", str(model), "--camera", f"replay:{leaf}", "--out", str(tmp_path / "out"), "--quiet"]
    assert main([*arguments, "--cube"]) == 0
    assert main(arguments) == 2
    assert main([*arguments, "--overwrite"]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == ALWAYS


def test_help_is_quick_and_says_how(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert "examples:" in said and "focus-run --camera sim: --out out/demo" in said and "exit codes" in said
    code = "import sys; from focus.runtime.commands.run import main; main(['--help']); print(sorted(set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("'numpy'", "'onnxruntime'", "'matplotlib'", "'scipy'", "'pydantic'"):
        assert heavy not in loaded


def test_a_recording_is_not_overwritten_by_its_own_replay(tmp_path, model, leaf, capsys):
    out = tmp_path / "out"
    assert main(["--engine", str(model), "--camera", f"replay:{leaf}", "--record", "--quiet", "--out", str(out)]) == 0
    again = ["--engine", str(model), "--camera", f"replay:{out / 'raw.hdr'}", "--out", str(out), "--overwrite"]
    assert main(again) == 2
    assert "raw.dat is read, and would go with what" in capsys.readouterr().err
    assert (out / "raw.dat").is_file()


@pytest.mark.parametrize("option", ["--gps", "--wavelengths", "--calibration"])
def test_nor_is_anything_else_that_a_run_reads(tmp_path, model, leaf, capsys, option):
    out = tmp_path / "out"
    given = ["--engine", str(model), "--camera", f"replay:{leaf}", "--quiet", "--out", str(out)]
    assert main(given) == 0
    beside = out / "beside.csv"
    beside.write_text("utc,lat,lon\n0,1,2\n" if option == "--gps" else "\n".join(map(str, WAVELENGTHS)))
    if option == "--calibration":
        shape = (12, 1)
        Calibration(np.zeros(shape, np.float32), np.ones(shape, np.float32), WAVELENGTHS, 1.0).save(beside)
        write_npz(leaf, cube(30, 37, quantity="counts"))
    capsys.readouterr()
    assert main([*given, "--overwrite", option, str(beside)]) == 2
    assert "beside.csv is read, and would go with what" in capsys.readouterr().err and beside.is_file()


def test_segments_are_not_overwritten_by_a_recording_of_them_that_is_looped(tmp_path, model, leaf, capsys):
    out = tmp_path / "out"
    segment = out / "segment-0001"
    assert (
        main(["--engine", str(model), "--camera", f"replay:{leaf}", "--record", "--quiet", "--out", str(segment)]) == 0
    )
    (out / "run.json").write_text(json.dumps({"segments": [{"folder": "segment-0001"}]}))
    again = ["--engine", str(model), "--camera", f"replay:{segment / 'raw.hdr'},loop=1", "--out", str(out)]
    assert main([*again, "--overwrite", "--quiet"]) == 2
    assert "raw.dat is read, and would go with what" in capsys.readouterr().err
    assert (segment / "raw.dat").is_file()


def test_a_log_is_kept_outside_of_the_run(bad):
    said = bad.says("--log", str(bad.root / "new" / "out" / "run.log"))
    assert "run.log lies in --out, which is a run's own; choose another place for it" in said


def test_truth_begins_where_the_first_line_does(tmp_path):
    out, uri = tmp_path / "out", "sim:leaves=1,samples=128,leaf=128,lost=0.9"
    assert main(["--camera", uri, "--quiet", "--out", str(out)]) == 0
    summary = json.loads((out / "run.json").read_text())["summary"]
    first, lines = summary["counts"]["first_sequence"], summary["lines"]
    assert first > 0
    truth = source_from_uri(uri).truth
    found = np.fromfile(out / "truth.dat", "<i2").reshape(lines, 2, 128)
    np.testing.assert_array_equal(found[:, 0], truth.lesion_class[first : first + lines])


def test_quiet_leaves_the_warnings(tmp_path, capsys):
    forced = Toy(sink_score=6.0).save(tmp_path / "forced.onnx")
    write_npz(tmp_path / "leaf.npz", cube(30, 37))
    given = ["--engine", str(forced), "--camera", f"replay:{tmp_path / 'leaf.npz'}", "--out", str(tmp_path / "out")]
    assert main([*given, "--quiet"]) == 0
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("focus-run: warning: sink_mass in ")
