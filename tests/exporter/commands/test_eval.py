"""``focus-eval`` from the outside, with the shipped model."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from focus.exporter.commands.eval import main
from focus.exporter.evaluate import Cache
from focus.runtime.engines._open import default_model
from support.torchrun import torchrun

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
        (["run", "--seed", "-1", "--out", "{out}"], "argument --seed: must be 0 or a larger whole number, got '-1'"),
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


def test_a_run_of_a_study_is_no_evaluation_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Cache(tmp_path / "run").claim({"run": {"training": {}}})
    assert main(["report", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert "is one run of a study; give the study's own folder" in said and said.count("\n") == 1


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


@pytest.mark.slow
def test_two_processes_share_the_windows_and_one_goes_on_where_they_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    engine = ["--engine", str(default_model()), "--threads", "1"]
    assert main(["run", "--data", "sim:vnir,test=3", *engine, "--out", str(alone)]) == 0
    command = ["run", "--data", "sim:vnir,test=3", *engine, "--out", str(shared)]
    ended = torchrun(["-m", "focus.exporter.commands.eval", *command])
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("BIO@5") == capsys.readouterr().out.count("BIO@5")  # said by one of them
    found = json.loads((shared / "results.json").read_text())
    assert found["methods"] == json.loads((alone / "results.json").read_text())["methods"]

    kept = sorted((shared / "windows").iterdir())
    assert len(kept) == 3
    times = [path.stat().st_mtime_ns for path in kept[:2]]
    kept[2].unlink()
    assert main(command) == 0
    assert [path.stat().st_mtime_ns for path in kept[:2]] == times
    assert json.loads((shared / "results.json").read_text())["methods"] == found["methods"]


def test_what_is_not_shared_refuses_more_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["report", str(tmp_path)]) == 2
    assert "focus-eval report is work of one process; start it without torchrun" in capsys.readouterr().err
