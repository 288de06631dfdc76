"""``focus-eval`` from the outside, with the shipped model."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from focus.exporter.commands.eval import main
from focus.runtime.engines._open import default_model

DATA = ["--data", "sim:vnir,test=2", "--threads", "1"]


@pytest.fixture(autouse=True)
def without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    import focus.exporter.evaluate as evaluate

    monkeypatch.setattr(evaluate, "held_out_windows", partial(evaluate.held_out_windows, workers=0))


def test_checkpoint_and_export_are_measured_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, of_engine = tmp_path / "eval", tmp_path / "engine"
    assert main(["run", *DATA, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    tables = said[said.index("Answers and attention") :]
    for words in ("accuracy", "untrained prompts", "random map", "BIO@5", "Sanity", f"{out}/report.md"):
        assert words in said
    assert main(["run", *DATA, "--engine", str(default_model()), "--out", str(of_engine)]) == 0
    ours, theirs = (json.loads((folder / "results.json").read_text()) for folder in (out, of_engine))
    assert set(theirs["methods"]) == {"FOCUS", "edge map", "random map"} and not theirs["sanity"]
    assert theirs["attention"]["FOCUS"]["sink_others"] is None
    for key in ("iou_leaf", "auprc", "collapse"):
        mine, exported = ((found["methods"]["FOCUS"] | found["attention"]["FOCUS"])[key][0] for found in (ours, theirs))
        assert exported == pytest.approx(mine, abs=0.1)
    assert theirs["methods"]["edge map"]["bio_20"] == ours["methods"]["edge map"]["bio_20"]

    capsys.readouterr()
    (out / "report.md").unlink()
    assert main(["report", str(out)]) == 0
    assert capsys.readouterr().out == tables
    assert (out / "report.md").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--data", "leaves.csv", "--out", "{out}"], "has no truth"),
        (["run", "--ckpt", "no.pt", "--out", "{out}"], "no checkpoint no.pt"),
        (["run", "--engine", "no.onnx", "--out", "{out}"], "no.onnx"),
        (["run", "--data", "sim:vnir,test=0", "--out", "{out}"], "test at least 1"),
        (["run", "--threads", "0", "--out", "{out}"], "--threads must be at least 1"),
        (["run"], "--out"),
        (["report", "{out}"], "has no evaluation; make one with focus-eval run"),
        (["run", "--ckpt", "a.pt", "--engine", "b.onnx", "--out", "{out}"], "not allowed with"),
    ],
)
def test_what_does_not_fit_is_one_line(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "eval"
    assert main([part.format(out=out) for part in arguments]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1 and said.startswith("focus-eval")
    assert not out.exists()


def test_an_engine_is_measured_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from focus.exporter.commands.eval import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    engine = ["run", "--engine", str(tmp_path / "no.onnx"), "--out", str(tmp_path / "out")]
    ended = subprocess.run([sys.executable, "-c", code, *engine], capture_output=True, text=True, check=False)
    assert ended.returncode == 2 and "no.onnx" in ended.stderr and ended.stderr.count("\n") == 1
    checkpoint = ["run", "--out", str(tmp_path / "out")]
    ended = subprocess.run([sys.executable, "-c", code, *checkpoint], capture_output=True, text=True, check=False)
    assert ended.returncode == 2 and 'pip install "focus-hsi[export]"' in ended.stderr
