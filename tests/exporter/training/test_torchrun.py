"""A training that several processes share: the same result as one, and one that dies ends it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from focus.exporter.model import load_checkpoint
from focus.exporter.model._backbone import OWN_BACKBONES
from focus.exporter.training._state import TrainingState
from support import shared_training
from support.shared_training import NAME, OWN, SETTINGS, small_training
from support.torchrun import torchrun

pytestmark = pytest.mark.slow

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture(autouse=True, scope="module")
def known_to_checkpoints() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(OWN_BACKBONES, NAME, OWN)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, known_to_checkpoints: None) -> Path:
    """One training alone, one killed alone and gone on with by two, one of two, and one of two of which one dies."""
    folder = tmp_path_factory.mktemp("shared")
    small_training(folder / "alone.pt")
    state_after_one_epoch(folder / "resume.pt")
    ended = torchrun([shared_training.__file__, str(folder), "whole", "resume", "dies"])
    (folder / "said").write_text(ended.stderr)
    assert ended.returncode != 0
    assert (folder / "whole.pt").exists(), ended.stderr
    return folder


def state_after_one_epoch(out: Path) -> None:
    """What a training leaves that is killed in its second epoch."""
    save, saved = TrainingState.save, []

    def save_once(self: TrainingState, path: Path) -> None:
        save(self, path)
        saved.append(path)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TrainingState, "save", save_once)
        small_training(out)
    assert torch.load(saved[0], weights_only=True)["epoch"] == 1


def require_close(one: Path, other: Path) -> None:
    first, second = (load_checkpoint(path) for path in (one, other))
    for name, value in first[0].trainable.items():
        torch.testing.assert_close(value, second[0].trainable[name], **TOLERANCE)
    assert first[1].reading.heads == second[1].reading.heads
    torch.testing.assert_close(
        torch.tensor(first[1].reading.band_share), torch.tensor(second[1].reading.band_share), rtol=1e-3, atol=1e-3
    )
    assert first[1].seen.sink_mass.high == pytest.approx(second[1].seen.sink_mass.high, rel=1e-3)


def history(out: Path) -> list[dict[str, float]]:
    with (out.with_suffix(".training") / "metrics.csv").open() as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def report(out: Path) -> dict[str, object]:
    found = json.loads(out.with_name(f"{out.stem}.report.json").read_text())
    explanation = found.pop("explanation")
    return {**found, **{f"explanation {name}": value for name, value in explanation.items()}}


def test_two_processes_train_what_one_does(folder: Path) -> None:
    require_close(folder / "alone.pt", folder / "whole.pt")
    alone, shared = history(folder / "alone.pt"), history(folder / "whole.pt")
    assert len(alone) == SETTINGS.epochs
    for one, other in zip(alone, shared, strict=True):
        assert other == pytest.approx(one, rel=1e-4)
    alone_report, shared_report = report(folder / "alone.pt"), report(folder / "whole.pt")
    assert (shared_report["windows"], shared_report["explanation windows"]) == (9, 6)
    for name, value in alone_report.items():
        assert shared_report[name] == (pytest.approx(value, rel=1e-3) if isinstance(value, float) else value), name


def test_two_processes_go_on_where_one_was(folder: Path) -> None:
    require_close(folder / "alone.pt", folder / "resume.pt")
    assert len(history(folder / "resume.pt")) == SETTINGS.epochs


def test_a_process_that_dies_ends_the_run_with_one_line_and_one_process_goes_on(folder: Path) -> None:
    said = [line for line in (folder / "said").read_text().splitlines() if line.startswith("shared-training")]
    assert said == [
        "shared-training: another process of this run died, or the run was stopped; what is written is whole, and "
        "--resume goes on from it"
    ]
    out = folder / "dies.pt"
    assert not out.exists()
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]
    small_training(out, "resume")
    require_close(folder / "alone.pt", out)
    assert len(history(out)) == SETTINGS.epochs
