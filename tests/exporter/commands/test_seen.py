"""``python -m focus.exporter.commands.seen``: an older model learns the range of its training."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from focus.exporter.commands.export import main as export_main
from focus.exporter.commands.seen import main
from focus.exporter.commands.train import main as train_main
from focus.exporter.model import load_checkpoint, save_checkpoint
from focus.runtime._files import file_sha256
from focus.runtime.engines import engine_from_path
from focus.runtime.engines._open import default_model

TRAIN = ["--random-backbone", "--size", "32", "--epochs", "1", "--precision", "fp32", "--groups", "4"]
DATA = ["--data", "sim:full,scenes=8,val=4,test=4,bands=32"]


@pytest.fixture(autouse=True)
def without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    import focus.exporter.data as data

    whole = data.open_windows
    monkeypatch.setattr(data, "open_windows", lambda *args, **options: whole(*args, **options, workers=0))


def test_checkpoint_and_export_carry_it_and_nothing_else_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, exported = tmp_path / "leaf.pt", tmp_path / "leaf.onnx"
    assert train_main([*DATA, *TRAIN, "--out", str(model)]) == 0
    net, bundle = load_checkpoint(model)
    save_checkpoint(model, net, bundle.model_copy(update={"checkpoint_sha256": None, "seen": None}))
    assert export_main(["--ckpt", str(model), "--onnx", str(exported)]) == 0
    graph = onnx.load(exported).graph.SerializeToString()
    assert engine_from_path(exported).bundle.seen is None

    assert main(["--ckpt", str(model), "--onnx", str(exported), *DATA]) == 0
    said = capsys.readouterr().out
    assert "12 windows: collapse " in said and f"wrote {model}, {exported}" in said
    after, stamped = load_checkpoint(model)
    assert stamped.seen == bundle.seen is not None
    assert all(value.equal(after.state_dict()[name]) for name, value in net.state_dict().items())
    assert onnx.load(exported).graph.SerializeToString() == graph
    of_export = engine_from_path(exported).bundle
    assert of_export.seen == bundle.seen and of_export.checkpoint_sha256 == file_sha256(model)


def test_data_and_exports_of_another_model_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "leaf.pt"
    assert train_main([*DATA, *TRAIN, "--out", str(model)]) == 0
    before = file_sha256(model)
    assert main(["--ckpt", str(model), *DATA, "--seed", "2"]) == 2
    assert "was not trained on these windows" in capsys.readouterr().err
    assert main(["--ckpt", str(model), "--onnx", str(default_model()), *DATA]) == 2
    assert "was not exported of this checkpoint" in capsys.readouterr().err
    assert file_sha256(model) == before


def test_the_shipped_model_knows_its_training() -> None:
    bundle = engine_from_path(None).bundle
    assert bundle.seen is not None and bundle.seen.windows == 512
    assert bundle.checkpoint_sha256 == file_sha256(default_model().with_suffix(".pt"))
