"""``focus-export`` as people call it."""

from __future__ import annotations

import re
from pathlib import Path

import onnx
import pytest
import torch

from focus.exporter.commands.export import main
from focus.exporter.export import CheckReport
from focus.exporter.model import FocusNet, create_backbone, save_checkpoint
from focus.runtime.engines import engine_from_path
from support.bundles import small_bundle
from support.nets import groups


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    net = FocusNet(create_backbone("focus_vit_mini_patch8", (32, 32)), groups(), 3).eval()
    with torch.no_grad():
        for value in net.trainable.values():
            value.add_(0.05 * torch.randn_like(value))
    bundle = small_bundle(net)
    bundle = bundle.model_copy(
        update={"backbone": bundle.backbone.model_copy(update={"name": "focus_vit_mini_patch8"})}
    )
    path = tmp_path_factory.mktemp("ckpt") / "model.pt"
    save_checkpoint(path, net, bundle)
    return path


def test_writes_a_file_that_the_runtime_runs(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "focus.onnx"
    assert main(["--ckpt", str(checkpoint), "--onnx", str(target), "--standalone"]) == 0
    printed = capsys.readouterr().out
    assert "logits" in printed and "saliency" in printed and f"wrote {target}" in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["focus-standalone.onnx", "focus.onnx"]
    engine = engine_from_path(target)
    assert engine.bundle.precision == "fp32"
    assert engine.bundle.checkpoint_sha256 is not None
    assert [put.name for put in onnx.load(tmp_path / "focus-standalone.onnx").graph.input] == ["cube"]


def test_half_precision(checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "half.onnx"
    assert main(["--ckpt", str(checkpoint), "--onnx", str(target), "--precision", "fp16", "--batch", "1"]) == 0
    assert engine_from_path(target).bundle.precision == "fp16"
    assert onnx.load(target).graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT16


def test_a_model_that_differs_too_much_leaves_no_file(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "focus.onnx"
    target.write_bytes(b"the file from before")
    wrong = CheckReport({"logits": 0.5, "curve": 1e-6}, 1e-3)
    monkeypatch.setattr("focus.exporter.export.check_model", lambda *given, **named: wrong)
    assert main(["--ckpt", str(checkpoint), "--onnx", str(target)]) == 1
    assert "logits differs by 0.5" in capsys.readouterr().err
    assert target.read_bytes() == b"the file from before"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_difference_that_is_not_a_number_does_not_pass() -> None:
    assert not CheckReport({"logits": float("nan")}, 1e-3).passed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ckpt", "{tmp}/none.pt"], "no checkpoint .*none.pt; train one with focus-train"),
        (["--ckpt", "{ckpt}", "--opset", "12"], "--opset must be 18 to 23, got 12"),
        (["--ckpt", "{ckpt}", "--onnx", "{tmp}/model.plan"], "must name a file that ends in .onnx"),
        (["--ckpt", "{ckpt}", "--onnx", "{tmp}/no/model.onnx"], "there is no folder .*; make it first"),
        (["--ckpt", "{ckpt}", "--check", "{tmp}/none.hdr"], "none.hdr"),
        (["--ckpt", "{ckpt}", "--batch", "0"], "batch must be at least 1, got 0"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(
    options: list[str], message: str, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [part.format(tmp=tmp_path, ckpt=checkpoint) for part in options]
    if "--onnx" not in given:
        given += ["--onnx", str(tmp_path / "focus.onnx")]
    assert main(given) == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    assert re.search(message, error), error
    assert not list(tmp_path.iterdir())
