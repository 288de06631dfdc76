"""``focus-train`` from the outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from focus.exporter.commands import train as command
from focus.exporter.commands._torchrun import parsed
from focus.exporter.commands.export import main as export_main
from focus.exporter.model import load_checkpoint
from focus.exporter.training import TrainSettings
from focus.runtime.cubes import Cube, write_npz
from support.torchrun import torchrun

TINY = ["--random-backbone", "--size", "32", "--epochs", "2", "--precision", "fp32", "--groups", "4"]
DATA = ["--data", "sim:full,scenes=8,val=4,test=4,bands=32"]


@pytest.fixture(autouse=True)
def without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spawned worker a test would cost more than the scenes."""
    import focus.exporter.data as data

    whole = data.open_windows
    monkeypatch.setattr(data, "open_windows", lambda *args, **options: whole(*args, **options, workers=0))


def test_help_needs_no_torch_and_shows_the_defaults() -> None:
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from focus.exporter.commands.train import main\n"
        "sys.exit(main(['--help']))\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for words in ("sim:vnir", "--resume", "--sink-weight", "torchrun", "focus_vit_mini_patch8", "default: 0.01"):
        assert words in shown


def test_a_missing_torch_is_one_line() -> None:
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from focus.exporter.commands.train import main\n"
        "sys.exit(main(['--data', 'sim:vnir']))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert 'pip install "focus-hsi[export]"' in ended.stderr


def test_defaults_are_those_of_the_settings() -> None:
    args = command.build_parser().parse_args(["--data", "sim:vnir"])
    assert command._settings(args) == TrainSettings()


def test_a_training_writes_model_report_and_metrics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "leaf.pt"
    assert command.main([*DATA, *TINY, "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "trainable parameters" in shown
    assert "focus-export --ckpt" in shown
    _, bundle = load_checkpoint(out)
    assert bundle.name == "leaf"
    assert bundle.class_names == ("healthy", "chlorosis", "anthocyanin", "water-soaked")
    assert json.loads((tmp_path / "leaf.report.json").read_text())["windows"] == 4
    assert (tmp_path / "leaf.training" / "metrics.csv").read_text().count("\n") == 3


def test_names_with_brackets_are_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not the terminal's markup: a closing tag by itself would end the training."""
    rows = ["path,label,split"]
    for index, split in enumerate(("train", "train", "val", "test") * 2):
        values = np.random.default_rng(index).uniform(0.05, 0.6, (12, 32, 32)).astype(np.float32)
        write_npz(Cube(values, np.linspace(400.0, 1000.0, 12), quantity="reflectance"), tmp_path / f"{index}.npz")
        rows.append(f"{index}.npz,{('old [/b]', '[red]fresh')[index % 2]},{split}")
    (tmp_path / "leaves.csv").write_text("\n".join(rows) + "\n")
    assert command.main(["--data", str(tmp_path / "leaves.csv"), *TINY, "--out", str(tmp_path / "leaf.pt")]) == 0
    assert "classification of [red]fresh, old [/b]: 4 train" in capsys.readouterr().out


def test_its_export_is_checked_on_windows_of_the_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, onnx = tmp_path / "leaf.pt", tmp_path / "leaf.onnx"
    assert command.main([*DATA, *TINY, "--out", str(out)]) == 0
    assert export_main(["--ckpt", str(out), "--onnx", str(onnx), "--standalone"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("largest difference to torch on 4 windows of the training") == 2
    assert onnx.is_file()


def test_a_trained_model_gives_its_backbone_to_another(tmp_path: Path) -> None:
    first, second = tmp_path / "first.pt", tmp_path / "second.pt"
    assert command.main([*DATA, *TINY, "--out", str(first)]) == 0
    given = ["--weights", str(first), *TINY[1:], "--seed", "7"]
    assert command.main([*DATA, *given, "--out", str(second)]) == 0
    one, other = (load_checkpoint(path)[0].backbone.state_dict() for path in (first, second))
    assert all(value.equal(other[name]) for name, value in one.items())


def test_the_data_can_have_a_seed_of_their_own(tmp_path: Path) -> None:
    kept = {}
    for name, seeds in (("a", ["--seed", "1"]), ("b", ["--seed", "2", "--data-seed", "1"]), ("c", ["--seed", "2"])):
        assert command.main([*DATA, *TINY, *seeds, "--out", str(tmp_path / f"{name}.pt")]) == 0
        with np.load(tmp_path / f"{name}.training" / "windows.npz") as file:
            kept[name] = file["band_means"]
    np.testing.assert_array_equal(kept["a"], kept["b"])
    assert not np.array_equal(kept["a"], kept["c"])
    one, other = (load_checkpoint(tmp_path / f"{name}.pt")[1].trained_on for name in "ab")
    assert one != other


def test_a_sensor_of_few_bands_has_a_group_a_band(tmp_path: Path) -> None:
    options = [*DATA[:-1], DATA[-1].replace("bands=32", "bands=8"), *TINY[:-2]]
    assert "bands=8" in options[1]
    for name, given in (("few", []), ("fewer", ["--groups", "3"])):
        assert command.main([*options, *given, "--out", str(tmp_path / f"{name}.pt")]) == 0
    assert [len(load_checkpoint(tmp_path / f"{name}.pt")[1].groups) for name in ("few", "fewer")] == [8, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "nothing.csv", *TINY], "no manifest nothing.csv"),
        (["--data", "sim:moon", *TINY], "no simulated sensor 'moon'"),
        ([*DATA, *TINY, "--size", "50"], "multiple of the backbone's patch 8"),
        ([*DATA, *TINY, "--size", "wide"], "--size must be one number"),
        ([*DATA, *TINY, "--groups", "33"], "groups must be 1 to 32 (one a band)"),
        ([*DATA, *TINY, "--read-blocks", "99"], "read_blocks must be 1"),
        ([*DATA, *TINY, "--lr", "-1"], "lr must be positive"),
        ([*DATA, *TINY, "--lr", "inf"], "lr must be positive and finite, got inf"),
        ([*DATA, *TINY, "--sink-weight", "inf"], "sink_weight must be finite and not negative, got inf"),
        ([*DATA, *TINY, "--seed", "-1"], "argument --seed: must be 0 or a larger whole number, got '-1'"),
        ([*DATA, *TINY, "--data-seed", "x"], "argument --data-seed: must be 0 or a larger whole number, got 'x'"),
        ([*DATA, *TINY, "--threads", "0"], "--threads must be at least 1"),
        ([*DATA, *TINY, "--resume"], "nothing to resume"),
        ([*DATA, *TINY, "--targets", "water"], "for a manifest of cubes on disk"),
        ([*DATA, *TINY, "--backbone", "resnet18"], "FOCUS needs a timm VisionTransformer"),
        ([*DATA, "--backbone", "vit_tiny_patch16_224"], "needs weights: --weights FILE"),
        ([*DATA, "--weights", "nothing.safetensors"], "no weights file nothing.safetensors"),
        ([*DATA, *TINY, "--out", "nowhere/model.pt"], "no folder nowhere"),
        ([*DATA, *TINY, "--precision", "int4"], "invalid choice"),
        ([], "required: --data"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command.main(options) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_many_processes_say_what_is_wrong_once(tmp_path: Path) -> None:
    said = torchrun(["-m", "focus.exporter.commands.train", "--data", str(tmp_path / "nothing.csv"), *TINY]).stderr
    ours = [line for line in said.splitlines() if line.startswith("focus-train")]
    assert len(ours) == 1, said
    assert "no manifest" in ours[0]


def test_many_processes_say_once_that_an_option_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for rank, said in (("0", 1), ("1", 0)):
        monkeypatch.setenv("LOCAL_RANK", rank)
        with pytest.raises(SystemExit, match="2"):
            parsed(command.build_parser(), [*DATA, "--bogus"])
        assert capsys.readouterr().err.count("unrecognized arguments: --bogus") == said
