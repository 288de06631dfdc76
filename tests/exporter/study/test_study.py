"""A tiny study from plan to report: killed, resumed, and with a step that fails."""

from __future__ import annotations

import importlib.resources
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from focus.exporter.commands import eval as command
from focus.exporter.evaluate import Cache, WindowResult
from focus.exporter.study import Backbone, Entry, Run, Scale, Store, execute, is_done, require_weights, steps_of
from focus.exporter.study import _execute as executing
from focus.exporter.study import _networks as networks
from focus.exporter.study import tables as all_tables
from focus.exporter.study._plan import Training
from focus.exporter.study._scale import FIRST_SPLIT, Table
from focus.exporter.study._store import READS, code_version
from focus.exporter.study.tables import benchmark, costs, sink
from focus.exporter.training import TrainSettings

WEIGHTS = Path(str(importlib.resources.files("focus.runtime") / "models" / "leaf-vnir.pt"))
SETTINGS = TrainSettings(epochs=1, groups=4, precision="fp32")
SCALE = Scale(2, 1, scenes=8, val=4, test=8, removals=1, settings=SETTINGS, blocks=6)
OPTIONS = [
    "--backbone", "focus_vit_mini_patch8", "--size", "32", "--weights", str(WEIGHTS), "--seeds", "2", "--splits", "1",
    "--scenes", "8", "--val", "4", "--test", "8", "--removals", "1", "--epochs", "1", "--precision", "fp32",
    "--threads", "1",
]  # fmt: skip


def entries_of_focus(scale: Scale) -> list[Entry]:
    """Table I, cut down to FOCUS and a cheap other method on the full range."""
    found = [entry for entry in benchmark.entries(scale) if entry.group == "full, classification"]
    return [entry for entry in found if entry.row in ("focus", "prompt-cam")]


def small_tables() -> tuple[Table, ...]:
    first = Table("benchmark", "Table I: all methods", entries_of_focus, "Cut down.")
    return first, sink.TABLE


def store_in(folder: Path) -> Store:
    return Store(folder, Backbone("focus_vit_mini_patch8", (32, 32), WEIGHTS, require_weights(WEIGHTS)))


def test_a_killed_study_goes_on_and_a_finished_run_is_never_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(all_tables, "TABLES", small_tables())
    monkeypatch.setattr("focus.exporter.study.TABLES", small_tables())
    monkeypatch.setattr("focus.exporter.study.report._write.TABLES", small_tables())
    out, whole, made = tmp_path / "study", executing.make, []

    def killed_at_the_fourth(step, store, tell):  # type: ignore[no-untyped-def]
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(step)
        whole(step, store, tell)

    monkeypatch.setattr(executing, "make", killed_at_the_fourth)
    assert command.main(["study", *OPTIONS, "--out", str(out)]) == 1
    assert [type(step).__name__ for step in made] == ["Training", "Run", "Training"]
    assert command.main(["report", str(out)]) == 0
    assert "Not everything has been run" in (out / "report.md").read_text()
    before = {file: file.stat().st_mtime_ns for file in out.glob("*/*/facts.json")}

    monkeypatch.setattr(executing, "make", lambda step, store, tell: made.append(step) or whole(step, store, tell))
    assert command.main(["study", *OPTIONS, "--out", str(out)]) == 0
    # FOCUS twice with its usual sink, which both tables share, and twice without the loss; Prompt-CAM twice.
    steps = [type(step).__name__ for step in made]
    assert len(made) == len(set(made)) and steps.count("Training") == len(list((out / "networks").iterdir()))
    assert {file: file.stat().st_mtime_ns for file in before} == before
    capsys.readouterr()
    assert command.main(["study", *OPTIONS, "--out", str(out), "--dry-run"]) == 0
    listed = capsys.readouterr().out
    assert listed.count("  done\n") == len(made) and "0 min to go" in listed
    assert command.main(["study", *OPTIONS, "--out", str(out), "--dry-run", "--rows", "prompt-cam"]) == 0
    listed = capsys.readouterr().out
    assert listed.count("run       prompt-cam") == 2 and "run       focus" not in listed

    assert command.main(["report", str(out)]) == 0
    results = json.loads((out / "results.json").read_text())
    rows = results["tables"]["benchmark"]["full, classification"]
    assert set(rows) == {"FOCUS", "untrained prompts", "edge map", "random map", "prompt-cam"}
    assert [len(cells) for cells in rows.values()] == [2] * 5 and not results["missing"]
    assert (
        results["tables"]["sink"]["full, classification"]["sink and loss"][0]["accuracy"]
        == rows["FOCUS"][0]["accuracy"]
    )
    page = (out / "report.html").read_text()
    assert "data:image/png;base64," in page and "http" not in page


def test_a_run_that_is_killed_goes_on_at_its_next_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(all_tables, "TABLES", small_tables())
    monkeypatch.setattr("focus.exporter.study.TABLES", small_tables())
    kept: list[tuple[str, int]] = []
    save = Cache.save

    def killed_at_the_third(cache: Cache, index: int, result: WindowResult) -> None:
        if len(kept) == 2 and not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            raise KeyboardInterrupt
        kept.append((cache.folder.name, index))
        save(cache, index, result)

    monkeypatch.setattr(Cache, "save", killed_at_the_third)
    asked = ["study", *OPTIONS, "--out", str(tmp_path / "study"), "--only", "benchmark", "--rows", "focus"]
    assert command.main(asked) == 1
    assert len(kept) == 2
    assert command.main(asked) == 0
    assert len(kept) > 2 and len(set(kept)) == len(kept)


def test_a_step_that_fails_is_named_and_the_rest_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, whole = store_in(tmp_path), executing.make

    def without_seed_1(step, store, tell):  # type: ignore[no-untyped-def]
        if isinstance(step, Training) and step.settings.seed == 1:
            raise ValueError("the loss is no longer a number")
        whole(step, store, tell)

    monkeypatch.setattr(executing, "make", without_seed_1)
    steps = steps_of(entry for entry in entries_of_focus(SCALE) if entry.row == "focus")
    failed = execute(steps, store, lambda done, total, words: None)
    assert [type(step).__name__ for step, _ in failed] == ["Training", "Run"]
    assert failed[0].why == "the loss is no longer a number" and failed[1].why.startswith("its training focus-full")
    assert [is_done(step, store) for step in steps] == [False, False, True, True]


def test_a_pair_is_made_for_all_tables_before_the_next_one() -> None:
    scale = Scale(2, 2, 8, 4, 8, 0, TrainSettings(), blocks=6)
    tables = [table for table in all_tables.TABLES if table.name in ("benchmark", "groups", "sink")]
    steps = steps_of(entry for table in tables for entry in table.entries(scale))
    trained = [(step.settings.seed, step.data.split) for step in steps if isinstance(step, Training)]
    assert trained == sorted(trained) and {seed for seed, _ in trained[: len(trained) // 2]} == {1}
    assert len(set(trained)) == 4


def test_a_run_is_keyed_by_all_that_it_depends_on(tmp_path: Path) -> None:
    store, run = store_in(tmp_path), SCALE.focus_run(1, 1)
    others = [
        SCALE.focus_run(2, 1), SCALE.focus_run(1, 2), SCALE.focus_run(1, 1, sink_weight=0.5),
        Run(run.training, removals=2), Run(run.training, removals=1, corruption="noise", severity=0.1),
    ]  # fmt: skip
    folders = [store.run_folder(one) for one in (run, *others)]
    folders.append(Store(tmp_path, Backbone("focus_vit_mini_patch8", (32, 32), WEIGHTS, "other")).run_folder(run))
    assert len(set(folders)) == len(folders) and store.run_folder(SCALE.focus_run(1, 1)) == folders[0]


def test_sweeps_move_one_setting_and_share_the_usual_run() -> None:
    moved = {
        "groups": [{"groups": 2}, {}, {"groups": 5}, {"groups": 10}, {"groups": 20}],
        "auxiliary": [{}, {"auxiliary": "highest entropy"}, {"auxiliary": "random"}],
        "readout": [{}, {"readout": "free"}],
        "values": [{}, {"values": "whole patch"}],
    }
    entries = {table.name: table.entries(replace(SCALE, seeds=1)) for table in all_tables.TABLES if table.name in moved}
    for table, changes in moved.items():
        runs = [entry.run for entry in entries[table]]
        assert runs == [SCALE.focus_run(1, FIRST_SPLIT, **change) for change in changes]
        assert len({entry.row for entry in entries[table]}) == len(set(runs)) == len(changes)


def test_costs_are_those_of_the_first_pairs_networks() -> None:
    """Trained for Table I anyway; another split would train all of them once more."""
    scale = Scale(2, 2, 8, 4, 8, 0, TrainSettings(), blocks=6)
    [entry] = costs.TABLE.entries(scale)
    benchmarked = [step for one in benchmark.TABLE.entries(scale) for step in one.run.trainings]
    assert set(entry.run.trainings) <= set(benchmarked)


def test_a_network_is_trained_at_its_own_rate_and_as_long_as_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    def train(*given: object, tell: object) -> torch.nn.Module:
        told.append((given[4].lr, given[4].epochs))
        return torch.nn.Identity()

    monkeypatch.setattr(networks, "train_method", train)
    scale = Scale(1, 1, 8, 4, 8, 0, TrainSettings(epochs=3), blocks=6)
    for name in ("adapted-vit", "prompt-cam", "se-cnn"):
        training = scale.training(name, "full", "class", 1, 11)
        networks.train_network(training, None, None, "", tmp_path, lambda done, total, words: None)  # type: ignore[arg-type]
    assert told == [(4e-3, 3), (TrainSettings().lr, 3), (4e-3, 30)]


def test_folders_are_named_without_spaces() -> None:
    run = SCALE.focus_run(1, 1, auxiliary="highest entropy", readout="free", values="whole patch", groups=2)
    assert run.name == (
        "focus-full-class-groups2-auxiliary-highest-entropy-readout-free-values-whole-patch-split1-seed1"
    )


def test_the_code_counts_and_its_comments_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(text: str) -> str:
        (tmp_path / "part.py").write_text(text)
        code_version.cache_clear()
        return code_version("anything")

    monkeypatch.setattr("importlib.resources.files", lambda name: tmp_path)
    first = version('"""One."""\n\ndef f():\n    """Two."""\n    return 1\n')
    assert version("def f():\n    # a word\n    return 1\n") == first != version("def f():\n    return 2\n")
    code_version.cache_clear()


def test_other_networks_do_not_hang_on_how_maps_of_focus_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in READS:
        package, name = module.split("/")
        assert (importlib.resources.files(package) / name).is_file()
    digests: dict[str, list[tuple[str, str]]] = {"focus": [], "focus-literal": [], "prompt-cam": []}
    store = Store(tmp_path, Backbone("test", (8, 8), WEIGHTS, "0"))
    real = importlib.resources.files
    for number in range(2):
        copy = tmp_path / str(number)
        shutil.copytree(str(real("focus.exporter.training")), copy)
        (copy / "_shown.py").write_text(f"changed = {number}")
        monkeypatch.setattr(
            "importlib.resources.files", lambda name, to=copy: to if name == "focus.exporter.training" else real(name)
        )
        code_version.cache_clear()
        for name, found in digests.items():
            training = SCALE.training(name, "full", "class", 1, 11)
            found.append((store.training_folder(training).name, store.run_folder(Run(training)).name))
    code_version.cache_clear()
    for name in ("focus", "focus-literal"):
        assert all(before != after for before, after in zip(*digests[name], strict=True))
    assert digests["prompt-cam"][0] == digests["prompt-cam"][1]


def test_the_papers_own_network_is_trained_as_the_paper_has_it() -> None:
    settings = SCALE.training("focus-literal", "full", "class", 1, 11).settings
    assert (settings.read_blocks, settings.hidden, settings.one_vs_rest) == (SCALE.blocks, 0.0, 0.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--weights", "no.safetensors"], "no weights file no.safetensors"),
        (["--weights", str(WEIGHTS), "--only", "table-9"], "no table 'table-9' in --only; there are benchmark"),
        (
            ["--weights", str(WEIGHTS), "--where", "swir"],
            "no run on --where 'swir'; there are 'full, classification', 'vnir",
        ),
        (
            ["--weights", str(WEIGHTS), "--only", "sink", "--rows", "focus, no sink"],
            "no row 'focus' in --rows; there are without sink, sink without loss, sink and loss",
        ),
        (["--weights", str(WEIGHTS), "--seeds", "0"], "--seeds must be at least 1, got 0"),
        (
            ["--weights", str(WEIGHTS), "--only", "costs", "--rows", "focus"],
            "no row 'focus' in --rows; there are costs",
        ),
        (
            ["--weights", str(WEIGHTS), "--only", "spurious", "--where", "vnir"],
            "no run on --where 'vnir'; there are 'full, classification'\n",
        ),
        (["--weights", str(WEIGHTS), "--size", "33"], "--size must be a multiple of the backbone's patch 8"),
        (["--weights", str(WEIGHTS), "--size", "24", "--dry-run"], "need windows of at least 32 x 32 samples"),
        (["--weights", str(WEIGHTS), "--scenes", "3"], "scenes must be at least 4"),
        (["--weights", __file__, "--dry-run"], "is not a safetensors file"),
        (["--weights", str(WEIGHTS), "--backbone", "vit_tiny_patch16_224"], "holds the weights of another network"),
        ([], "--weights"),
    ],
)
def test_what_does_not_fit_is_one_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("focus.exporter.study.execute", lambda *given, **more: pytest.fail("a step was begun"))
    small = ["--backbone", "focus_vit_mini_patch8", "--size", "32"]
    assert command.main(["study", *small, *arguments, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()
